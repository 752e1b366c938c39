/**
 * Sealing a clear key for the worker: HPKE base mode (RFC 9180), DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Runs
 * unchanged in browsers and Node over WebCrypto. P-256 because every WebCrypto has it.
 *
 * What is sealed is not the key but two shares of it: pad ‖ (key XOR pad), the pad random, each as long as the key. WebCrypto works
 * on native memory that JavaScript cannot erase; so native code, on both sides, only ever holds the shares, and the key itself comes
 * to be in one buffer that its holder erases. A precaution that keeps the key's text out of freed memory. It adds no secrecy: who
 * finds both shares whole, and knows them for what they are, has the key.
 */
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import { decodeBase64Url } from './base64url.ts';
import { CLEAR_KEY_BYTES_MAX, ENC_BYTES, encodeContext, encodeSealedKey, type SealContext } from './context.ts';

/** HPKE `info`: separates these seals from every other use of the same key pair. */
export const SEAL_INFO = 'ownkey/seal/v1';

/** The one suite both sides use. */
export function sealSuite(): CipherSuite {
  return new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
}

export type SealProblem = 'insecure_context' | 'public_key' | 'empty' | 'too_long' | 'fingerprint_mismatch';

/** Thrown when nothing was sealed. `problem` says why; the text never holds the key. */
export class SealError extends Error {
  override readonly name = 'SealError';
  readonly problem: SealProblem;
  constructor(problem: SealProblem, text: string) {
    super(text);
    this.problem = problem;
  }
}

/**
 * Seals `clearKey` so that only the holder of the private key named `kid` can open it, and only for `context`.
 *
 * `publicKey` is the base64url of the uncompressed point, as `GET /api/sealing-key` gives it. The bytes of `clearKey` are not
 * changed: the caller erases them. No copy of them is made; their shares are erased before the promise settles.
 * @throws SealError nothing was sealed; SealFormatError (context.ts) the context is out of bounds
 */
export async function sealKey(input: {
  publicKey: string;
  kid: string;
  context: SealContext;
  clearKey: Uint8Array;
}): Promise<string> {
  if (input.clearKey.length === 0) throw new SealError('empty', 'there is no key to seal');
  if (input.clearKey.length > CLEAR_KEY_BYTES_MAX) {
    throw new SealError('too_long', `a key has at most ${CLEAR_KEY_BYTES_MAX} bytes`);
  }
  assertWebCrypto();
  const ctxBytes = encodeContext(input.context);
  const suite = sealSuite();
  const recipientPublicKey = await suite.kem.deserializePublicKey(pointOf(input.publicKey).buffer).catch(() => {
    throw new SealError('public_key', 'the public key is not a point of P-256');
  });
  // In an ArrayBuffer of their own: the library copies views, and that copy would stay in memory.
  const shares = sharesOf(input.clearKey);
  try {
    const sender = await suite.createSenderContext({ recipientPublicKey, info: new TextEncoder().encode(SEAL_INFO) });
    const ct = new Uint8Array(await sender.seal(shares.buffer, ctxBytes));
    return encodeSealedKey({ kid: input.kid, enc: new Uint8Array(sender.enc), ct, ctxBytes });
  } finally {
    shares.fill(0);
  }
}

/**
 * Fingerprint of a sealing key, for people to compare: the first 128 bits of SHA-256 over the uncompressed point, as
 * `4F2A-91CC-…` (8 groups). It depends on the public key alone, so it survives a rotation of the master key.
 */
export async function fingerprintOf(publicKey: string): Promise<string> {
  assertWebCrypto();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', pointOf(publicKey)));
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push(((((digest[i] ?? 0) << 8) | (digest[i + 1] ?? 0)) + 0x10000).toString(16).slice(1).toUpperCase());
  }
  return groups.join('-');
}

/**
 * The fingerprint of `publicKey`, once it is the one that was pinned (case and white space around it do not count).
 * @throws SealError `fingerprint_mismatch`: this key is not the one to seal for; `public_key`
 */
export async function requireFingerprint(publicKey: string, pinned: string | null): Promise<string> {
  const fingerprint = await fingerprintOf(publicKey);
  if (pinned === null || pinned.trim().toUpperCase() === fingerprint) return fingerprint;
  throw new SealError(
    'fingerprint_mismatch',
    `the sealing key has the fingerprint ${fingerprint}, not the pinned ${pinned.trim().slice(0, 39)}: nothing was sealed`,
  );
}

/** pad ‖ (key XOR pad) */
function sharesOf(clearKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = clearKey;
  const shares = new Uint8Array(new ArrayBuffer(length * 2)); // made first: see allocateSecret in secret-bytes.ts
  crypto.getRandomValues(shares.subarray(0, length));
  for (let i = 0; i < length; i++) shares[length + i] = (clearKey[i] ?? 0) ^ (shares[i] ?? 0);
  return shares;
}

function pointOf(publicKey: string): Uint8Array<ArrayBuffer> {
  const point = decodeBase64Url(publicKey);
  if (point?.length !== ENC_BYTES)
    throw new SealError('public_key', 'the public key is not an uncompressed P-256 point');
  return point;
}

/** Browsers offer WebCrypto to secure contexts only (https, localhost). */
function assertWebCrypto(): void {
  if (globalThis.crypto?.subtle === undefined) {
    throw new SealError('insecure_context', 'sealing needs a secure context (https or localhost)');
  }
}
