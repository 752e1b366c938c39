import { AnswerTooLarge } from '@ownkey/contract/dialect';
import { ByteStore } from './byte-store.ts';

/** One server-sent event: its name ("" = none) and its data, lines joined by "\n". */
export interface SseEvent {
  event: string;
  data: string;
}

/** Longest line read; a whole event may be as long. */
export const SSE_LINE_BYTES_MAX = 8 * 1024 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);

/**
 * Parses server-sent events from chunks cut anywhere, also inside a character. CR, LF and CRLF end lines; a byte order mark at the
 * start, comments and unknown fields are skipped. Standard: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class SseParser {
  readonly #carry = new ByteStore();
  #isFirst = true;
  #skipLf = false;
  #event = '';
  #data: string[] = [];
  #dataLength = 0;

  /** Events completed by this chunk. Throws AnswerTooLarge. */
  push(chunk: Buffer): SseEvent[] {
    const events: SseEvent[] = [];
    let from = 0;
    if (this.#skipLf && chunk.length > 0) {
      this.#skipLf = false;
      if (chunk[0] === LF) from = 1;
    }
    while (from < chunk.length) {
      const end = lineEnd(chunk, from);
      if (end < 0) break;
      this.#line(this.#take(chunk.subarray(from, end)), events);
      from = end + 1;
      if (chunk[end] !== CR) continue;
      if (from === chunk.length) this.#skipLf = true;
      else if (chunk[from] === LF) from++;
    }
    this.#keep(chunk.subarray(from));
    return events;
  }

  /** What an answer that ended without its last blank line still held. */
  end(): SseEvent[] {
    const events: SseEvent[] = [];
    if (this.#carry.length > 0) this.#line(this.#take(NOTHING), events);
    this.#dispatch(events);
    return events;
  }

  #line(line: string, events: SseEvent[]): void {
    if (line === '') {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') {
      this.#dataLength += value.length;
      if (this.#dataLength > SSE_LINE_BYTES_MAX) throw new AnswerTooLarge(SSE_LINE_BYTES_MAX);
      this.#data.push(value);
    } else if (field === 'event') this.#event = value;
  }

  #dispatch(events: SseEvent[]): void {
    if (this.#data.length > 0) events.push({ event: this.#event, data: this.#data.join('\n') });
    this.#event = '';
    this.#data = [];
    this.#dataLength = 0;
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return;
    if (this.#carry.length + rest.length > SSE_LINE_BYTES_MAX) throw new AnswerTooLarge(SSE_LINE_BYTES_MAX);
    // A copy: the chunk itself may be much larger than its rest.
    this.#carry.push(Buffer.from(rest));
  }

  #take(last: Buffer): string {
    let bytes = last;
    if (this.#carry.length > 0) {
      this.#carry.push(last);
      bytes = this.#carry.take();
    }
    const text = bytes.toString();
    if (!this.#isFirst) return text;
    this.#isFirst = false;
    return text.startsWith('\ufeff') ? text.slice(1) : text;
  }
}

function lineEnd(chunk: Buffer, from: number): number {
  const lf = chunk.indexOf(LF, from);
  const cr = chunk.subarray(from, lf < 0 ? chunk.length : lf).indexOf(CR);
  return cr < 0 ? lf : from + cr;
}

/** An event as bytes of a stream, its data a JSON value in one line. */
export function sseText(data: unknown, event?: string): string {
  const line = `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
  return event === undefined ? line : `event: ${event}\n${line}`;
}
