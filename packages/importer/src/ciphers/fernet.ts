/**
 * Fernet (github.com/fernet/spec): version 0x80, 8 bytes of time, 16 of IV, AES-128-CBC, HMAC-SHA-256 over all before it. The first
 * half of a key signs, the second encrypts.
 *
 * Nothing is decrypted before the signature was found right. The chaining of CBC is done here: Node's cipher works on single
 * blocks, so what it sees and may leave in freed memory is clear text XOR the block before it, never the key itself.
 */
import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { allocateSecret } from '@ownkey/vault/secret-bytes';
import { RowFault } from '../faults.ts';

const VERSION = 0x80;
const BLOCK_BYTES = 16;
const IV_AT = 9;
const BODY_AT = IV_AT + BLOCK_BYTES;
const MAC_BYTES = 32;

/**
 * The clear text of a decoded token, in a buffer of its own that the caller erases; null when `key` did not make it.
 * @throws RowFault cipher.format for what is no token
 */
export function openFernet(token: Buffer, key: Buffer): Buffer | null {
  const end = token.length - MAC_BYTES;
  const length = end - BODY_AT;
  if (token[0] !== VERSION)
    throw new RowFault('cipher.format', 'This is not a Fernet token (its version is not 0x80).');
  if (length < BLOCK_BYTES || length % BLOCK_BYTES !== 0) {
    throw new RowFault('cipher.format', 'This Fernet token is cut off or too long: its length fits no token.');
  }
  const mac = createHmac('sha256', key.subarray(0, BLOCK_BYTES)).update(token.subarray(0, end)).digest();
  if (!timingSafeEqual(mac, token.subarray(end))) return null;
  return decryptCbc(token.subarray(IV_AT, end), key.subarray(BLOCK_BYTES));
}

/** When the token was made, in Unix seconds; the caller has checked that it is one. */
export function fernetTime(token: Buffer): number {
  return Number(token.readBigUInt64BE(1));
}

/** `chain`: IV and blocks. */
function decryptCbc(chain: Buffer, key: Buffer): Buffer {
  const cipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  const blocks = cipher.update(chain.subarray(BLOCK_BYTES));
  cipher.final();
  const padded = allocateSecret(blocks.length);
  try {
    for (let i = 0; i < padded.length; i++) padded[i] = (blocks[i] ?? 0) ^ (chain[i] ?? 0);
    const clear = allocateSecret(padded.length - paddingOf(padded));
    padded.copy(clear, 0, 0, clear.length);
    return clear;
  } finally {
    padded.fill(0);
    blocks.fill(0);
  }
}

/** The signature is right, so nobody learns anything from which error this is. */
function paddingOf(padded: Buffer): number {
  const count = padded[padded.length - 1] ?? 0;
  const right = count >= 1 && count <= BLOCK_BYTES && padded.subarray(-count).every((byte) => byte === count);
  if (!right)
    throw new RowFault('cipher.format', 'The signature is right but the padding is not: nothing Fernet made.');
  return count;
}
