/** The writes of an import: keys, envelopes, sources and events of one batch, all of them or none. */
import { OwnkeyError } from '@ownkey/contract/errors';
import type { ImportSource } from '@ownkey/contract/import-order';
import type { Sql } from '@ownkey/worker/access/load';
import { inTransaction } from '@ownkey/worker/keys/transaction';
import type { Pool } from 'pg';
import type { PlannedKey } from './plan-row.ts';
import type { WrappedKey } from './wrap-opened.ts';

export interface NewRow {
  readonly key: PlannedKey;
  readonly wrapped: WrappedKey;
}

export interface BatchOrigin {
  readonly from: ImportSource;
  readonly importName: string;
  readonly actor: string;
}

/**
 * A company or user of the batch is gone, another transaction stood in the way, or the master key was replaced: look everything up
 * again and try once more.
 */
export class BatchConflict extends Error {
  override readonly name = 'BatchConflict';
}

/** A reference to a row that is gone; a deadlock; a serialisation failure; a master key that takes no more writes. */
const CONFLICTS = new Set(['23503', '40P01', '40001', '55000']);

/**
 * Stores the rows that are not there yet, with status `pending`, and resolves to their ids. Two runs at once store each row once. A
 * company's source is made where it has none; one that is there stays, whatever it says.
 * @throws BatchConflict; OwnkeyError ledger.unavailable
 */
export async function storeBatch(
  pool: Pool,
  rows: readonly NewRow[],
  origin: BatchOrigin,
): Promise<ReadonlySet<string>> {
  if (rows.length === 0) return new Set();
  try {
    return await inTransaction(pool, async (sql) => {
      await lockPositions(sql, rows);
      const stored = await insertKeys(sql, rows, origin.actor);
      const fresh = rows.filter(({ key }) => stored.has(key.binding.key_id));
      await insertEnvelopes(sql, fresh);
      await recordImported(sql, fresh, origin);
      await presetSources(sql, fresh, origin);
      return stored;
    });
  } catch (error) {
    const cause = error instanceof OwnkeyError ? error.cause : null;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (CONFLICTS.has(code)) throw new BatchConflict(`the batch met another transaction (${code})`, { cause });
    throw error;
  }
}

/** The lock that connecting takes, so that no two keys get the same place in the order; in one order, so that none waits in a circle. */
async function lockPositions(sql: Sql, rows: readonly NewRow[]): Promise<void> {
  const names = new Set(rows.map(({ key }) => `key position ${key.binding.company} ${key.binding.provider}`));
  await sql.query('SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest($1::text[]) AS name', [
    [...names].sort(),
  ]);
}

/** Rows in order of company: the order in which their versions are moved, the same in every import. */
async function insertKeys(sql: Sql, rows: readonly NewRow[], actor: string): Promise<ReadonlySet<string>> {
  const values = rows.map(({ key, wrapped }, place) => ({
    place,
    id: key.binding.key_id,
    owner: key.owner,
    company_id: key.binding.company,
    user_id: key.userId,
    provider: key.binding.provider,
    slug: key.slug,
    preset: key.preset,
    base_url: key.baseUrl,
    destination: key.binding.destination,
    label: wrapped.label,
    mask: wrapped.mask,
    last4: wrapped.last4,
    version: key.binding.version,
  }));
  const { rows: stored } = await sql.query<{ id: string }>(
    `INSERT INTO keys (id, owner, company_id, user_id, provider, slug, preset, base_url, destination, label, mask, last4,
       version, position, status, created_by, changed_by)
     SELECT r.id, r.owner, r.company_id, r.user_id, r.provider, r.slug, r.preset, r.base_url, r.destination, r.label, r.mask,
       r.last4, r.version,
       (SELECT coalesce(max(k.position) + 1, 0) FROM keys k WHERE k.company_id = r.company_id AND k.provider = r.provider
          AND k.user_id IS NOT DISTINCT FROM r.user_id)
         + row_number() OVER (PARTITION BY r.company_id, r.provider, r.user_id ORDER BY r.place) - 1,
       'pending', $2, $2
     FROM jsonb_to_recordset($1) AS r (place int, id text, owner text, company_id text, user_id text, provider text, slug text,
       preset text, base_url text, destination text, label text, mask text, last4 text, version int)
     ORDER BY r.company_id, r.place
     ON CONFLICT DO NOTHING RETURNING id`,
    [JSON.stringify(values), actor],
  );
  return new Set(stored.map(({ id }) => id));
}

