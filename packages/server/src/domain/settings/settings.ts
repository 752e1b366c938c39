import { type CompanySettings, readCompanySettings } from '@ownkey/contract/company-settings';
import { OwnkeyError } from '@ownkey/contract/errors';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { findActorNames } from '../members/actor-names.ts';

/** Settings of a company. Turning AI off reaches the very next call on every worker: it moves the company's version. */
export interface SettingsState extends CompanySettings {
  ai_enabled: boolean;
  ai_changed_at: Date;
  ai_changed_by: string | null;
  zero_retention: boolean;
  etag: string;
}

export interface WantedSettings {
  readonly ai_enabled?: boolean | undefined;
  readonly zero_retention?: boolean | undefined;
  readonly personal_keys?: boolean | undefined;
  readonly notice_recipients?: string[] | undefined;
  readonly audit_retention_days?: number | null | undefined;
  readonly block_unpriced_models?: boolean | undefined;
}

interface Row {
  ai_enabled: boolean;
  ai_changed_at: Date;
  ai_changed_by: string | null;
  zero_retention: boolean;
  settings: Record<string, unknown>;
  settings_version: string;
  /** As it is in force: the company's own, else the operator's. */
  audit_days: number | null;
}

const SELECT = `SELECT ai_enabled, ai_changed_at, ai_changed_by, zero_retention, settings, settings_version, audit_days(id)
  FROM companies WHERE id = $1`;

export async function readSettings(sql: Sql, companyId: string): Promise<SettingsState> {
  return stateOf(await readRow(sql, SELECT, companyId));
}

/** Changes what is named and writes the event in the same transaction. @throws OwnkeyError conflict.changed */
export async function changeSettings(
  sql: Sql,
  companyId: string,
  wanted: WantedSettings,
  ifMatch: string | null,
  actor: string,
): Promise<SettingsState> {
  const row = await readRow(sql, `${SELECT} FOR UPDATE`, companyId);
  const state = stateOf(row);
  if (ifMatch !== null && ifMatch !== state.etag) throw await changedBySomebody(sql, companyId);
  const { ai_enabled = state.ai_enabled, zero_retention = state.zero_retention, ...others } = wanted;
  const given = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined));
  const turned = ai_enabled !== state.ai_enabled;
  await sql.rows(
    `UPDATE companies SET ai_enabled = $2, zero_retention = $3, settings = settings || $4::jsonb,
       settings_version = settings_version + 1,
       ai_changed_at = CASE WHEN $5 THEN clock_timestamp() ELSE ai_changed_at END,
       ai_changed_by = CASE WHEN $5 THEN $6 ELSE ai_changed_by END
     WHERE id = $1`,
    [companyId, ai_enabled, zero_retention, JSON.stringify(given), turned, actor],
  );
  const changed = Object.keys(wanted).filter(
    (name) => Reflect.get(wanted, name) !== undefined && name !== 'ai_enabled',
  );
  if (turned)
    await recordEvent(sql, { company: companyId, kind: ai_enabled ? 'ai.turned_on' : 'ai.turned_off', actor });
  if (changed.length > 0) {
    const data = { changed, ...(changed.includes('zero_retention') ? { zero_retention } : {}) };
    await recordEvent(sql, { company: companyId, kind: 'settings.changed', actor, data });
  }
  return readSettings(sql, companyId);
}

async function readRow(sql: Sql, statement: string, companyId: string): Promise<Row> {
  const row = await first<Row>(sql, statement, [companyId]);
  if (row === null) throw new OwnkeyError('not_found');
  return row;
}

function stateOf(row: Row): SettingsState {
  const { ai_enabled, ai_changed_at, ai_changed_by, zero_retention } = row;
  const settings = { ...readCompanySettings(row.settings), audit_retention_days: row.audit_days };
  return { ...settings, ai_enabled, ai_changed_at, ai_changed_by, zero_retention, etag: `"${row.settings_version}"` };
}

async function changedBySomebody(sql: Sql, companyId: string): Promise<OwnkeyError> {
  const last = await first<{ actor: string; at: Date }>(
    sql,
    `SELECT actor, at FROM audit_events WHERE company_id = $1 AND kind IN ('settings.changed', 'ai.turned_on', 'ai.turned_off')
     ORDER BY seq DESC LIMIT 1`,
    [companyId],
  );
  const name = await findActorNames(sql, [last?.actor ?? null]);
  return new OwnkeyError('conflict.changed', {
    who: name(last?.actor ?? null) ?? 'Somebody',
    at: last?.at.toISOString() ?? null,
  });
}
