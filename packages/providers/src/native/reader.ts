import type { AnswerReader, CallerHead, ProviderFailure } from '@ownkey/contract/dialect';
import type { CatalogueEntry, Wire } from '@ownkey/contract/provider';
import type { Usage, UsageBasis } from '@ownkey/contract/usage';
import { callerHead, isEventStream, isPacked } from '../answer-head.ts';
import { ErrorBody } from '../error-body.ts';
import { writeError } from '../write-error.ts';
import { ChatRepair, repairNeeded } from './chat-repair.ts';
import { StreamBody } from './stream-body.ts';
import { WholeBody } from './whole-body.ts';

export interface NativeReaderOptions {
  wire: Wire;
  entry: CatalogueEntry;
  hideUsage: boolean;
  answerBytesMax: number;
  /** false: what is asked is no chat, whose repairs do not concern it. */
  repairs?: boolean;
}

/** Reads an answer of the caller's own wire on its way through. One object per answer. */
export class NativeReader implements AnswerReader {
  readonly #options: NativeReaderOptions;
  #stream: StreamBody | null = null;
  #whole: WholeBody | null = null;
  #error: ErrorBody | null = null;
  #failure: ProviderFailure | null = null;
  #started = false;
  #isOver = false;

  constructor(options: NativeReaderOptions) {
    this.#options = options;
  }

  head(status: number, headers: Readonly<Record<string, string>>): CallerHead {
    const { wire, entry, hideUsage, answerBytesMax, repairs = true } = this.#options;
    const packed = isPacked(headers);
    if (status >= 300 || status < 200 || packed) {
      this.#error = new ErrorBody(entry, status, headers, packed);
      return callerHead(status >= 400 ? status : 502, headers, 'application/json');
    }
    const isRepaired = repairs && wire === 'openai-chat' && repairNeeded(entry.quirks);
    const repair = isRepaired ? new ChatRepair(entry.quirks) : null;
    if (isEventStream(headers)) this.#stream = new StreamBody({ wire, entry, headers, hideUsage, repair });
    else this.#whole = new WholeBody({ wire, entry, headers, answerBytesMax, repair });
    return callerHead(status, headers);
  }

  push(chunk: Buffer): Buffer | null {
    this.#error?.push(chunk);
    return this.#out(this.#stream?.push(chunk) ?? this.#whole?.push(chunk) ?? null);
  }

  end(): Buffer | null {
    this.#isOver = true;
    if (this.#error) {
      this.#failure = this.#error.failure();
      return this.#out(writeError(this.#options.wire, this.#failure));
    }
    const out = this.#stream?.end() ?? this.#whole?.end() ?? null;
    const failure = this.failure();
    // An error instead of an answer: its body is written anew, so that it has one form.
    if (this.#whole && failure && !this.#started) return this.#out(writeError(this.#options.wire, failure));
    return this.#out(out);
  }

  cut(reason: { code: string; message: string }): Buffer | null {
    return this.#out(this.#stream?.cut(cutFailure(reason)) ?? null);
  }

  failure(): ProviderFailure | null {
    return this.#failure ?? this.#stream?.failure ?? this.#whole?.failure ?? null;
  }

  usage(): { usage: Usage; basis: UsageBasis; partial: boolean } | null {
    const body = this.#stream ?? this.#whole;
    if (!body?.usage) return null;
    const isComplete = this.#stream ? this.#stream.usageIsFinal || this.#isOver : this.#isOver;
    return { usage: body.usage, basis: 'reported', partial: !isComplete };
  }

  generatedCharacters(): number {
    return this.#stream?.generated ?? this.#whole?.generated ?? 0;
  }

  started(): boolean {
    return this.#started;
  }

  #out(bytes: Buffer | null): Buffer | null {
    if (bytes === null || bytes.length === 0) return null;
    this.#started = true;
    return bytes;
  }
}

/** The failure an answer ends with when its connection is lost. */
export function cutFailure(reason: { code: string; message: string }): ProviderFailure {
  return {
    kind: 'outage',
    status: 502,
    type: null,
    code: reason.code,
    message: reason.message,
    requestId: null,
    retryAfterMs: null,
  };
}
