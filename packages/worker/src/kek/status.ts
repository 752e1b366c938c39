/** What `ownkey kek status` prints. */
import { epochOf } from '@ownkey/policy/kek-epoch';
import { listKekFile } from '@ownkey/vault/kek-file';
import type { Sql } from '../access/load.ts';
import { HOLDER_SILENT_S, readKeks } from './registry.ts';

export interface StatusRules {
  readonly epochDays: number;
  readonly backupDays: number;
}

const day = (at: Date): string => at.toISOString().slice(0, 10);

export async function describeKeks(sql: Sql, file: string, rules: StatusRules): Promise<string[]> {
  const keks = await readKeks(sql);
  const inFile = new Map(listKekFile(file).map((kek) => [kek.id, kek]));
  const { rows: counts } = await sql.query<{ kek_id: string; kind: string; rows: string }>(
    'SELECT kek_id, kind, rows::text FROM kek_rows() ORDER BY kind DESC',
    [],
  );
  const under = (id: string): string =>
    counts
      .filter(({ kek_id }) => kek_id === id)
      .map(({ kind, rows }) => `${rows} ${kind}`)
      .join(', ') || 'nothing under it';
  const lines = keks.map((kek) => {
    const place = kek.state === 'destroyed' ? '' : inFile.has(kek.id) ? ', in the file' : ', NOT in the file';
    const since = kek.state === 'current' && kek.current_at ? ` since ${day(kek.current_at)}` : '';
    const until = kek.replaced_at ? ` (replaced ${day(kek.replaced_at)})` : '';
    return `${kek.id}  ${kek.state}${since}${until}, ${kek.source}${place}: ${under(kek.id)}`;
  });
  for (const id of new Set(counts.map(({ kek_id }) => kek_id))) {
    if (!keks.some((kek) => kek.id === id)) lines.push(`${id}  not known: ${under(id)}`);
  }
  for (const id of inFile.keys()) {
    if (!keks.some((kek) => kek.id === id)) lines.push(`${id}  in the file, not used yet`);
  }
  lines.push(...(await describeRotation(sql)), ...(await describeWorkers(sql)));
  const current = keks.find(({ state }) => state === 'current');
  const replaced = keks.flatMap(({ state, replaced_at }) => (state === 'closed' && replaced_at ? [replaced_at] : []));
  const epoch = epochOf({ currentSince: current?.current_at ?? null, replaced }, rules, new Date());
  if (epoch.endsAt) lines.push(`Rotate by ${day(epoch.endsAt)} (OWNKEY_KEK_EPOCH_DAYS=${rules.epochDays}).`);
  if (epoch.destroyBy) lines.push(`Destroy the replaced key by ${day(epoch.destroyBy)}: ownkey kek destroy --yes.`);
  if (epoch.unreadableBy)
    lines.push(
      `Keys removed today are unreadable in backups from ${day(epoch.unreadableBy)}, if both are done in time.`,
    );
  if (epoch.isOverdue) lines.push('OVERDUE: until this is done, no date is promised for keys that are removed.');
  return lines;
}

async function describeRotation(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ step: string; done: string; total: string; waiting_for: string[] }>(
    `SELECT step, rows_done::text AS done, rows_total::text AS total, waiting_for FROM kek_rotations WHERE finished_at IS NULL`,
    [],
  );
  return rows.map(({ step, done, total, waiting_for }) => {
    const waiting = waiting_for.length === 0 ? '' : `, waiting for ${waiting_for.join(', ')}`;
    return `A rotation is open: ${step}, ${done} of ${total} re-wrapped${waiting}. \`ownkey kek rotate\` goes on with it.`;
  });
}

async function describeWorkers(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ worker_id: string; kek_ids: string[]; writes: string }>(
    `SELECT worker_id, kek_ids, writes FROM kek_holders
     WHERE seen_at > clock_timestamp() - make_interval(secs => $1) ORDER BY 1`,
    [HOLDER_SILENT_S],
  );
  return rows.map(
    ({ worker_id, kek_ids, writes }) => `worker ${worker_id} holds ${kek_ids.join(', ')}; writes with ${writes}`,
  );
}
