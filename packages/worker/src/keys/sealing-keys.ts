/** The installation's HPKE key pairs, which every browser and client seals to. Shared by all workers through the database. */
import { webcrypto } from 'node:crypto';
import type { FieldSealingKey } from '@ownkey/contract/field';
import { decodeBase64Url, encodeBase64Url } from '@ownkey/vault/base64url';
import { KekError, type KekRing } from '@ownkey/vault/kek';
import { fingerprintOf } from '@ownkey/vault/seal';
import { createSealingKey, openSealingKey, type SealingKeyPair, type SealingKeyRow } from '@ownkey/vault/sealing-key';
import type { Pool } from 'pg';
import type { Sql } from '../access/load.ts';
import { listUnopenable, WrongMasterKeyError } from '../kek/check.ts';
import { inTransaction } from './transaction.ts';

/** The pairs that sealed keys may be for. A kid that is not known yet (made by another worker since) is looked up again. */
export interface SealingKeys {
  find(kid: string): Promise<SealingKeyPair | null>;
  /** The public half to seal for, as the master key vouches for it (whoever changes the row cannot change this). */
  newest(): PublicSealingKey;
}

export type PublicSealingKey = Pick<FieldSealingKey, 'kid' | 'public_key' | 'fingerprint'>;

interface Loaded {
  readonly pairs: ReadonlyMap<string, SealingKeyPair>;
  readonly newest: PublicSealingKey;
}

interface Row {
  kid: string;
  public_key: Buffer;
  wrapped_private: Buffer;
  kek_id: string;
}

/**
 * Loads every sealing key, making one where there is none, and checks that the master keys of `ring` are those of all that is stored. A
 * sealing key that was altered is retired. Safe when several workers start at once: one makes the key, the others load it.
 * @throws WrongMasterKeyError naming everything that cannot be opened; OwnkeyError ledger.unavailable
 */
export async function loadSealingKeys(pool: Pool, ring: KekRing): Promise<SealingKeys> {
  let loaded = await loadPairs(pool, ring);
  return {
    async find(kid) {
      const known = loaded.pairs.get(kid);
      if (known) return known;
      loaded = await loadPairs(pool, ring);
      return loaded.pairs.get(kid) ?? null;
    },
    newest: () => loaded.newest,
  };
}

async function loadPairs(pool: Pool, ring: KekRing): Promise<Loaded> {
  const { pairs, problems: found } = await inTransaction(pool, async (sql) => {
    await sql.query("SELECT pg_advisory_xact_lock(hashtext('ownkey.sealing_keys'))", []);
    const problems = await listUnopenable(sql, ring);
    const pairs = new Map<string, SealingKeyPair>();
    for (const row of await readRows(sql)) {
      try {
        pairs.set(row.kid, await openSealingKey(ring, { ...row, public_key: row.public_key.toString('base64url') }));
      } catch (error) {
        if (!(error instanceof KekError)) throw error;
        if (error.problem === 'cipher' && (await isProven(sql, ring, row.kek_id))) await retire(sql, row.kid);
        else if (error.problem === 'cipher') {
          problems.push(`the sealing key ${row.kid} does not open (cipher): it was wrapped by ${row.kek_id}`);
        }
      }
    }
    if (pairs.size === 0 && problems.length === 0) {
      const made = await insertNew(sql, ring);
      pairs.set(made.kid, await openSealingKey(ring, made));
    }
    return { pairs, problems };
  });
  if (found.length > 0) throw new WrongMasterKeyError([...found, `loaded: ${ring.ids.join(', ')}`]);
  return { pairs, newest: await publicHalf([...pairs.values()].at(-1)) };
}

async function publicHalf(pair: SealingKeyPair | undefined): Promise<PublicSealingKey> {
  if (pair === undefined) throw new Error('there is no sealing key');
  const point = new Uint8Array(await webcrypto.subtle.exportKey('raw', pair.publicKey));
  const public_key = encodeBase64Url(point);
  return { kid: pair.kid, public_key, fingerprint: await fingerprintOf(public_key) };
}

/** Whether the ring's key of this id is the one the database was written with: then it is the row that is wrong. */
async function isProven(sql: Sql, ring: KekRing, kekId: string): Promise<boolean> {
  const { rows } = await sql.query('SELECT 1 FROM keks WHERE id = $1 AND check_value = $2', [
    kekId,
    ring.checkValueOf(kekId),
  ]);
  return rows.length > 0;
}

/** Nobody is to seal for it any more: somebody may have put a public key of their own there. */
async function retire(sql: Sql, kid: string): Promise<void> {
  await sql.query('UPDATE sealing_keys SET retired_at = clock_timestamp() WHERE kid = $1', [kid]);
  await sql.query(`INSERT INTO audit_events (kind, data) VALUES ('kek.sealing_key_retired', $1)`, [
    JSON.stringify({ kid, because: 'it does not open' }),
  ]);
}

async function readRows(sql: Sql): Promise<Row[]> {
  const { rows } = await sql.query<Row>(
    'SELECT kid, public_key, wrapped_private, kek_id FROM sealing_keys WHERE retired_at IS NULL ORDER BY created_at, kid',
    [],
  );
  return rows;
}

async function insertNew(sql: Sql, ring: KekRing): Promise<SealingKeyRow> {
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
  return made;
}
