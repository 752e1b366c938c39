/** AES-256-GCM as the vault uses it, and the one way several fields become associated data. Node only. */
import { createCipheriv, createDecipheriv, type KeyObject, randomFillSync } from 'node:crypto';

export const IV_BYTES = 12;
export const TAG_BYTES = 16;

/**
 * Every part behind its length (4 bytes, big endian), so that no two lists of parts give the same bytes: "co_1" + "2x" is not
 * "co_12" + "x". Text is UTF-8.
 */
export function lengthPrefixed(parts: readonly string[]): Buffer {
  let length = 0;
  for (const part of parts) length += 4 + Buffer.byteLength(part, 'utf8');
  const bytes = Buffer.allocUnsafe(length); // one piece: this is on the path of every call
  let at = 0;
  for (const part of parts) {
    const written = bytes.write(part, at + 4, 'utf8');
    at = bytes.writeUInt32BE(written, at) + written;
  }
  return bytes;
}

/** iv (12, random) + ciphertext + tag (16). */
export function gcmSeal(key: KeyObject | Uint8Array, clear: Uint8Array, aad: Uint8Array): Buffer {
  const blob = Buffer.allocUnsafeSlow(IV_BYTES + clear.length + TAG_BYTES);
  const iv = blob.subarray(0, IV_BYTES);
  randomFillSync(iv);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  cipher.update(clear).copy(blob, IV_BYTES);
  cipher.final();
  cipher.getAuthTag().copy(blob, IV_BYTES + clear.length);
  return blob;
}

/**
 * What `gcmSeal` was given, or null when key, associated data or any bit differ. The caller erases the result. The tag is always
 * the last 16 bytes: shorter tags, which GCM would allow, are refused.
 */
export function gcmOpen(key: KeyObject | Uint8Array, blob: Uint8Array, aad: Uint8Array): Buffer | null {
  if (blob.length < IV_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(blob.subarray(blob.length - TAG_BYTES));
  const clear = decipher.update(blob.subarray(IV_BYTES, blob.length - TAG_BYTES));
  try {
    decipher.final();
  } catch {
    clear.fill(0);
    return null;
  }
  return clear;
}
