import { AnswerTooLarge, type ProviderFailure } from '@ownkey/contract/dialect';
import type { CatalogueEntry, Wire } from '@ownkey/contract/provider';
import type { Usage } from '@ownkey/contract/usage';
import { ByteStore } from '../byte-store.ts';
import { streamError } from '../dialects/stream-error.ts';
import { classifyFailure } from '../failure.ts';
import { isJson, type Json, parseJson } from '../json.ts';
import { SSE_LINE_BYTES_MAX, sseText } from '../sse.ts';
import type { ChatRepair } from './chat-repair.ts';
import { generatedIn } from './generated.ts';
import { withoutUsageNulls } from './usage-nulls.ts';
import { isUsageOnly, WIRE_SIGNS, type WireSigns } from './wire-signs.ts';

const LF = 0x0a;
/**
 * Keys are looked for from a letter that is rare in JSON: a search that starts at a quote stops at every quote (measured: a quarter
 * of the time). The quote before is checked afterwards.
 */
const USAGE = { tail: 'usage"', skipped: '"' };
const ERROR = { tail: 'rror"', skipped: '"e' };
const NOTHING = Buffer.alloc(0);

export interface StreamBodyOptions {
  wire: Wire;
  entry: CatalogueEntry;
  headers: Readonly<Record<string, string>>;
  /** Usage was asked for by us alone: its chunk is taken out again, and `usage: null` from the others. */
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
  readonly #carry = new ByteStore();
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
    if (this.#carry.length > 0) {
      this.#carry.push(region);
      region = this.#carry.take();
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
    this.#carry.clear();
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
    if (this.#carry.length + rest.length > SSE_LINE_BYTES_MAX) throw new AnswerTooLarge(SSE_LINE_BYTES_MAX);
    this.#carry.push(Buffer.from(rest));
  }

  #flush(): Buffer | null {
    if (this.#carry.length === 0) return null;
    this.#carry.push(Buffer.from('\n'));
    const out = this.#lines(this.#carry.take());
    return this.#holds ? out : NOTHING;
  }

  /** Looks at complete lines; returns them as the caller gets them when lines are held. */
  #lines(region: Buffer): Buffer | null {
    // One copy as text of single bytes: searching it is cheaper than searching the bytes, and places in it are places there.
    const text = region.toString('latin1');
    this.generated += generatedIn(text);
    const signs = this.#signs;
    if (!this.#finished && signs.finish.some((sign) => text.includes(sign))) this.#finished = true;
    const isNoted =
      this.#dropBlank ||
      hasUsageValue(text) ||
      hasErrorValue(text) ||
      signs.end.some((sign) => text.includes(sign)) ||
      this.#options.repair?.concerns(text);
    const out = isNoted ? this.#noted(region, text) : this.#holds ? region : null;
    return out !== null && this.#options.hideUsage ? withoutUsageNulls(out, out === region ? text : null) : out;
  }

  /** Line by line, where there is something to read, to take out or to repair. */
  #noted(region: Buffer, text: string): Buffer | null {
    const out: Buffer[] = [];
    let isChanged = false;
    for (let from = 0; from < region.length; ) {
      const end = region.indexOf(LF, from) + 1;
      const line = region.subarray(from, end);
      const shown = this.#line(line, text.slice(from, end));
      from = end;
      if (shown !== line) isChanged = true;
      if (shown !== null) out.push(shown);
    }
    if (!this.#holds) return null;
    return isChanged ? Buffer.concat(out) : region;
  }

  /** Watches one line. Returns it, something in its place, or null to take it out. */
  #line(line: Buffer, text: string): Buffer | null {
    if (text === '\n' || text === '\r\n') {
      const isDropped = this.#dropBlank;
      this.#dropBlank = false;
      return isDropped ? null : line;
    }
    if (!text.startsWith('data:')) return line;
    const { repair, hideUsage } = this.#options;
    const concernsUsage = hasUsageValue(text);
    if (this.#signs.end.some((sign) => text.includes(sign))) return this.#endLine(line, text, concernsUsage);
    const concernsError = hasErrorValue(text);
    const isBroken = repair?.concerns(text) ?? false;
    if (!concernsUsage && !concernsError && !isBroken) return line;
    const event = eventOf(line);
    if (event === null) return line;
    this.#read(event, concernsUsage, concernsError);
    if (hideUsage && concernsUsage && isUsageOnly(event)) {
      this.#dropBlank = true;
      return this.#heldFinish(NOTHING, true);
    }
    if (repair && isUsageOnly(event)) return this.#heldFinish(line, false);
    return isBroken && repair ? Buffer.from(`data: ${JSON.stringify(repair.chunk(event))}\n`) : line;
  }

  #endLine(line: Buffer, text: string, concernsUsage: boolean): Buffer {
    // In chat streams the mark is a line of its own; a text that holds it is longer.
    if (this.#options.wire === 'openai-chat' && text.length > 20) return line;
    const event = eventOf(line);
    if (event) this.#read(event, concernsUsage, true);
    // The words may also be a whole piece of text.
    if (event && !this.#signs.isEnd(event)) return line;
    this.#ended = true;
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
        if (read.isFinal && this.#options.wire === 'anthropic-messages') this.#finished = true;
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

interface Key {
  tail: string;
  /** What stands before the tail. */
  skipped: string;
}

/** First characters of the values of a key in the text. */
function* valueStarts(text: string, { tail, skipped }: Key): Generator<number> {
  for (let at = text.indexOf(tail); at >= 0; at = text.indexOf(tail, at)) {
    const isKey = text.startsWith(skipped, at - skipped.length);
    at += tail.length;
    if (isKey) yield text.charCodeAt(textValueStart(text, at));
  }
}

/** Whether the key has an object for a value somewhere. */
function hasUsageValue(text: string): boolean {
  if (!text.includes(USAGE.tail)) return false;
  for (const first of valueStarts(text, USAGE)) if (first === 0x7b) return true;
  return false;
}

/** `"error": {…}` or `"error": "…"`, or "error" as a value (`"type":"error"`); not `"error": null`. */
function hasErrorValue(text: string): boolean {
  if (!text.includes(ERROR.tail)) return false;
  for (const first of valueStarts(text, ERROR)) if (first !== 0x6e) return true;
  return false;
}

function textValueStart(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === 0x20) at++;
  if (text.charCodeAt(at) === 0x3a) at++;
  while (text.charCodeAt(at) === 0x20) at++;
  return at;
}

function eventOf(line: Buffer): Json | null {
  const value = parseJson(line.toString('utf8', 5));
  return isJson(value) ? value : null;
}
