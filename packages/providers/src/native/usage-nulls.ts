import { type Splice, splice } from './splice.ts';

/** Searched without its first quote: a search that starts at a quote stops at every quote. */
const TAIL = 'usage"';
const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;

/**
 * Whole lines of a chat stream without the `"usage":null` that providers write into every chunk once usage was asked for. Nothing is
 * parsed: a key with bare quotes cannot stand inside a JSON text, and only what stands outside of `choices` is taken.
 * `text` is the bytes in latin1 where the caller has it already. Returns the same buffer when there is nothing to take.
 */
export function withoutUsageNulls(lines: Buffer, text: string | null): Buffer {
  const read = text ?? lines.toString('latin1');
  const taken: Splice[] = [];
  for (let at = read.indexOf(TAIL); at >= 0; at = read.indexOf(TAIL, at + TAIL.length)) {
    const found = memberAt(read, at);
    if (found !== null && isOutside(read, found.start, found.end)) taken.push({ ...found, text: '' });
  }
  return splice(lines, taken);
}

/** The member `"usage": null` around this place with the comma that joins it; null where it is none. */
function memberAt(text: string, tail: number): { start: number; end: number } | null {
  if (text.charCodeAt(tail - 1) !== QUOTE) return null;
  let end = skipSpaces(text, tail + TAIL.length);
  if (text.charCodeAt(end) !== COLON) return null;
  end = skipSpaces(text, end + 1);
  if (!text.startsWith('null', end)) return null;
  end += 4;
  let start = tail - 1;
  while (text.charCodeAt(start - 1) === 0x20) start--;
  if (text.charCodeAt(start - 1) === COMMA) return { start: start - 1, end };
  if (text.charCodeAt(start - 1) !== OPEN_OBJECT) return null;
  const next = skipSpaces(text, end);
  return text.charCodeAt(next) === COMMA ? { start, end: next + 1 } : { start, end };
}

/** Whether this part of its line stands before or behind the choices. */
function isOutside(text: string, start: number, end: number): boolean {
  const lineStart = text.lastIndexOf('\n', start) + 1;
  if (!text.startsWith('data:', lineStart)) return false;
  const choices = text.indexOf('"choices"', lineStart);
  if (choices < 0 || choices > start) return choices >= 0 && choices < lineEnd(text, end);
  const close = text.indexOf(']', end);
  return close < 0 || close > lineEnd(text, end);
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === 0x20) at++;
  return at;
}
