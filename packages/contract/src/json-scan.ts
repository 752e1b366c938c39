/**
 * A validating scanner of JSON bytes that makes no values: it tells where the fields of an object stand, so that a body can be
 * read and spliced without parsing it. Strings are jumped by the native `indexOf`, which is what makes it fast on long bodies.
 * It checks the grammar of everything outside of strings; text inside strings is left to the reader of the value.
 */

/** One field of an object: byte ranges, end exclusive, quotes of key and value included. */
export interface JsonField {
  name: string;
  keyStart: number;
  start: number;
  end: number;
}

export interface JsonFields {
  fields: JsonField[];
  /** First byte behind the object's closing bracket. */
  end: number;
  /** Whether a key is written with escapes: two readers may look for it differently. */
  hasEscapedKey: boolean;
}

/** Why the bytes cannot be read. `name` is set for `duplicate`. */
export class JsonScanError extends Error {
  readonly kind: 'syntax' | 'depth' | 'duplicate';
  readonly position: number;
  readonly field: string | null;
  constructor(kind: 'syntax' | 'depth' | 'duplicate', position: number, field: string | null = null) {
    super(kind === 'duplicate' ? `field ${field} twice` : `${kind} at byte ${position}`);
    this.name = 'JsonScanError';
    this.kind = kind;
    this.position = position;
    this.field = field;
  }
}

/** Deepest nesting that is read. */
export const JSON_DEPTH_MAX = 128;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Fields of the object at `from` (white space before it is skipped). Throws JsonScanError, also for a field named twice. */
export function scanFields(bytes: Buffer, from = 0): JsonFields {
  const fields: JsonField[] = [];
  let hasEscapedKey = false;
  let at = skipSpace(bytes, from);
  if (bytes[at] !== OPEN_OBJECT) throw new JsonScanError('syntax', at);
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === CLOSE_OBJECT) return { fields, end: at + 1, hasEscapedKey };
  for (;;) {
    const keyStart = at;
    if (bytes[at] !== QUOTE) throw new JsonScanError('syntax', at);
    at = skipString(bytes, at);
    let name = bytes.toString('latin1', keyStart + 1, at - 1);
    if (name.includes('\\')) {
      hasEscapedKey = true;
      name = readText(bytes, keyStart, at);
    }
    for (const field of fields) if (field.name === name) throw new JsonScanError('duplicate', keyStart, name);
    at = skipSpace(bytes, at);
    if (bytes[at] !== COLON) throw new JsonScanError('syntax', at);
    const start = skipSpace(bytes, at + 1);
    const end = skipValue(bytes, start, 1);
    fields.push({ name, keyStart, start, end });
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_OBJECT) return { fields, end: at + 1, hasEscapedKey };
    if (bytes[at] !== COMMA) throw new JsonScanError('syntax', at);
    at = skipSpace(bytes, at + 1);
  }
}

/** What was found in a body; gone with the body. */
const scannedBodies = new WeakMap<Buffer, JsonFields>();

/**
 * As `scanFields` for a whole request body, scanned once however often it is asked for. The bytes must not change after the first
 * call.
 */
export function scanBodyFields(body: Buffer): JsonFields {
  const known = scannedBodies.get(body);
  if (known) return known;
  const found = scanFields(body);
  scannedBodies.set(body, found);
  return found;
}

/** Byte ranges of the items of the list at `from`. Throws JsonScanError. */
export function scanItems(bytes: Buffer, from: number): { start: number; end: number }[] {
  const items: { start: number; end: number }[] = [];
  let at = skipSpace(bytes, from);
  if (bytes[at] !== OPEN_LIST) throw new JsonScanError('syntax', at);
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === CLOSE_LIST) return items;
  for (;;) {
    const end = skipValue(bytes, at, 1);
    items.push({ start: at, end });
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_LIST) return items;
    if (bytes[at] !== COMMA) throw new JsonScanError('syntax', at);
    at = skipSpace(bytes, at + 1);
  }
}

/** First byte at or behind `at` that is not white space. */
export function skipSpace(bytes: Buffer, at: number): number {
  let next = at;
  while (next < bytes.length) {
    const byte = bytes[next];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    next++;
  }
  return next;
}

/** The text written at [start, end), quotes included. Throws JsonScanError where it is no JSON string. */
export function readText(bytes: Buffer, start: number, end: number): string {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end));
    if (typeof value === 'string') return value;
  } catch {
    // Falls through: a string with raw control characters or a broken escape.
  }
  throw new JsonScanError('syntax', start);
}

function skipString(bytes: Buffer, at: number): number {
  let close = at;
  for (;;) {
    close = bytes.indexOf(QUOTE, close + 1);
    if (close < 0) throw new JsonScanError('syntax', bytes.length);
    let slashes = 0;
    while (bytes[close - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return close + 1;
  }
}

/** Kinds of the containers around the current value; scanning is synchronous, so one is enough. */
const stack = new Uint8Array(JSON_DEPTH_MAX + 1);

/** First byte behind the value at `from`; `outer` containers are open around it. */
function skipValue(bytes: Buffer, from: number, outer: number): number {
  let at = from;
  let depth = 0;
  for (;;) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at);
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (depth + outer >= JSON_DEPTH_MAX) throw new JsonScanError('depth', at);
      stack[depth++] = byte;
      at = skipSpace(bytes, at + 1);
      const isObject = byte === OPEN_OBJECT;
      if (bytes[at] === (isObject ? CLOSE_OBJECT : CLOSE_LIST)) {
        depth--;
        at++;
      } else {
        if (isObject) at = skipKey(bytes, at);
        continue;
      }
    } else {
      at = skipLiteral(bytes, at);
    }
    // A value ended: close containers, or go on to the next value.
    for (;;) {
      if (depth === 0) return at;
      at = skipSpace(bytes, at);
      const isObject = stack[depth - 1] === OPEN_OBJECT;
      if (bytes[at] === COMMA) {
        at = skipSpace(bytes, at + 1);
        if (isObject) at = skipKey(bytes, at);
        break;
      }
      if (bytes[at] !== (isObject ? CLOSE_OBJECT : CLOSE_LIST)) throw new JsonScanError('syntax', at);
      depth--;
      at++;
    }
  }
}

/** From a key to the value behind its colon. */
function skipKey(bytes: Buffer, at: number): number {
  if (bytes[at] !== QUOTE) throw new JsonScanError('syntax', at);
  const colon = skipSpace(bytes, skipString(bytes, at));
  if (bytes[colon] !== COLON) throw new JsonScanError('syntax', colon);
  return skipSpace(bytes, colon + 1);
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Numbers longer than this are no numbers anybody sends. */
const LITERAL_BYTES_MAX = 400;

function skipLiteral(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && at - from <= LITERAL_BYTES_MAX) {
    const byte = bytes[at] ?? 0;
    const isPart =
      (byte >= 0x30 && byte <= 0x39) ||
      (byte >= 0x61 && byte <= 0x7a) ||
      byte === 0x2d ||
      byte === 0x2b ||
      byte === 0x2e ||
      byte === 0x45;
    if (!isPart) break;
    at++;
  }
  const text = bytes.toString('latin1', from, at);
  if (text === 'true' || text === 'false' || text === 'null' || NUMBER.test(text)) return at;
  throw new JsonScanError('syntax', from);
}
