import { readCompanySettings } from '@ownkey/contract/company-settings';
import { OwnkeyError } from '@ownkey/contract/errors';
import { type Policies, readPolicies } from '@ownkey/contract/policies';
import type { CapPeriod, CapRow } from '@ownkey/contract/spend';
import { first, type Sql } from '../../storage/database.ts';
import { findActorNames } from '../members/actor-names.ts';

/** Caps of one company as stored, with what they are judged by, at one moment. */
export interface StoredCaps {
  readonly rows: readonly CapRow[];
  readonly policies: Policies;
  readonly blockUnpriced: boolean;
  /** Day by the ledger's clock, UTC, `YYYY-MM-DD`. */
  readonly today: string;
  readonly etag: string;
}

interface CompanyRow {
  caps_version: string;
  settings: Record<string, unknown>;
  installation: Record<string, unknown>;
  today: string;
}

interface StoredRow {
  subject: string;
  period: CapPeriod;
  amount_nano_usd: string | null;
  raised_to_nano_usd: string | null;
  raised_from: string | null;
  raised_until: string | null;
}

/** `lock`: until the transaction ends nobody else changes caps of the company. @throws OwnkeyError not_found */
export async function readCaps(sql: Sql, companyId: string, lock: 'lock' | 'no lock'): Promise<StoredCaps> {
  const company = await first<CompanyRow>(
    sql,
    `SELECT caps_version, settings, (SELECT i.settings FROM installation i) AS installation,
       (ledger_now() AT TIME ZONE 'UTC')::date::text AS today
     FROM companies WHERE id = $1 ${lock === 'lock' ? 'FOR UPDATE' : ''}`,
    [companyId],
  );
  if (company === null) throw new OwnkeyError('not_found');
  const rows = await sql.rows<StoredRow>(
    `SELECT subject, period, amount_nano_usd, raised_to_nano_usd, raised_from::text, raised_until::text
     FROM caps WHERE company_id = $1 ORDER BY subject, period`,
    [companyId],
  );
  return {
    rows: rows.map(capOf),
    policies: readPolicies(company.installation),
    blockUnpriced: readCompanySettings(company.settings).block_unpriced_models,
    today: company.today,
    etag: `"${company.caps_version}"`,
  };
}

function capOf(row: StoredRow): CapRow {
  const { raised_to_nano_usd: to, raised_from: from, raised_until: until } = row;
  return {
    subject: row.subject,
    period: row.period,
    amount: row.amount_nano_usd === null ? null : BigInt(row.amount_nano_usd),
    raised: to === null || from === null || until === null ? null : { to: BigInt(to), from, until },
  };
}

export async function removeCap(sql: Sql, companyId: string, cap: Pick<CapRow, 'subject' | 'period'>): Promise<void> {
  await sql.rows('DELETE FROM caps WHERE company_id = $1 AND subject = $2 AND period = $3', [
    companyId,
    cap.subject,
    cap.period,
  ]);
}

export async function writeCap(sql: Sql, companyId: string, cap: CapRow, actor: string): Promise<void> {
  await sql.rows(
    `INSERT INTO caps (company_id, subject, period, amount_nano_usd, raised_to_nano_usd, raised_from, raised_until, changed_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (company_id, subject, period) DO UPDATE SET amount_nano_usd = excluded.amount_nano_usd,
       raised_to_nano_usd = excluded.raised_to_nano_usd, raised_from = excluded.raised_from,
       raised_until = excluded.raised_until, changed_by = excluded.changed_by, changed_at = clock_timestamp()`,
    [
      companyId,
      cap.subject,
      cap.period,
      cap.amount?.toString() ?? null,
      cap.raised?.to.toString() ?? null,
      cap.raised?.from ?? null,
      cap.raised?.until ?? null,
      actor,
    ],
  );
}

export interface LastChange {
  readonly by: string | null;
  readonly at: Date | null;
}

/** Who changed caps last, by name, from the record. */
export async function lastCapsChange(sql: Sql, companyId: string): Promise<LastChange> {
  const last = await first<{ actor: string; at: Date }>(
    sql,
    "SELECT actor, at FROM audit_events WHERE company_id = $1 AND kind = 'caps.changed' ORDER BY seq DESC LIMIT 1",
    [companyId],
  );
  const name = await findActorNames(sql, [last?.actor ?? null]);
  return { by: name(last?.actor ?? null), at: last?.at ?? null };
}

/** Ids of users of the company, by the names callers use for them: ours or the host's. @throws OwnkeyError not_found */
export async function findUserIds(
  sql: Sql,
  companyId: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (names.length === 0) return new Map();
  const rows = await sql.rows<{ id: string; external_id: string | null }>(
    'SELECT id, external_id FROM users WHERE company_id = $1 AND (id = ANY($2) OR external_id = ANY($2))',
    [companyId, names],
  );
  const ids = new Map<string, string>();
  for (const { id, external_id } of rows) if (external_id !== null) ids.set(external_id, id);
  for (const { id } of rows) ids.set(id, id);
  if (names.some((name) => !ids.has(name))) throw new OwnkeyError('not_found');
  return ids;
}
