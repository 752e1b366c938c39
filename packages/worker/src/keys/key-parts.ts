import type { KeyOwner } from '@ownkey/contract/key';
import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import type { Catalogue } from '@ownkey/providers/catalogue';
import type { KekRing } from '@ownkey/vault/kek';
import type { Pool } from 'pg';
import type { Sql } from '../access/load.ts';
import type { Targets } from '../gateway/targets.ts';
import type { EnvelopeStore } from './envelope-store.ts';
import type { Prober } from './probe.ts';
import type { SealingKeys } from './sealing-keys.ts';

/** What connecting, replacing and testing keys share. */
export interface KeyParts {
  readonly pool: Pool;
  readonly sql: Sql;
  readonly kekRing: KekRing;
  readonly sealingKeys: SealingKeys;
  readonly catalogue: Catalogue;
  readonly targets: Targets;
  readonly policy: EgressPolicy;
  readonly envelopes: EnvelopeStore;
  readonly prober: Prober;
  readonly now: () => number;
}

/** A stored key as its own row says, without its envelope. */
export interface KeyRow {
  id: string;
  owner: KeyOwner;
  company_id: string | null;
  user_id: string | null;
  provider: string;
  slug: string | null;
  preset: string | null;
  base_url: string | null;
  destination: string;
  keyless: boolean;
  last4: string | null;
  version: number;
  changed_by: string | null;
  changed_at: Date;
}

/** The key if it is the company's (null = the operator's); "not yours" is like "not there". */
export async function findKey(sql: Sql, id: string, companyId: string | null): Promise<KeyRow | null> {
  const { rows } = await sql.query<KeyRow>(
    `SELECT id, owner, company_id, user_id, provider, slug, preset, base_url, destination, keyless, last4, version,
       changed_by, changed_at
     FROM keys WHERE id = $1 AND company_id IS NOT DISTINCT FROM $2`,
    [id, companyId],
  );
  return rows[0] ?? null;
}
