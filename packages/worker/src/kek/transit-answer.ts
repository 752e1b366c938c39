/** Reads Transit's answers byte by byte: the one that matters holds a master key, which must not become a string. */

const VALUES = new Int8Array(256).fill(-1);
for (const [i, byte] of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  'latin1',
).entries())
  VALUES[byte] = i;

const QUOTE = 0x22;
const COLON = 0x3a;
const PADDING = 0x3d;
const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Where the text of the one member called `name` is: a string without escapes, as base64 and ciphertexts are. Null when there is none,
 * more than one, or it is something else.
 */
export function findText(body: Buffer, name: string): Buffer | null {
  const wanted = Buffer.from(`"${name}"`, 'latin1');
  const at = body.indexOf(wanted);
  if (at < 0 || body.indexOf(wanted, at + 1) >= 0) return null;
  let i = at + wanted.length;
  while (isBlank(body[i])) i++;
  if (body[i++] !== COLON) return null;
  while (isBlank(body[i])) i++;
  if (body[i++] !== QUOTE) return null;
  const end = body.indexOf(QUOTE, i);
  const text = end < 0 ? null : body.subarray(i, end);
  return text === null || text.includes(0x5c) ? null : text;
}

/** Decodes base64 into `target`, which it must fill exactly; false when it does not, or is no base64. */
export function decodeBase64Into(text: Buffer, target: Buffer): boolean {
  let bits = 0;
  let held = 0;
  let at = 0;
  let end = text.length;
  while (end > 0 && text.length - end < 2 && text[end - 1] === PADDING) end--;
  for (let i = 0; i < end; i++) {
    const value = VALUES[text[i] ?? 0] ?? -1;
    if (value < 0) return false;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      if (at >= target.length) return false;
      bits -= 8;
      target[at++] = (held >> bits) & 255;
    }
  }
  return at === target.length;
}

const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 'latin1');

/** `raw` in base64 between two texts, in a buffer of its own that the caller erases. */
export function encodeBase64Between(
  before: string,
  raw: Buffer,
  after: string,
  allocate: (length: number) => Buffer,
): Buffer {
  const length = Math.ceil(raw.length / 3) * 4;
  const out = allocate(before.length + length + after.length);
  let at = out.write(before, 'latin1');
  for (let i = 0; i < raw.length; i += 3) {
    const bits = ((raw[i] ?? 0) << 16) | ((raw[i + 1] ?? 0) << 8) | (raw[i + 2] ?? 0);
    for (let n = 0; n < 4; n++) {
      out[at++] = i + n > raw.length ? PADDING : (ALPHABET[(bits >> (18 - 6 * n)) & 63] ?? 0);
    }
  }
  out.write(after, at, 'latin1');
  return out;
}
