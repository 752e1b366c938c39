/**
 * AES-256-GCM with a tag of 16 bytes.
 *
 * Node's decipher would put the clear text into memory of its own choosing. Encrypting zeroes gives the key stream instead; the
 * XOR is done here, and the tag is that of encrypting the result again. Nothing leaves before the tags were found equal.
 */
import { type CipherGCM, createCipheriv, timingSafeEqual } from 'node:crypto';
import { allocateSecret } from '@ownkey/vault/secret-bytes';

export const GCM_TAG_BYTES = 16;

/** The parts of one ciphertext. */
export interface GcmParts {
  readonly nonce: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
  readonly aad: Buffer;
}

/** The clear text, in a buffer of its own that the caller erases; null when key, associated data or any bit differ. */
export function openAesGcm({ nonce, ciphertext, tag, aad }: GcmParts, key: Buffer): Buffer | null {
  if (tag.length !== GCM_TAG_BYTES) return null;
  const clear = allocateSecret(ciphertext.length);
  const stream = encryptor(key, nonce).update(clear);
  for (let i = 0; i < clear.length; i++) clear[i] = (ciphertext[i] ?? 0) ^ (stream[i] ?? 0);
  stream.fill(0);
  const again = encryptor(key, nonce).setAAD(aad);
  again.update(clear);
  again.final();
  if (timingSafeEqual(again.getAuthTag(), tag)) return clear;
  clear.fill(0);
  return null;
}

function encryptor(key: Buffer, nonce: Buffer): CipherGCM {
  return createCipheriv('aes-256-gcm', key, nonce, { authTagLength: GCM_TAG_BYTES });
}
