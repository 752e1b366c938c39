/** The end of a master key: nothing is under it any more, or what is cannot be had back. */
import type { KekRing } from '@ownkey/vault/kek';
import { listKekFile } from '@ownkey/vault/kek-file';
import { draftKekFile } from '@ownkey/vault/kek-write';
import type { Pool } from 'pg';
import { sqlOf } from '../database.ts';
import { inTransaction } from '../keys/transaction.ts';
import { insertKek, readKeks } from './registry.ts';
import { countUnder, rewrapAll } from './rewrap.ts';
import { findOpenRotation } from './rotation-store.ts';

export interface DestroyOptions {
  readonly pool: Pool;
  readonly ring: KekRing;
  /** The master key file, links resolved. */
  readonly file: string;
  readonly publish: () => Promise<void>;
  readonly actor: string;
}

/**
 * Destroys every master key that a rotation closed: first in the database, which tells the workers to let go of it, then in the file. Safe
 * to be killed in and done again. The caller holds the lock. Resolves to the ids of what is gone from the file now.
 * @throws Error when a rotation is open, or something under a closed one still opens
 */
export async function destroyClosed({ pool, ring, file, publish, actor }: DestroyOptions): Promise<string[]> {
  const sql = sqlOf(pool);
  if (await findOpenRotation(sql)) throw new Error('a rotation is not finished; run `ownkey kek rotate` first');
  const closed = (await readKeks(sql)).filter(({ state }) => state === 'closed').map(({ id }) => id);
  const left = await countUnder(sql, closed);
  if (left > 0) {
    const { damaged } = await rewrapAll(sql, ring, closed, false, async () => {});
    if (damaged.length < left)
      throw new Error(`${left} rows are still under ${closed.join(', ')}; run \`ownkey kek rotate\` first`);
  }
  if (closed.length > 0) {
    await inTransaction(pool, async (tx) => {
      await tx.query(`UPDATE keks SET state = 'destroyed', destroyed_at = clock_timestamp() WHERE id = ANY($1)`, [
        closed,
      ]);
      await tx.query(`INSERT INTO audit_events (kind, actor, data) VALUES ('kek.destroyed', $1, $2)`, [
        actor,
        JSON.stringify({ keks: closed }),
      ]);
    });
  }
  const destroyed = new Set((await readKeks(sql)).filter(({ state }) => state === 'destroyed').map(({ id }) => id));
  const inFile = listKekFile(file).filter(({ id }) => destroyed.has(id));
  if (inFile.length === 0) return [];
  draftKekFile(file, { remove: destroyed });
  await publish();
  return inFile.map(({ id }) => id);
}

/**
 * For a master key file that is lost for good: every master key that is not in `ring` counts as destroyed, what is under it as
 * `undecryptable`, and new keys are stored under the first one of the file. Resolves to the ids given up and how many stored keys went.
 */
export async function giveUpLost(
  pool: Pool,
  ring: KekRing,
  source: 'file' | 'transit',
  actor: string,
): Promise<{ keks: string[]; keys: number }> {
  return inTransaction(pool, async (sql) => {
    await sql.query("SELECT pg_advisory_xact_lock(hashtext('ownkey.keks'))", []);
    const { rows } = await sql.query<{ id: string }>(
      `SELECT kek_id AS id FROM kek_rows() WHERE kek_id <> ALL($1) UNION SELECT id FROM keks WHERE id <> ALL($1) AND state <> 'destroyed'`,
      [ring.ids],
    );
    const lost = rows.map(({ id }) => id);
    for (const id of lost) await insertKek(sql, { id, check_value: '', source, state: 'destroyed' });
    await sql.query(
      `UPDATE keks SET state = 'destroyed', destroyed_at = coalesce(destroyed_at, clock_timestamp()) WHERE id = ANY($1)`,
      [lost],
    );
    const { rows: current } = await sql.query(`SELECT 1 FROM keks WHERE state = 'current'`, []);
    if (current.length === 0) {
      const id = ring.currentId;
      await insertKek(sql, { id, check_value: ring.checkValueOf(id) ?? '', source, state: 'new' });
      await sql.query(`UPDATE keks SET state = 'current', current_at = clock_timestamp() WHERE id = $1`, [id]);
    }
    await sql.query(
      'UPDATE sealing_keys SET retired_at = clock_timestamp() WHERE kek_id = ANY($1) AND retired_at IS NULL',
      [lost],
    );
    const { rowCount } = await sql.query(
      `UPDATE keys k SET status = 'undecryptable', status_detail = jsonb_build_object('since', $2::text)
       FROM envelopes e WHERE e.key_id = k.id AND e.kek_id = ANY($1)`,
      [lost, new Date().toISOString()],
    );
    await sql.query(`INSERT INTO audit_events (kind, actor, data) VALUES ('kek.destroyed', $1, $2)`, [
      actor,
      JSON.stringify({ keks: lost, lost: true, keys: rowCount ?? 0 }),
    ]);
    return { keks: lost, keys: rowCount ?? 0 };
  });
}
