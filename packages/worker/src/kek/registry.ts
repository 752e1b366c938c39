/** The tables `keks` and `kek_holders`: which master keys there are, and which worker holds which. */
import type { KekRing } from '@ownkey/vault/kek';
import type { Sql } from '../access/load.ts';

export type KekState = 'new' | 'current' | 'old' | 'closed' | 'destroyed';

export interface KekRow {
  readonly id: string;
  readonly check_value: string;
  readonly source: 'file' | 'transit';
  readonly state: KekState;
  readonly created_at: Date;
  readonly current_at: Date | null;
  readonly replaced_at: Date | null;
  readonly destroyed_at: Date | null;
}

export async function readKeks(sql: Sql): Promise<KekRow[]> {
  const { rows } = await sql.query<KekRow>(
    `SELECT id, check_value, source, state, created_at, current_at, replaced_at, destroyed_at FROM keks ORDER BY created_at, id`,
    [],
  );
  return rows;
}

export async function insertKek(sql: Sql, kek: Pick<KekRow, 'id' | 'check_value' | 'source' | 'state'>): Promise<void> {
  await sql.query(
    `INSERT INTO keks (id, check_value, source, state, current_at)
     VALUES ($1, $2, $3, $4, CASE WHEN $4 = 'current' THEN clock_timestamp() END) ON CONFLICT (id) DO NOTHING`,
    [kek.id, kek.check_value, kek.source, kek.state],
  );
}

/** A worker that was not heard for so long has ended, or holds what the fence of `refuse_closed_kek()` keeps from writing. */
export const HOLDER_SILENT_S = 15;

export async function reportHolding(sql: Sql, workerId: string, ring: KekRing): Promise<void> {
  await sql.query(
    `INSERT INTO kek_holders (worker_id, kek_ids, writes, seen_at) VALUES ($1, $2, $3, clock_timestamp())
     ON CONFLICT (worker_id) DO UPDATE SET kek_ids = excluded.kek_ids, writes = excluded.writes, seen_at = excluded.seen_at`,
    [workerId, ring.ids, ring.currentId],
  );
}

export async function forgetHolder(sql: Sql, workerId: string): Promise<void> {
  await sql.query(`DELETE FROM kek_holders WHERE worker_id = $1 OR seen_at < clock_timestamp() - interval '1 hour'`, [
    workerId,
  ]);
}

/** Running workers that do not hold this master key yet, or, with `writes`, do not write with it. */
export async function listLacking(sql: Sql, kekId: string, how: 'holds' | 'writes'): Promise<string[]> {
  const { rows } = await sql.query<{ worker_id: string }>(
    `SELECT worker_id FROM kek_holders
     WHERE seen_at > clock_timestamp() - make_interval(secs => $3)
       AND CASE WHEN $2 THEN writes <> $1 ELSE NOT $1 = ANY (kek_ids) END ORDER BY 1`,
    [kekId, how === 'writes', HOLDER_SILENT_S],
  );
  return rows.map(({ worker_id }) => worker_id);
}
