import { AnswerTooLarge, type ProviderFailure } from '@ownkey/contract/dialect';
import type { CatalogueEntry, Wire } from '@ownkey/contract/provider';
import type { Usage } from '@ownkey/contract/usage';
import { ByteStore } from '../byte-store.ts';
import { classifyFailure, unreadable } from '../failure.ts';
import { isJson, type Json, jsonOf, parseJson } from '../json.ts';
import type { ChatRepair } from './chat-repair.ts';
import { UsageFinder } from './usage-finder.ts';
import { WIRE_SIGNS } from './wire-signs.ts';

export interface WholeBodyOptions {
  wire: Wire;
  entry: CatalogueEntry;
  headers: Readonly<Record<string, string>>;
  answerBytesMax: number;
  repair: ChatRepair | null;
}

/** Answers up to this size are kept to be looked at once more, when no usage was found in them. */
const KEPT_BYTES_MAX = 256 * 1024;

/**
 * An unstreamed answer of the caller's own wire on its way through: bytes unchanged, usage found without parsing. Providers whose
 * answers need repairs are kept whole instead.
 */
export class WholeBody {
  readonly #options: WholeBodyOptions;
  readonly #finder: UsageFinder;
  readonly #kept = new ByteStore();
  #bytes = 0;
  #looksLikeJson: boolean | null = null;
  usage: Usage | null = null;
  failure: ProviderFailure | null = null;

  constructor(options: WholeBodyOptions) {
    this.#options = options;
    this.#finder = new UsageFinder((value) => {
      // The last object that is a usage counts: echoed tools may have a field of that name.
      this.usage = this.#usageOf({ usage: value, response: { usage: value } }) ?? this.usage;
    });
  }

  get generated(): number {
    return this.#bytes;
  }

  push(chunk: Buffer): Buffer | null {
    const { answerBytesMax, repair } = this.#options;
    this.#bytes += chunk.length;
    if (repair && this.#bytes > answerBytesMax) throw new AnswerTooLarge(answerBytesMax);
    if (repair || this.#bytes <= KEPT_BYTES_MAX) this.#kept.push(chunk);
    else this.#kept.clear();
    this.#looksLikeJson ??= firstByte(chunk);
    this.#finder.push(chunk);
    // What is no JSON is no answer: nothing of it is handed on.
    return repair || this.#looksLikeJson === false ? null : chunk;
  }

  end(): Buffer | null {
    const { entry, headers, repair } = this.#options;
    if (this.#looksLikeJson !== true) {
      this.failure = unreadable('The provider answered with something that is no JSON.', headers);
      return null;
    }
    if (!repair && this.usage !== null) return null;
    const kept = this.#kept.take();
    const value = kept.length === 0 ? undefined : parseJson(kept.toString());
    if (isJson(value)) {
      this.usage ??= this.#usageOf(value);
      const error = isJson(value.error) || typeof value.error === 'string' ? value : null;
      if (error) this.failure = classifyFailure(entry, 200, headers, error);
    } else if (kept.length > 0) {
      this.failure = unreadable('The provider sent an answer that cannot be read.', headers);
    }
    if (!repair) return null;
    return isJson(value) && this.failure === null ? repaired(repair, value, kept) : kept;
  }

  #usageOf(value: Json): Usage | null {
    const { wire, entry } = this.#options;
    const event = wire === 'openai-responses' ? { response: jsonOf(value.response ?? value) } : value;
    return WIRE_SIGNS[wire].readUsage(event, entry.quirks, null)?.usage ?? null;
  }
}

function repaired(repair: ChatRepair, value: Json, kept: Buffer): Buffer {
  const before = JSON.stringify(value);
  const after = JSON.stringify(repair.answer(value));
  return before === after ? kept : Buffer.from(after);
}

/** Whether the first byte that is not white space opens an object or a list; null = only white space so far. */
function firstByte(chunk: Buffer): boolean | null {
  for (let at = 0; at < chunk.length; at++) {
    const byte = chunk[at];
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
    return byte === 0x7b || byte === 0x5b;
  }
  return null;
}