async function insertEnvelopes(sql: Sql, rows: readonly NewRow[]): Promise<void> {
  const column = <T>(read: (row: NewRow) => T): T[] => rows.map(read);
  await sql.query(
    `INSERT INTO envelopes (key_id, version, kek_id, wrapped_dek, commitment, body)
     SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[])`,
    [
      column(({ key }) => key.binding.key_id),
      column(({ key }) => key.binding.version),
      column(({ wrapped }) => wrapped.envelope.kek_id),
      column(({ wrapped }) => wrapped.envelope.wrapped_dek),
      column(({ wrapped }) => wrapped.envelope.commitment),
      column(({ wrapped }) => wrapped.envelope.body),
    ],
  );
}

async function recordImported(sql: Sql, rows: readonly NewRow[], origin: BatchOrigin): Promise<void> {
  const values = rows.map(({ key, wrapped }) => ({
    company_id: key.binding.company,
    user_id: key.userId,
    key_id: key.binding.key_id,
    provider: key.slug ?? key.binding.provider,
    last4: wrapped.last4,
    data: { source: origin.from, import: origin.importName, label: wrapped.label, scope: key.owner, status: 'pending' },
  }));
  await sql.query(
    `INSERT INTO audit_events (company_id, kind, actor, user_id, key_id, provider, last4, data)
     SELECT r.company_id, 'key.imported', $2, r.user_id, r.key_id, r.provider, r.last4, r.data
     FROM jsonb_to_recordset($1) AS r (company_id text, user_id text, key_id text, provider text, last4 text, data jsonb)`,
    [JSON.stringify(values), origin.actor],
  );
}

/** As connecting presets it; but an import is no decision of the company's, so one it has made stands. */
async function presetSources(sql: Sql, rows: readonly NewRow[], origin: BatchOrigin): Promise<void> {
  const wanted = new Map<string, { company_id: string; provider: string; key_id: string; custom: boolean }>();
  for (const { key } of rows) {
    const provider = key.slug ?? key.binding.provider;
    const name = `${key.binding.company} ${provider}`;
    if (key.owner !== 'company' || wanted.has(name)) continue;
    wanted.set(name, {
      company_id: key.binding.company,
      provider,
      key_id: key.binding.key_id,
      custom: key.entry === null,
    });
  }
  await sql.query(
    `WITH wanted AS (
       SELECT * FROM jsonb_to_recordset($1) AS r (company_id text, provider text, key_id text, custom boolean)),
     made AS (
       INSERT INTO sources (company_id, provider, account, source, on_failure, changed_by)
       SELECT c.id, w.provider, '', 'own',
         CASE WHEN w.custom THEN 'stop'
              ELSE CASE i.settings #>> '{policies,on_failure,preset}' WHEN 'stop' THEN 'stop' ELSE 'platform' END END, $2
       FROM wanted w JOIN companies c ON c.id = w.company_id CROSS JOIN installation i ORDER BY c.id, w.provider
       ON CONFLICT DO NOTHING RETURNING company_id, provider, on_failure)
     INSERT INTO audit_events (company_id, kind, actor, key_id, provider, data)
     SELECT m.company_id, 'source.changed', $2, w.key_id, m.provider,
       jsonb_build_object('from', NULL, 'to', 'own', 'on_failure', m.on_failure, 'by', 'key.imported')
     FROM made m JOIN wanted w USING (company_id, provider)`,
    [JSON.stringify([...wanted.values()]), origin.actor],
  );
}
