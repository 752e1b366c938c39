/** The HPKE key pair that clients seal for. Worker only. Its private part is stored wrapped by the master key (KEK). */
import { createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import { newId } from '@ownkey/contract/ids';
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';
import type { KekRing } from './kek.ts';

/** A row of `sealing_keys`. Only `wrapped_private` is secret, and only the worker's KEK opens it. */
export interface SealingKeyRow {
  readonly kid: string;
  /** base64url of the uncompressed point (65 bytes). */
  readonly public_key: string;
  readonly kek_id: string;
  readonly wrapped_private: Buffer;
}

/** A pair ready to open with. The private key cannot be exported again. */
export interface SealingKeyPair {
  readonly kid: string;
  readonly publicKey: webcrypto.CryptoKey;
  readonly privateKey: webcrypto.CryptoKey;
}

const LABEL = 'ownkey/sealing-key/v1';

/** Makes a new P-256 pair, its private part wrapped by the ring's current KEK. */
export function createSealingKey(ring: KekRing): SealingKeyRow {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = newId('sealingKey');
  const { x, y } = createPublicKey(pair.privateKey).export({ format: 'jwk' });
  const point = new Uint8Array(65);
  point[0] = 4;
  point.set(decodeBase64Url(x ?? '') ?? [], 1);
  point.set(decodeBase64Url(y ?? '') ?? [], 33);
  const public_key = encodeBase64Url(point);
  const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'der' });
  try {
    const { kek_id, blob } = ring.wrap(LABEL, pkcs8, [kid, public_key]);
    return { kid, public_key, kek_id, wrapped_private: blob };
  } finally {
    pkcs8.fill(0);
  }
}

/**
 * Unwraps a row. The public key is part of what is authenticated: a row whose public key was exchanged does not open.
 * @throws KekError `unknown_kek` when the ring lacks the row's KEK, `cipher` when the row was altered
 */
export async function openSealingKey(ring: KekRing, row: SealingKeyRow): Promise<SealingKeyPair> {
  const pkcs8 = ring.unwrap(LABEL, row.kek_id, row.wrapped_private, [row.kid, row.public_key]);
  try {
    const algorithm = { name: 'ECDH', namedCurve: 'P-256' };
    const point = decodeBase64Url(row.public_key) ?? new Uint8Array();
    const { subtle } = webcrypto;
    return {
      kid: row.kid,
      publicKey: await subtle.importKey('raw', point, algorithm, true, []),
      privateKey: await subtle.importKey('pkcs8', pkcs8, algorithm, false, ['deriveBits']),
    };
  } finally {
    pkcs8.fill(0);
  }
}

/** The same pair under the ring's current KEK: kid, public key and fingerprint stay. @throws KekError as `openSealingKey` */
export function rewrapSealingKey(ring: KekRing, row: SealingKeyRow): SealingKeyRow {
  const bound = [row.kid, row.public_key];
  const pkcs8 = ring.unwrap(LABEL, row.kek_id, row.wrapped_private, bound);
  try {
    const { kek_id, blob } = ring.wrap(LABEL, pkcs8, bound);
    return { ...row, kek_id, wrapped_private: blob };
  } finally {
    pkcs8.fill(0);
  }
}
