/**
 * NaCl's secretbox (XSalsa20-Poly1305) in libsodium's easy form: 16 bytes of tag, then the ciphertext.
 *
 * Put together from the parts of @noble/ciphers rather than by its own `secretbox`: that copies the source key into V8's heap at
 * every call, where no erasing reaches it (decision 0005). What it copies here is the key of one box.
 */
import { timingSafeEqual } from 'node:crypto';
import { poly1305 } from '@noble/ciphers/_poly1305.js';
import { hsalsa, salsa20 } from '@noble/ciphers/salsa.js';
import { allocateSecret } from '@ownkey/vault/secret-bytes';

export const SECRETBOX_NONCE_BYTES = 24;
export const SECRETBOX_TAG_BYTES = 16;
const POLY_KEY_BYTES = 32;
/** "expand 32-byte k", as the core takes it. */
const SIGMA = new Uint32Array([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);

/** The clear text, in a buffer of its own that the caller erases; null when `key` did not make this box, or it was altered. */
export function openSecretbox(box: Buffer, nonce: Buffer, key: Buffer): Buffer | null {
  if (box.length < SECRETBOX_TAG_BYTES || nonce.length !== SECRETBOX_NONCE_BYTES) return null;
  const subkey = allocateSecret(POLY_KEY_BYTES);
  const start = aligned(nonce);
  hsalsa(SIGMA, words(key), words(start.subarray(0, 16)), words(subkey));
  const stream = allocateSecret(POLY_KEY_BYTES + box.length - SECRETBOX_TAG_BYTES);
  try {
    const polyKey = allocateSecret(POLY_KEY_BYTES);
    salsa20(subkey, start.subarray(16), polyKey, polyKey);
    const tag = poly1305(box.subarray(SECRETBOX_TAG_BYTES), polyKey);
    polyKey.fill(0);
    if (!timingSafeEqual(tag, box.subarray(0, SECRETBOX_TAG_BYTES))) return null;
    box.copy(stream, POLY_KEY_BYTES, SECRETBOX_TAG_BYTES);
    salsa20(subkey, start.subarray(16), stream, stream);
    const clear = allocateSecret(stream.length - POLY_KEY_BYTES);
    stream.copy(clear, 0, POLY_KEY_BYTES);
    return clear;
  } finally {
    stream.fill(0);
    subkey.fill(0);
  }
}

/** The same memory as 32-bit words: nothing is copied. */
function words(bytes: Buffer): Uint32Array<ArrayBufferLike> {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** A copy that words can be read from. */
function aligned(bytes: Buffer): Buffer {
  const copy = allocateSecret(bytes.length);
  bytes.copy(copy);
  return copy;
}
