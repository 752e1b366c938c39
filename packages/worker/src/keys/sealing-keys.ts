/** The installation's HPKE key pairs, which every browser and client seals to. Shared by all workers through the database. */
import { decodeBase64Url } from '@ownkey/vault/base64url';
import { KekError, type KekRing } from '@ownkey/vault/kek';
import { fingerprintOf } from '@ownkey/vault/seal';
import { createSealingKey, openSealingKey, type SealingKeyPair } from '@ownkey/vault/sealing-key';
import type { Pool } from 'pg';
import type { Sql } from '../access/load.ts';
import { inTransaction } from './transaction.ts';

/** The pairs that sealed keys may be for. A kid that is not known yet (made by another worker since) is looked up again. */
export interface SealingKeys {
  find(kid: string): Promise<SealingKeyPair | null>;
}

/** The loaded master keys do not open what the database holds: the worker must not serve. One sentence a problem, for the operator. */
export class WrongMasterKeyError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The master key does not fit this database:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'WrongMasterKeyError';
    this.problems = problems;
  }
}

interface Row {
  kid: string;
  public_key: Buffer;
  wrapped_private: Buffer;
  kek_id: string;
}

/**
 * Loads every sealing key, making the first one where there is none, and checks that the master keys of `ring` open all that is
 * stored. Safe when several workers start at once: one makes the key, the others load it.
 * @throws WrongMasterKeyError naming everything that cannot be opened; OwnkeyError ledger.unavailable
 */
export async function loadSealingKeys(pool: Pool, ring: KekRing): Promise<SealingKeys> {
  let pairs = await loadPairs(pool, ring);
  return {
    async find(kid) {
      const known = pairs.get(kid);
      if (known) return known;
      pairs = await loadPairs(pool, ring);
      return pairs.get(kid) ?? null;
    },
  };
}

async function loadPairs(pool: Pool, ring: KekRing): Promise<ReadonlyMap<string, SealingKeyPair>> {
  const { rows, unopenable } = await inTransaction(pool, async (sql) => {
    await sql.query("SELECT pg_advisory_xact_lock(hashtext('ownkey.sealing_keys'))", []);
    const unopenableKeys = await listUnopenable(sql, ring);
    const stored = await readRows(sql);
    if (stored.length > 0 || unopenableKeys.length > 0) return { rows: stored, unopenable: unopenableKeys };
    await insertNew(sql, ring);
    return { rows: await readRows(sql), unopenable: unopenableKeys };
  });
  const problems = [...unopenable];
  const pairs = new Map<string, SealingKeyPair>();
  for (const row of rows) {
    try {
      pairs.set(row.kid, await openSealingKey(ring, { ...row, public_key: row.public_key.toString('base64url') }));
    } catch (error) {
      if (!(error instanceof KekError)) throw error;
      problems.push(`the sealing key ${row.kid} does not open (${error.problem}): it was wrapped by ${row.kek_id}`);
    }
  }
  if (problems.length > 0) throw new WrongMasterKeyError([...problems, `loaded: ${ring.ids.join(', ')}`]);
  return pairs;
}

async function readRows(sql: Sql): Promise<Row[]> {
  const { rows } = await sql.query<Row>(
    'SELECT kid, public_key, wrapped_private, kek_id FROM sealing_keys WHERE retired_at IS NULL ORDER BY created_at',
    [],
  );
  return rows;
}

async function insertNew(sql: Sql, ring: KekRing): Promise<void> {
  const made = createSealingKey(ring);
  await sql.query(
    `INSERT INTO sealing_keys (kid, public_key, fingerprint, wrapped_private, kek_id) VALUES ($1, $2, $3, $4, $5)`,
    [
      made.kid,
      Buffer.from(decodeBase64Url(made.public_key) ?? []),
      await fingerprintOf(made.public_key),
      made.wrapped_private,
      made.kek_id,
    ],
  );
}

/** Stored keys wrapped by master keys that are not loaded; one line a master key. Uses envelopes_by_kek. */
async function listUnopenable(sql: Sql, ring: KekRing): Promise<string[]> {
  const { rows } = await sql.query<{ kek_id: string; keys: string }>(
    'SELECT kek_id, count(*) AS keys FROM envelopes WHERE kek_id <> ALL($1) GROUP BY kek_id',
    [ring.ids],
  );
  return rows.map((row) => `${row.keys} stored key(s) were wrapped by ${row.kek_id}, which is not loaded`);
}
