/** The table `kek_rotations`: how far the one open rotation is. */
import { newId } from '@ownkey/contract/ids';
import type { Sql } from '../access/load.ts';

export type RotationStep = 'ordered' | 'spreading' | 'switching' | 'rewrapping' | 'closing' | 'done';

export interface Rotation {
  readonly id: string;
  readonly ordered_by: string;
  readonly step: RotationStep;
  readonly to_kek: string | null;
  readonly rows_total: string;
}

export async function findOpenRotation(sql: Sql): Promise<Rotation | null> {
  const { rows } = await sql.query<Rotation>(
    'SELECT id, ordered_by, step, to_kek, rows_total::text FROM kek_rotations WHERE finished_at IS NULL',
    [],
  );
  return rows[0] ?? null;
}

/** The open rotation, ordered by `actor` if there was none. */
export async function openRotation(sql: Sql, actor: string): Promise<Rotation> {
  await sql.query('INSERT INTO kek_rotations (id, ordered_by) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    newId('kekRotation'),
    actor,
  ]);
  const open = await findOpenRotation(sql);
  if (!open) throw new Error('the rotation was ended by another process');
  return open;
}

interface Change {
  step?: RotationStep;
  to_kek?: string;
  rows_total?: number;
  rows_done?: number;
  damaged?: readonly string[];
  waiting_for?: readonly string[];
}

export async function changeRotation(sql: Sql, id: string, change: Change): Promise<void> {
  await sql.query(
    `UPDATE kek_rotations SET step = coalesce($2, step), to_kek = coalesce($3, to_kek), rows_total = coalesce($4, rows_total),
       rows_done = coalesce($5, rows_done), damaged = coalesce($6, damaged), waiting_for = coalesce($7, waiting_for),
       changed_at = clock_timestamp(), finished_at = CASE WHEN $2 = 'done' THEN clock_timestamp() END
     WHERE id = $1`,
    [
      id,
      change.step ?? null,
      change.to_kek ?? null,
      change.rows_total ?? null,
      change.rows_done ?? null,
      change.damaged ?? null,
      change.waiting_for ?? null,
    ],
  );
}
