import { AnswerTooLarge, type ProviderFailure } from '@ownkey/contract/dialect';
import type { CatalogueEntry, Wire } from '@ownkey/contract/provider';
import type { Usage } from '@ownkey/contract/usage';
import { streamError } from '../dialects/stream-error.ts';
import { classifyFailure } from '../failure.ts';
import { isJson, type Json, parseJson } from '../json.ts';
import { SSE_LINE_BYTES_MAX, sseText } from '../sse.ts';
import type { ChatRepair } from './chat-repair.ts';
import { generatedInLine } from './generated.ts';
import { valueStart } from './usage-finder.ts';
import { isUsageOnly, WIRE_SIGNS, type WireSigns } from './wire-signs.ts';

const LF = 0x0a;
const USAGE = Buffer.from('"usage"');
const ERROR = Buffer.from('"error"');
const NOTHING = Buffer.alloc(0);

export interface StreamBodyOptions {
  wire: Wire;
  entry: CatalogueEntry;
  headers: Readonly<Record<string, string>>;
  /** Usage was asked for by us alone: its chunk is taken out again. */
  hideUsage: boolean;
  repair: ChatRepair | null;
}

/**
 * A stream of the caller's own wire on its way through: bytes unchanged, watched for usage, errors and its end without parsing the
 * deltas. Where chunks have to be taken out or repaired, bytes go out line by line, else as they come.
 */
export class StreamBody {
  readonly #options: StreamBodyOptions;
  readonly #signs: WireSigns;
  readonly #holds: boolean;
  #carry: Buffer[] = [];
  #carryBytes = 0;
  #dropBlank = false;
  #ended = false;
  #finished = false;
  #rawUsage: unknown = null;
  #lineOpen = false;
  usage: Usage | null = null;
  usageIsFinal = false;
  failure: ProviderFailure | null = null;
  generated = 0;

  constructor(options: StreamBodyOptions) {
    this.#options = options;
    this.#signs = WIRE_SIGNS[options.wire];
    this.#holds = options.hideUsage || options.repair !== null;
  }

