/** Opening sealed keys. Worker only: together with envelope.ts the one place where a stored key's clear text comes to be. */
import { parseSealedKey, type SealContext, type SealedKey } from './context.ts';
import { SEAL_INFO, sealSuite } from './seal.ts';
import type { SealingKeyPair } from './sealing-key.ts';
import { allocateSecret } from './secret-bytes.ts';

export type OpenReason = 'format' | 'kid' | 'context' | 'expired' | 'cipher';

/**
 * A sealed key was refused. `format`: not a sealed key; `kid`: sealed for another key pair; `context`: sealed for another
 * purpose (`field` says which); `expired`: too late, or valid for longer than allowed; `cipher`: altered, or not made for this
 * key pair. Never holds key text; all of them are final for this blob.
 */
export class OpenError extends Error {
  override readonly name = 'OpenError';
  readonly reason: OpenReason;
  readonly field: string | null;
  constructor(reason: OpenReason, field: string | null = null) {
    super(`sealed key refused: ${reason}${field === null ? '' : ` (${field})`}`);
    this.reason = reason;
    this.field = field;
  }
}

/** What the caller knows, from its own records, that this sealed key must be for. */
export type OpenExpectation = Pick<SealContext, 'company' | 'user' | 'provider' | 'key_id' | 'version' | 'destination'>;

/** Longest life of a sealed key, in seconds: bounds how long nonces have to be kept. */
export const SEAL_LIFE_SECONDS_MAX = 3600;

const EXPECTED_FIELDS = ['company', 'user', 'provider', 'key_id', 'version', 'destination'] as const;

/**
 * Opens `sealed` if it was sealed for `sealingKey` and for exactly what `expect` says, and has not expired at `nowSeconds`.
 *
 * `clearKey` lies in a buffer of its own and never was a string nor in native code's hands (seal.ts says why); the caller overwrites
 * it. Single use of `context.nonce` is the
 * caller's too: claim it in the database, in the transaction that stores the key, before acting on the result.
 * @throws OpenError
 */
export async function openSealed(input: {
  sealingKey: SealingKeyPair;
  sealed: string;
  expect: OpenExpectation;
  nowSeconds: number;
}): Promise<{ context: SealContext; clearKey: Buffer }> {
  const sealed = parse(input.sealed);
  if (sealed.kid !== input.sealingKey.kid) throw new OpenError('kid');
  for (const field of EXPECTED_FIELDS) {
    if (sealed.context[field] !== input.expect[field]) throw new OpenError('context', field);
  }
  const left = sealed.context.exp - input.nowSeconds;
  if (left <= 0 || left > SEAL_LIFE_SECONDS_MAX) throw new OpenError('expired');
  const shares = await decrypt(input.sealingKey, sealed);
  try {
    return { context: sealed.context, clearKey: joinShares(shares) };
  } finally {
    shares.fill(0);
  }
}

/** pad ‖ (key XOR pad) to the key; `parseSealedKey` has checked that there are two shares of 1 to 4096 bytes. */
function joinShares(shares: Uint8Array): Buffer {
  const length = shares.length / 2;
  const clearKey = allocateSecret(length);
  for (let i = 0; i < length; i++) clearKey[i] = (shares[i] ?? 0) ^ (shares[length + i] ?? 0);
  return clearKey;
}

function parse(text: string): SealedKey {
  try {
    return parseSealedKey(text);
  } catch (error) {
    throw new OpenError('format', error instanceof Error && 'field' in error ? String(error.field) : null);
  }
}

async function decrypt(sealingKey: SealingKeyPair, sealed: SealedKey): Promise<Uint8Array> {
  try {
    const recipient = await sealSuite().createRecipientContext({
      // The pair, not the private key alone: from that the library would derive the point by exporting the key as a string.
      recipientKey: { publicKey: sealingKey.publicKey, privateKey: sealingKey.privateKey },
      enc: sealed.enc,
      info: new TextEncoder().encode(SEAL_INFO),
    });
    return new Uint8Array(await recipient.open(sealed.ct, sealed.ctxBytes));
  } catch {
    throw new OpenError('cipher');
  }
}
