import { wrapKey } from '@ownkey/vault/envelope';
import type { KekRing } from '@ownkey/vault/kek';
import type { Client } from 'pg';
import { seedKey } from './worker-rows.ts';

export interface StoredKey {
  companyId?: string | null;
  userId?: string;
  provider: string;
  slug?: string;
  baseUrl?: string;
}

/** Stores a clear key as the worker would, wrapped for its destination. Returns its id. */
export async function storeKey(owner: Client, kekRing: KekRing, clearKey: string, key: StoredKey): Promise<string> {
  const id = await seedKey(owner, { ...key, last4: clearKey.slice(-4) });
  const binding = {
    company: key.companyId ?? 'platform',
    provider: key.provider,
    key_id: id,
    version: 1,
    destination: key.baseUrl ? new URL(key.baseUrl).origin : `catalogue:${key.provider}`,
  };
  const envelope = wrapKey({ kekRing, clearKey: Buffer.from(clearKey), binding });
  await owner.query(
    `INSERT INTO ownkey.envelopes (key_id, version, kek_id, wrapped_dek, commitment, body) VALUES ($1, 1, $2, $3, $4, $5)`,
    [id, envelope.kek_id, envelope.wrapped_dek, envelope.commitment, envelope.body],
  );
  return id;
}
