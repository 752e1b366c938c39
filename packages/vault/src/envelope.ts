/**
 * Stored keys. Worker only: with open.ts the one place where a key's clear text comes to be.
 *
 * A random data key (DEK) per key version is wrapped by the KEK. From the DEK come (derive.ts) an encryption key, a key
 * commitment and a mask. The body is AES-256-GCM over (key XOR mask): the cipher's native code only ever handles masked bytes,
 * so the fragments it may leave in freed memory tell nothing. GCM does not commit to its key, so a body could be crafted to open
 * under two DEKs; the commitment is checked before anything is decrypted. All parts are bound to the five fields of `Binding`.
 * A KEK rotation changes `kek_id` and `wrapped_dek` only. Opening is on the path of every call: docs/decisions/0005.
 */
import { randomFillSync, timingSafeEqual } from 'node:crypto';
import { gcmOpen, gcmSeal, IV_BYTES, lengthPrefixed, TAG_BYTES } from './aead.ts';
import { CLEAR_KEY_BYTES_MAX } from './context.ts';
import { deriveFrom, eraseDerived } from './derive.ts';
import { KekError, type KekRing } from './kek.ts';
import { allocateSecret } from './secret-bytes.ts';

/** What a stored key belongs to; read from the caller's own records at every use, never from beside the ciphertext. */
export interface Binding {
  /** Company id, or `platform`. */
  readonly company: string;
  readonly provider: string;
  readonly key_id: string;
  readonly version: number;
  /** `catalogue:<id>`, or the origin of a custom endpoint. */
  readonly destination: string;
}

/** The stored columns. */
export interface Envelope {
  readonly kek_id: string;
  readonly wrapped_dek: Buffer;
  readonly commitment: Buffer;
  readonly body: Buffer;
}

export type EnvelopeReason = 'kek' | 'format' | 'wrap' | 'commitment' | 'cipher';

/**
 * A stored key does not open. `kek`: its KEK is not loaded (the only reason that can pass by itself: load it); `format`: wrong
 * lengths; `wrap`, `commitment`, `cipher`: altered, or stored for another binding. The key is `undecryptable`: never use another
 * payer's key instead.
 */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
  readonly reason: EnvelopeReason;
  constructor(reason: EnvelopeReason) {
    super(`stored key does not open: ${reason}`);
    this.reason = reason;
  }
}

const LABEL = 'ownkey/envelope/v1';
const DEK_BYTES = 32;
const COMMITMENT_BYTES = 32;
const WRAPPED_DEK_BYTES = IV_BYTES + DEK_BYTES + TAG_BYTES;

/** Stores `clearKey` (1 to 4096 bytes, erased by the caller) for exactly `binding`. */
export function wrapKey(input: { kekRing: KekRing; clearKey: Uint8Array; binding: Binding }): Envelope {
  const { kekRing, clearKey, binding } = input;
  if (clearKey.length === 0 || clearKey.length > CLEAR_KEY_BYTES_MAX) throw new EnvelopeError('format');
  const dek = allocateSecret(DEK_BYTES);
  randomFillSync(dek);
  const masked = allocateSecret(clearKey.length);
  const aad = aadOf(binding);
  const derived = deriveFrom(dek, clearKey.length);
  try {
    xorInto(masked, clearKey, derived.mask);
    const { kek_id, blob } = kekRing.wrap(LABEL, dek, partsOf(binding));
    return {
      kek_id,
      wrapped_dek: blob,
      commitment: Buffer.from(derived.commitment),
      body: gcmSeal(derived.encryptionKey, masked, aad),
    };
  } finally {
    dek.fill(0);
    masked.fill(0);
    eraseDerived(derived);
  }
}

/**
 * The clear key, in a buffer of its own that the caller overwrites with zeroes as soon as it is used, on every path. Synchronous,
 * so that it can be called at the very moment the bytes are written. @throws EnvelopeError
 */
export function openEnvelope(envelope: Envelope, binding: Binding, kekRing: KekRing): Buffer {
  const length = envelope.body.length - IV_BYTES - TAG_BYTES;
  if (
    length < 1 ||
    length > CLEAR_KEY_BYTES_MAX ||
    envelope.commitment.length !== COMMITMENT_BYTES ||
    envelope.wrapped_dek.length !== WRAPPED_DEK_BYTES
  ) {
    throw new EnvelopeError('format');
  }
  const aad = aadOf(binding);
  const dek = unwrapDek(envelope, binding, kekRing);
  const derived = deriveFrom(dek, length);
  dek.fill(0);
  let masked: Buffer | null = null;
  try {
    if (!timingSafeEqual(derived.commitment, envelope.commitment)) throw new EnvelopeError('commitment');
    masked = gcmOpen(derived.encryptionKey, envelope.body, aad);
    if (!masked) throw new EnvelopeError('cipher');
    const clearKey = allocateSecret(length);
    xorInto(clearKey, masked, derived.mask);
    return clearKey;
  } finally {
    masked?.fill(0);
    eraseDerived(derived);
  }
}

/** Lends the clear key to `use` and erases it when `use` has returned, or its promise has settled. @throws EnvelopeError */
export async function withOpenKey<T>(
  envelope: Envelope,
  binding: Binding,
  kekRing: KekRing,
  use: (clearKey: Buffer) => T | Promise<T>,
): Promise<T> {
  const clearKey = openEnvelope(envelope, binding, kekRing);
  try {
    return await use(clearKey);
  } finally {
    clearKey.fill(0);
  }
}

/**
 * The same envelope under the ring's current KEK: only these two columns change, and the key itself is not opened. Write them
 * where `kek_id` and key version still are what was read, so that a concurrent rotation of the key wins. @throws EnvelopeError
 */
export function rewrapDek(
  envelope: Envelope,
  binding: Binding,
  kekRing: KekRing,
): Pick<Envelope, 'kek_id' | 'wrapped_dek'> {
  const dek = unwrapDek(envelope, binding, kekRing);
  try {
    const { kek_id, blob } = kekRing.wrap(LABEL, dek, partsOf(binding));
    return { kek_id, wrapped_dek: blob };
  } finally {
    dek.fill(0);
  }
}

function unwrapDek(envelope: Envelope, binding: Binding, kekRing: KekRing): Buffer {
  try {
    return kekRing.unwrap(LABEL, envelope.kek_id, envelope.wrapped_dek, partsOf(binding));
  } catch (error) {
    throw new EnvelopeError(error instanceof KekError && error.problem === 'unknown_kek' ? 'kek' : 'wrap');
  }
}

function partsOf(binding: Binding): string[] {
  return [binding.company, binding.provider, binding.key_id, String(binding.version), binding.destination];
}

function aadOf(binding: Binding): Buffer {
  return lengthPrefixed([LABEL, ...partsOf(binding)]);
}

function xorInto(target: Buffer, a: Uint8Array, b: Uint8Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (a[i] ?? 0) ^ (b[i] ?? 0);
}
