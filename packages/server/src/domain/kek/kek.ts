import type { KekRotation, KekView } from '@ownkey/contract/api/kek';
import { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import { type Epoch, type EpochRules, epochOf } from '@ownkey/policy/kek-epoch';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';

interface KekRow {
  id: string;
  state: KekView['keks'][number]['state'];
  source: 'file' | 'transit';
  created_at: Date;
  current_at: Date | null;
  replaced_at: Date | null;
  destroyed_at: Date | null;
}

interface RotationRow
  extends Omit<KekRotation, 'ordered_at' | 'changed_at' | 'finished_at' | 'rows_total' | 'rows_done'> {
  rows_total: string;
  rows_done: string;
  ordered_at: Date;
  changed_at: Date;
  finished_at: Date | null;
}

/** A worker that was silent for longer has ended. */
const SILENT_S = 15;
const NAMED_MAX = 10;
const DAMAGED_MAX = 100;

/** What the database says of the master keys. */
export async function readKek(sql: Sql, rules: EpochRules): Promise<KekView> {
  const keks = await listKeks(sql);
  const rows = await sql.rows<{ kek_id: string; kind: string; rows: string }>('SELECT * FROM kek_rows()');
  const count = (id: string, kind: string): number =>
    Number(rows.find((row) => row.kek_id === id && row.kind === kind)?.rows ?? 0);
  const current = keks.find(({ state }) => state === 'current');
  const epoch = epochFrom(keks, rules);
  return {
    current:
      current === undefined || current.current_at === null
        ? null
        : { id: current.id, since: current.current_at.toISOString(), source: current.source },
    keks: keks.map((kek) => ({
      id: kek.id,
      state: kek.state,
      source: kek.source,
      created_at: kek.created_at.toISOString(),
      replaced_at: kek.replaced_at?.toISOString() ?? null,
      destroyed_at: kek.destroyed_at?.toISOString() ?? null,
      rows: {
        stored_keys: count(kek.id, 'stored keys'),
        sealing_keys: count(kek.id, 'sealing keys'),
        audit_heads: count(kek.id, 'audit heads'),
      },
    })),
    workers: await listHolders(sql),
    rotation: await newestRotation(sql),
    epoch: {
      days: rules.epochDays,
      backup_days: rules.backupDays,
      ends_at: epoch.endsAt?.toISOString() ?? null,
      destroy_by: epoch.destroyBy?.toISOString() ?? null,
      overdue: epoch.isOverdue,
      removed_unreadable_by: epoch.unreadableBy?.toISOString() ?? null,
    },
    unopenable: await readUnopenable(sql),
  };
}

/** From when on no backup opens a key that is removed now; null where nothing is promised. */
export async function readUnreadableBy(sql: Sql, rules: EpochRules): Promise<string | null> {
  return epochFrom(await listKeks(sql), rules).unreadableBy?.toISOString() ?? null;
}

/** Orders a rotation. Of two orders at once one wins. @throws OwnkeyError conflict.exists while one is open */
export async function orderRotation(sql: Sql, actor: string): Promise<KekRotation> {
  const id = newId('kekRotation');
  const inserted = await sql.rows(
    'INSERT INTO kek_rotations (id, ordered_by) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id',
    [id, actor],
  );
  const rotation = await newestRotation(sql);
  if (inserted.length === 0 || rotation === null)
    throw new OwnkeyError('conflict.exists', { what: 'A rotation of the master key that is not finished' });
  await recordEvent(sql, { company: null, kind: 'kek.rotation_ordered', actor, data: { rotation: id } });
  return rotation;
}

function listKeks(sql: Sql): Promise<KekRow[]> {
  return sql.rows<KekRow>(
    'SELECT id, state, source, created_at, current_at, replaced_at, destroyed_at FROM keks ORDER BY created_at, id',
  );
}

function epochFrom(keks: readonly KekRow[], rules: EpochRules): Epoch {
  const currentSince = keks.find(({ state }) => state === 'current')?.current_at ?? null;
  const replaced = keks.flatMap(({ state, replaced_at }) => (state === 'closed' && replaced_at ? [replaced_at] : []));
  return epochOf({ currentSince, replaced }, rules, new Date());
}

async function listHolders(sql: Sql): Promise<KekView['workers']> {
  const rows = await sql.rows<{ id: string; holds: string[]; writes: string; seen_at: Date }>(
    `SELECT worker_id AS id, kek_ids AS holds, writes, seen_at FROM kek_holders
     WHERE seen_at > clock_timestamp() - make_interval(secs => $1) ORDER BY 1 LIMIT 500`,
    [SILENT_S],
  );
  return rows.map((row) => ({ ...row, seen_at: row.seen_at.toISOString() }));
}

async function newestRotation(sql: Sql): Promise<KekRotation | null> {
  const row = await first<RotationRow>(
    sql,
    `SELECT id, step, rows_total::text, rows_done::text, damaged[1:${DAMAGED_MAX}] AS damaged, waiting_for, ordered_by, ordered_at,
       changed_at, finished_at FROM kek_rotations ORDER BY finished_at IS NOT NULL, ordered_at DESC LIMIT 1`,
  );
  if (row === null) return null;
  return {
    ...row,
    rows_total: Number(row.rows_total),
    rows_done: Number(row.rows_done),
    ordered_at: row.ordered_at.toISOString(),
    changed_at: row.changed_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}

async function readUnopenable(sql: Sql): Promise<KekView['unopenable']> {
  const rows = await sql.rows<{ id: string; company: string | null; count: string }>(
    `SELECT id, company_id AS company, count(*) OVER () AS count FROM keys WHERE status = 'undecryptable'
     ORDER BY id LIMIT ${NAMED_MAX}`,
  );
  return { count: Number(rows[0]?.count ?? 0), keys: rows.map(({ id, company }) => ({ id, company })) };
}
