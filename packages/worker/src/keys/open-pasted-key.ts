/** From a sealed blob to an envelope: between these two the clear key exists, in one buffer, and is erased on every way out. */
import { OwnkeyError } from '@ownkey/contract/errors';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import { keyShapes, resolveProvider } from '@ownkey/providers/catalogue';
import { parseSealedKey, type SealContext, SealFormatError } from '@ownkey/vault/context';
import { type Envelope, wrapKey } from '@ownkey/vault/envelope';
import { OpenError, type OpenExpectation, openSealed } from '@ownkey/vault/open';
import { checkKeyShape, lastFour, maskOf } from '@ownkey/vault/shape';
import type { KeyRef } from '../egress/egress.ts';
import { bindingOf } from '../egress/pooled-egress.ts';
import type { KeyParts } from './key-parts.ts';

/** A pasted key, encrypted for the place it is for; nothing of the clear key but its last four characters. */
export interface WrappedKey {
  readonly envelope: Envelope;
  readonly last4: string | null;
  readonly mask: string;
}

/** Nonce and end of a sealed key, to be claimed in the transaction that stores it; null for a key that was not sealed. */
export type Claim = Pick<SealContext, 'nonce' | 'exp'>;

/**
 * Opens a sealed key made for exactly `expect`. The caller erases the result.
 * @throws OwnkeyError seal.invalid, seal.expired
 */
export async function openPasted(
  parts: Pick<KeyParts, 'sealingKeys' | 'catalogue' | 'now'>,
  sealed: string,
  expect: OpenExpectation,
): Promise<{ clearKey: Buffer; claim: Claim }> {
  try {
    const { kid, context } = parseSealedKey(sealed);
    const sealingKey = await parts.sealingKeys.find(kid);
    if (!sealingKey) throw new OpenError('kid');
    const { clearKey } = await openSealed({
      sealingKey,
      sealed,
      expect: withAlias(parts, context, expect),
      nowSeconds: Math.floor(parts.now() / 1000),
    });
    return { clearKey, claim: context };
  } catch (error) {
    if (error instanceof SealFormatError) throw new OwnkeyError('seal.invalid', { problem: 'it is not a sealed key' });
    if (!(error instanceof OpenError)) throw error;
    if (error.reason === 'expired') throw new OwnkeyError('seal.expired');
    throw new OwnkeyError('seal.invalid', { problem: problemOf(error) });
  }
}

/** A client may have sealed for an alias of the provider ("claude"): the same provider, the same destination. */
function withAlias(
  { catalogue }: Pick<KeyParts, 'catalogue'>,
  context: SealContext,
  expect: OpenExpectation,
): OpenExpectation {
  const meant = resolveProvider(catalogue, context.provider)?.id;
  if (meant !== expect.provider) return expect;
  const [kind, named = ''] = context.destination.split(':');
  const same = kind === 'catalogue' && resolveProvider(catalogue, named)?.id === meant;
  return { ...expect, provider: context.provider, destination: same ? context.destination : expect.destination };
}

function problemOf({ reason, field }: OpenError): string {
  if (reason === 'context') return `it was sealed for another ${field === 'key_id' ? 'key' : (field ?? 'purpose')}`;
  if (reason === 'kid') return 'it was sealed for another installation, or for a key pair that is gone';
  return reason === 'format' ? 'it is not a sealed key' : 'it was altered, or made for another key pair';
}

/**
 * Checks the form of a clear key and encrypts it for `ref`. Erases `clearKey`, whatever happens.
 * @throws OwnkeyError key.shape, key.other_provider
 */
export function wrapPasted(
  parts: Pick<KeyParts, 'catalogue' | 'kekRing' | 'envelopes'>,
  clearKey: Buffer,
  ref: KeyRef,
  entry: CatalogueEntry | null,
): WrappedKey {
  try {
    const shape = checkKeyShape(clearKey, entry, keyShapes(parts.catalogue));
    if (!shape.ok) {
      const other = shape.provider === null ? undefined : parts.catalogue.entries.get(shape.provider);
      if (other) throw new OwnkeyError('key.other_provider', { other: other.name, provider: entry?.name ?? null });
      throw new OwnkeyError('key.shape', { problem: shape.hint, reason: shape.problem });
    }
    const last4 = lastFour(shape.clearKey);
    const envelope = wrapKey({ kekRing: parts.kekRing, clearKey: shape.clearKey, binding: bindingOf(ref) });
    parts.envelopes.watch(ref, shape.clearKey);
    return { envelope, last4, mask: maskOf(entry?.key ?? null, last4) };
  } finally {
    clearKey.fill(0);
  }
}
