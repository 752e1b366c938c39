/** Text forms of bytes, strictly: what Buffer would skip or guess is refused. */
import { allocateSecret } from '@ownkey/vault/secret-bytes';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const PAD = 0x3d;

/** Bytes of base64 in either alphabet, with its padding or without; null for anything else. For what is not secret. */
export function decodeBase64(text: string): Buffer | null {
  const digits = text.replace(/={1,2}$/, '');
  const padded = digits.length !== text.length;
  if (!/^(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)$/.test(digits) || digits.length % 4 === 1) return null;
  if (padded && text.length % 4 !== 0) return null;
  return Buffer.from(digits, 'base64');
}

/** Bytes of hexadecimal digits, also as PostgreSQL writes `bytea` (`\x…`); null for anything else. For what is not secret. */
export function decodeHex(text: string): Buffer | null {
  const digits = text.startsWith('\\x') ? text.slice(2) : text;
  return /^(?:[0-9a-fA-F]{2})+$/.test(digits) ? Buffer.from(digits, 'hex') : null;
}

/** As `decodeBase64`, from bytes to a buffer the caller erases: no string is made. */
export function decodeSecretBase64(text: Uint8Array): Buffer | null {
  let end = text.length;
  while (end > 0 && text.length - end < 2 && text[end - 1] === PAD) end--;
  if (end === 0 || end % 4 === 1 || (end !== text.length && text.length % 4 !== 0)) return null;
  const out = allocateSecret(Math.floor((end * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < end; i++) {
    const value = digitOf(text[i] ?? 0);
    if (value < 0) {
      out.fill(0);
      return null;
    }
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out[at++] = (bits >> held) & 0xff;
  }
  return out;
}

/** As `decodeHex`, from bytes to a buffer the caller erases. */
export function decodeSecretHex(text: Uint8Array): Buffer | null {
  if (text.length === 0 || text.length % 2 !== 0) return null;
  const out = allocateSecret(text.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = nibbleOf(text[i * 2] ?? 0);
    const low = nibbleOf(text[i * 2 + 1] ?? 0);
    if (high < 0 || low < 0) {
      out.fill(0);
      return null;
    }
    out[i] = high * 16 + low;
  }
  return out;
}

function digitOf(byte: number): number {
  if (byte === 0x2b || byte === 0x2d) return 62;
  if (byte === 0x2f || byte === 0x5f) return 63;
  return DIGITS.indexOf(String.fromCharCode(byte));
}

function nibbleOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
