import type { Key, KeyTested } from '@ownkey/contract/api/keys';
import { newNonce } from '@ownkey/vault/mint';
import { requireFingerprint, sealKey } from '@ownkey/vault/seal';
import type { Client } from './client.ts';
import { type ConnectSealedInput, connectSealed, type Progress, replaceSealed, type Sealer } from './sealed-keys.ts';

/** Seconds a sealed key stays valid, from the server's clock. */
const SEAL_LIFETIME_S = 300;

export interface ConnectInput extends Omit<ConnectSealedInput, 'seal'> {
  /** The key text as bytes; null for an endpoint without a key. Not changed here: erase it once the promise settles. */
  readonly clearKey: Uint8Array | null;
}

/**
 * Seals a key in this process and connects it. The clear key never leaves the process.
 * @throws what `connectSealed` throws; SealError nothing was sealed or sent: with `fingerprint_mismatch` the sealing key is not
 * the one the client was made for
 */
export function connectKey(client: Client, { clearKey, ...input }: ConnectInput): Promise<KeyTested> {
  return connectSealed(client, { ...input, seal: clearKey === null ? null : sealerOf(client, clearKey) });
}

/** Seals a new key in this process and swaps it in. @throws what `replaceSealed` throws, and SealError as `connectKey` */
export function replaceKey(
  client: Client,
  key: Pick<Key, 'id' | 'version' | 'provider' | 'scope' | 'destination' | 'etag'>,
  clearKey: Uint8Array,
  progress: Progress = {},
): Promise<KeyTested> {
  return replaceSealed(client, key, sealerOf(client, clearKey), progress);
}

/** The fingerprint is made from the key itself: what the API says of it is not taken for it. */
function sealerOf(client: Client, clearKey: Uint8Array): Sealer {
  return async (place, recipient) => {
    const fingerprint = await requireFingerprint(recipient.public_key, client.sealingFingerprint);
    const sealed = await sealKey({
      publicKey: recipient.public_key,
      kid: recipient.kid,
      clearKey,
      context: { ...place, nonce: newNonce(), exp: recipient.server_time + SEAL_LIFETIME_S },
    });
    return { sealed, fingerprint };
  };
}
