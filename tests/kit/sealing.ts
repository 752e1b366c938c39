import { webcrypto } from 'node:crypto';
import type { SealContext } from '@ownkey/vault/context';
import { newKeyId, newNonce } from '@ownkey/vault/mint';
import { sealKey } from '@ownkey/vault/seal';
import type { Client } from 'pg';

/** A sealing key without a worker: its private half is thrown away, what is sealed with it opens nowhere. */
export async function createSealingKey(worker: Client): Promise<{ kid: string; publicKey: string }> {
  const pair = await webcrypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
  const point = Buffer.from(await webcrypto.subtle.exportKey('raw', pair.publicKey));
  const kid = 'seal_of_the_tests';
  await worker.query(
    "INSERT INTO sealing_keys (kid, public_key, fingerprint, wrapped_private, kek_id) VALUES ($1, $2, '0000-0000', '\\x00', 'kek_test')",
    [kid, point],
  );
  return { kid, publicKey: point.toString('base64url') };
}

/** Seals a made-up key for a company and a catalogue provider; `change` bends the context. */
export function sealFor(
  sealing: { kid: string; publicKey: string },
  company: string,
  provider: string,
  change: Partial<SealContext> = {},
): Promise<string> {
  const context: SealContext = {
    company,
    user: null,
    provider,
    key_id: newKeyId(),
    version: 1,
    destination: `catalogue:${provider}`,
    nonce: newNonce(),
    exp: Math.floor(Date.now() / 1000) + 300,
    ...change,
  };
  return sealKey({ ...sealing, context, clearKey: Buffer.from('sk-canary-of-the-tests-0123456789abcd') });
}
