/** Whether the loaded master keys are the ones this database was written with. */
import type { KekRing } from '@ownkey/vault/kek';
import type { Pool } from 'pg';
import type { Sql } from '../access/load.ts';
import { inTransaction } from '../keys/transaction.ts';
import { insertKek, readKeks } from './registry.ts';

/** The loaded master keys do not open what the database holds: the worker must not serve. One sentence a problem, for the operator. */
export class WrongMasterKeyError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `The master key does not fit this database:\n${problems.map((problem) => `  - ${problem}`).join('\n')}\n` +
        'Put back the master key file that belongs to this database (docs/backups.md). If it is lost for good, `ownkey kek give-up` ' +
        'lets Ownkey start; the keys named above have to be pasted again.',
    );
    this.name = 'WrongMasterKeyError';
    this.problems = problems;
  }
}

/**
 * Checks `ring` against the database, makes it write with the master key that the database says, and, at the first start on a database,
 * writes down which that is. A single row that does not open is not looked for here: it is damaged, and shows when it is used.
 * Safe when several workers start at once.
 * @throws WrongMasterKeyError naming what could not be opened; OwnkeyError ledger.unavailable
 */
export async function checkMasterKeys(pool: Pool, ring: KekRing, source: 'file' | 'transit'): Promise<void> {
  const problems = await inTransaction(pool, async (sql) => {
    await sql.query("SELECT pg_advisory_xact_lock(hashtext('ownkey.keks'))", []);
    const keks = await readKeks(sql);
    const found = await listUnopenable(sql, ring);
    for (const kek of keks) {
      const loaded = ring.checkValueOf(kek.id);
      if (loaded !== null && loaded !== kek.check_value && kek.state !== 'destroyed') {
        found.push(`the file holds another key under the id ${kek.id} than this database was written with`);
      }
    }
    const current = keks.find(({ state }) => state === 'current');
    if (current) {
      if (ring.checkValueOf(current.id) === null)
        found.push(`${current.id}, which keys are stored under now, is not loaded`);
      else ring.use(current.id);
    } else if (found.length === 0) {
      for (const id of ring.ids) {
        const state = id === ring.currentId ? 'current' : 'old';
        await insertKek(sql, { id, check_value: ring.checkValueOf(id) ?? '', source, state });
      }
    }
    return found;
  });
  if (problems.length > 0) throw new WrongMasterKeyError([...problems, `loaded: ${ring.ids.join(', ')}`]);
}

const NAMED_MAX = 10;

/** Stored keys and sealing keys under master keys that are not loaded and not given up; one line a master key and kind. */
export async function listUnopenable(sql: Sql, ring: KekRing): Promise<string[]> {
  const lost = `kek_id <> ALL($1) AND kek_id NOT IN (SELECT id FROM keks WHERE state = 'destroyed')`;
  const { rows } = await sql.query<{ kind: string; kek_id: string; count: string; ids: string[] }>(
    `SELECT kind, kek_id, count(*), (array_agg(id ORDER BY id))[1:${NAMED_MAX}] AS ids FROM (
       SELECT 'stored key' AS kind, kek_id, key_id AS id FROM envelopes WHERE ${lost}
       UNION ALL SELECT 'sealing key', kek_id, kid FROM sealing_keys WHERE retired_at IS NULL AND ${lost}) x
     GROUP BY 1, 2 ORDER BY 1 DESC, 2`,
    [ring.ids],
  );
  return rows.map(({ kind, kek_id, count, ids }) => {
    const more = Number(count) > ids.length ? ` and ${Number(count) - ids.length} more` : '';
    return `${count} ${kind}(s) were wrapped by ${kek_id}, which is not loaded: ${ids.join(', ')}${more}`;
  });
}
