/** Reads `POST /keys`: JSON with a clear key in it, which is lifted out as bytes before anything else is parsed. */
import { OwnkeyError } from '@ownkey/contract/errors';
import { allocateSecret } from '@ownkey/vault/secret-bytes';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ESCAPES: Readonly<Record<string, number>> = { '"': 34, '\\': 92, '/': 47, b: 8, f: 12, n: 10, r: 13, t: 9 };
/** In place of a character that no key has: refused by the form check. */
const NO_KEY_BYTE = 0x80;

/**
 * The member "key" of the object in `body`, in a buffer of its own, and the other members. `body` is overwritten with zeroes,
 * whatever happens; the caller erases the key. `clearKey` is null when there is no such member.
 * @throws OwnkeyError request.invalid_json, request.duplicate_key, request.invalid
 */
export function liftClearKey(body: Buffer): { clearKey: Buffer | null; rest: ReadonlyMap<string, unknown> } {
  let clearKey: Buffer | null = null;
  try {
    const value = findKeyValue(body);
    if (value !== null) {
      if (body[value.start] !== QUOTE)
        throw new OwnkeyError('request.invalid', { problem: 'key: a text.', param: 'key' });
      clearKey = unescapeBytes(body.subarray(value.start + 1, value.end - 1));
      body.fill(0x20, value.start, value.end);
      body[value.start] = 0x30; // the rest stays JSON: {"key": 0, …}
    }
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw notJson('not an object');
    const rest = new Map<string, unknown>(Object.entries(parsed));
    rest.delete('key');
    return { clearKey, rest };
  } catch (error) {
    clearKey?.fill(0);
    throw error instanceof OwnkeyError ? error : notJson('it cannot be read');
  } finally {
    body.fill(0);
  }
}

interface Range {
  start: number;
  /** Behind the last byte. */
  end: number;
}

/** Where the value of the top-level member "key" stands. Reads strings and depth; the rest is left to JSON.parse. */
function findKeyValue(body: Buffer): Range | null {
  let found: Range | null = null;
  let depth = 0;
  let name: Range | null = null;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    else if (byte === QUOTE) {
      const end = endOfString(body, i);
      name = depth === 1 ? { start: i, end } : null;
      i = end - 1;
    } else if (byte === 0x3a && depth === 1 && name !== null) {
      const start = skipBlanks(body, i + 1);
      // A name written with escapes is compared as what it says.
      if (unescapeBytes(body.subarray(name.start + 1, name.end - 1)).toString('latin1') === 'key') {
        if (found !== null) throw new OwnkeyError('request.duplicate_key', { param: 'key' });
        found = { start, end: body[start] === QUOTE ? endOfString(body, start) : start + 1 };
        i = found.end - 1;
      }
      name = null;
    }
  }
  return found;
}

function endOfString(body: Buffer, start: number): number {
  for (let i = start + 1; i < body.length; i++) {
    if (body[i] === BACKSLASH) i++;
    else if (body[i] === QUOTE) return i + 1;
  }
  throw notJson('a text has no end');
}

function skipBlanks(body: Buffer, from: number): number {
  let at = from;
  while ([0x20, 0x09, 0x0a, 0x0d].includes(body[at] ?? 0)) at++;
  return at;
}

function unescapeBytes(text: Buffer): Buffer {
  const out = allocateSecret(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let byte = text[i] ?? 0;
    if (byte === BACKSLASH) {
      const sign = String.fromCharCode(text[++i] ?? 0);
      if (sign === 'u') {
        const code = Number.parseInt(text.toString('latin1', i + 1, i + 5), 16);
        byte = code < 0x80 ? code : NO_KEY_BYTE;
        i += 4;
      } else byte = ESCAPES[sign] ?? NO_KEY_BYTE;
    }
    out[length++] = byte;
  }
  const exact = allocateSecret(length);
  out.copy(exact, 0, 0, length);
  out.fill(0);
  return exact;
}

function notJson(problem: string): OwnkeyError {
  return new OwnkeyError('request.invalid_json', { problem });
}