  push(chunk: Buffer): Buffer | null {
    const lastLine = chunk.lastIndexOf(LF);
    if (lastLine < 0) {
      this.#keep(chunk);
      return this.#holds ? null : this.#pass(chunk);
    }
    let region = chunk.subarray(0, lastLine + 1);
    if (this.#carryBytes > 0) {
      region = Buffer.concat([...this.#carry, region]);
      this.#carry = [];
      this.#carryBytes = 0;
    }
    if (lastLine + 1 < chunk.length) this.#keep(chunk.subarray(lastLine + 1));
    const out = this.#lines(region);
    return this.#holds ? out : this.#pass(chunk);
  }

  /** The provider ended the stream. What it forgot to say is added; a stream that breaks off ends as an error. */
  end(): Buffer | null {
    const rest = this.#flush();
    const parts: Buffer[] = rest ? [rest] : [];
    if (!this.#ended && this.failure === null) {
      const held = this.#options.repair?.finish() ?? null;
      if (held) parts.push(Buffer.from(sseText(held)));
      if (this.#finished && this.#signs.lastEvent !== null) parts.push(Buffer.from(this.#signs.lastEvent));
      else if (!this.#finished) {
        this.failure = CUT;
        parts.push(this.#error(CUT));
      }
    }
    return parts.length === 0 ? null : Buffer.concat(parts);
  }

  /** The connection broke: what came so far, then the wire's own error event. */
  cut(failure: ProviderFailure): Buffer | null {
    if (this.#ended) return this.#flush();
    this.#carry = [];
    this.#carryBytes = 0;
    return this.#error(failure);
  }

  #error(failure: ProviderFailure): Buffer {
    // Half a line is out already: it is ended first, so that the event after it can be read.
    return Buffer.from((this.#lineOpen ? '\n\n' : '') + streamError(this.#options.wire, failure));
  }

  #pass(chunk: Buffer): Buffer {
    this.#lineOpen = chunk[chunk.length - 1] !== LF;
    return chunk;
  }

  #keep(rest: Buffer): void {
    this.#carryBytes += rest.length;
    if (this.#carryBytes > SSE_LINE_BYTES_MAX) throw new AnswerTooLarge(SSE_LINE_BYTES_MAX);
    this.#carry.push(Buffer.from(rest));
  }

  #flush(): Buffer | null {
    if (this.#carryBytes === 0) return null;
    const rest = Buffer.concat([...this.#carry, Buffer.from('\n')]);
    this.#carry = [];
    this.#carryBytes = 0;
    const out = this.#lines(rest);
    return this.#holds ? out : NOTHING;
  }

  /** Looks at complete lines; returns them as the caller gets them when lines are held. */
  #lines(region: Buffer): Buffer | null {
    const hasUsage = region.indexOf(USAGE) >= 0;
    const hasError = region.indexOf(ERROR) >= 0;
    const out: Buffer[] = [];
    let isChanged = false;
    for (let from = 0; from < region.length; ) {
      const end = region.indexOf(LF, from) + 1;
      const line = region.subarray(from, end);
      from = end;
      const shown = this.#line(line, hasUsage, hasError);
      if (shown !== line) isChanged = true;
      if (shown !== null && this.#holds) out.push(shown);
    }
    if (!this.#holds) return null;
    return isChanged ? Buffer.concat(out) : region;
  }

  /** Watches one line. Returns it, something in its place, or null to take it out. */
  #line(line: Buffer, hasUsage: boolean, hasError: boolean): Buffer | null {
    if (line.length <= 2 && (line.length === 1 || line[0] === 0x0d)) {
      const isDropped = this.#dropBlank;
      this.#dropBlank = false;
      return isDropped ? null : line;
    }
    if (line[0] !== 0x64) return line;
    this.generated += generatedInLine(line);
    const signs = this.#signs;
    if (signs.end.some((sign) => line.includes(sign))) return this.#endLine(line, hasUsage, hasError);
    if (!this.#finished && signs.finish.some((sign) => line.includes(sign))) this.#finished = true;
    const concernsUsage = hasUsage && hasValue(line, USAGE);
    const concernsError = hasError && hasErrorValue(line);
    const { repair } = this.#options;
    const isBroken = repair?.concerns(line) ?? false;
    if (!concernsUsage && !concernsError && !isBroken) return line;
    const event = eventOf(line);
    if (event === null) return line;
    this.#read(event, concernsUsage, concernsError);
    if (this.#options.hideUsage && concernsUsage && isUsageOnly(event)) {
      this.#dropBlank = true;
      return this.#heldFinish(NOTHING, true);
    }
    if (repair && isUsageOnly(event)) return this.#heldFinish(line, false);
    return isBroken && repair ? Buffer.from(`data: ${JSON.stringify(repair.chunk(event))}\n`) : line;
  }

  #endLine(line: Buffer, hasUsage: boolean, hasError: boolean): Buffer {
    // In chat streams the mark is a line of its own; a text that holds it is longer.
    if (this.#options.wire === 'openai-chat' && line.length > 20) return line;
    this.#ended = true;
    const event = hasUsage || hasError ? eventOf(line) : null;
    if (event) this.#read(event, hasUsage && hasValue(line, USAGE), true);
    return this.#heldFinish(line, false) ?? line;
  }

  /** A finish reason that was held back goes out before this line. */
  #heldFinish(line: Buffer, isDropped: boolean): Buffer | null {
    const held = this.#options.repair?.finish() ?? null;
    if (held === null) return isDropped ? null : line;
    const chunk = Buffer.from(`data: ${JSON.stringify(held)}\n`);
    if (!isDropped) return Buffer.concat([chunk, Buffer.from('\n'), line]);
    this.#dropBlank = false;
    return chunk;
  }

  #read(event: Json, concernsUsage: boolean, concernsError: boolean): void {
    const { entry, headers } = this.#options;
    if (concernsUsage) {
      const read = this.#signs.readUsage(event, entry.quirks, this.#rawUsage);
      if (read) {
        this.usage = read.usage;
        this.#rawUsage ??= read.raw;
        this.usageIsFinal ||= read.isFinal;
      }
    }
    const error = concernsError ? this.#signs.readError(event) : null;
    if (error !== null) this.failure ??= classifyFailure(entry, 200, headers, error);
  }
}

const CUT: ProviderFailure = {
  kind: 'unreadable',
  status: 502,
  type: null,
  code: 'provider.cut',
  message: 'The provider ended the answer in the middle.',
  requestId: null,
  retryAfterMs: null,
};

function hasValue(line: Buffer, key: Buffer): boolean {
  for (let at = line.indexOf(key); at >= 0; at = line.indexOf(key, at + key.length)) {
    if (line[valueStart(line, at + key.length)] === 0x7b) return true;
  }
  return false;
}

/** `"error": {…}` or `"error": "…"`, or "error" as a value (`"type":"error"`); not `"error": null`. */
function hasErrorValue(line: Buffer): boolean {
  for (let at = line.indexOf(ERROR); at >= 0; at = line.indexOf(ERROR, at + ERROR.length)) {
    const value = line[valueStart(line, at + ERROR.length)];
    if (value !== 0x6e) return true;
  }
  return false;
}

function eventOf(line: Buffer): Json | null {
  const value = parseJson(line.toString('utf8', 5));
  return isJson(value) ? value : null;
}
