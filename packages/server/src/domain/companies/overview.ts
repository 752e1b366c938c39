import type { OperatorCompany, PlanEffect } from '@ownkey/contract/api/operator';
import { OwnkeyError } from '@ownkey/contract/errors';
import { formatUsd } from '@ownkey/contract/money';
import { METERS } from '@ownkey/contract/spend';
import { first, type Sql } from '../../storage/database.ts';
import type { CompanyRow } from './companies.ts';

/** Companies as their operator sees them: state and sums, nothing of their keys' text, their providers' words or their requests. */

export interface CompanyFilter {
  readonly q: string;
  readonly plan: string | null;
  readonly state: 'fallback' | 'paused' | 'key_failing' | 'ai_off' | null;
}

interface OverviewRow extends CompanyRow {
  users: number;
  keys: number;
  keys_failing: number;
  fallback_since: Date | null;
  paused: 'day' | 'month' | null;
  month: string;
  shared: string;
}

/** Each figure by an index that begins with the company: keys_by_company, notices_by_company, the primary key of `meters`. */
const OVERVIEW = `SELECT c.id, c.external_id, c.name, c.plan, c.ai_enabled, c.created_at,
    (SELECT count(*)::int FROM users u WHERE u.company_id = c.id) AS users,
    k.keys, k.keys_failing, n.fallback_since, m.paused, coalesce(m.month, 0)::text AS month, coalesce(m.shared, 0)::text AS shared
  FROM companies c
  CROSS JOIN LATERAL (SELECT count(*)::int AS keys,
      count(*) FILTER (WHERE enabled AND status IN ('invalid', 'no_credit', 'undecryptable'))::int AS keys_failing
    FROM keys WHERE company_id = c.id) k
  CROSS JOIN LATERAL (SELECT min(started_at) AS fallback_since FROM notices
    WHERE company_id = c.id AND kind = 'fallback' AND ended_at IS NULL) n
  CROSS JOIN LATERAL (SELECT min(kind) FILTER (WHERE meter = '${METERS.company}' AND settled >= cap) AS paused,
      sum(settled) FILTER (WHERE meter = '${METERS.company}' AND kind = 'month') AS month,
      sum(settled) FILTER (WHERE meter = '${METERS.credits}' AND kind = 'month') AS shared
    FROM meters WHERE company_id = c.id AND meter IN ('${METERS.company}', '${METERS.credits}')
      AND (kind, start) IN (('day', date_trunc('day', ledger_now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'),
        ('month', date_trunc('month', ledger_now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'))) m`;

/** The newest first, at most `limit` after `before` (id); `q` is looked for in names and ids. */
export async function listOverviews(
  sql: Sql,
  filter: CompanyFilter,
  before: string | null,
  limit: number,
): Promise<OperatorCompany[]> {
  const rows = await sql.rows<OverviewRow>(
    `${OVERVIEW} WHERE ($1::text IS NULL OR c.id < $1)
       AND ($2 = '' OR position(lower($2) IN lower(c.name)) > 0 OR c.id = $2 OR c.external_id = $2)
       AND ($3::text IS NULL OR c.plan = $3)
       AND CASE $4::text WHEN 'fallback' THEN n.fallback_since IS NOT NULL WHEN 'paused' THEN m.paused IS NOT NULL
         WHEN 'key_failing' THEN k.keys_failing > 0 WHEN 'ai_off' THEN NOT c.ai_enabled ELSE true END
     ORDER BY c.id DESC LIMIT $5`,
    [before, filter.q, filter.plan, filter.state, limit],
  );
  return rows.map(viewOf);
}

/** @throws OwnkeyError not_found */
export async function needOverview(sql: Sql, id: string): Promise<OperatorCompany> {
  const row = await first<OverviewRow>(sql, `${OVERVIEW} WHERE c.id = $1`, [id]);
  if (row === null) throw new OwnkeyError('not_found');
  return viewOf(row);
}

function viewOf({ month, shared, ...row }: OverviewRow): OperatorCompany {
  return {
    ...row,
    created_at: row.created_at.toISOString(),
    fallback_since: row.fallback_since?.toISOString() ?? null,
    month_usd: formatUsd(BigInt(month)),
    shared_usd: formatUsd(BigInt(shared)),
  };
}

interface EffectRow {
  keys_stop: number;
  keys_start: number;
  shared_before: boolean;
  shared_after: boolean;
  credits_nano_usd: string | null;
}

/** What a plan lets a key do: own keys at all, its provider among them, and personal keys where it is one. */
const allows = (plan: string) =>
  `(${plan}.byok AND (${plan}.byok_providers IS NULL OR k.provider = ANY (${plan}.byok_providers))
     AND (k.owner = 'company' OR ${plan}.personal_keys))`;

/** @throws OwnkeyError not_found for a company, request.invalid for a plan that is not there */
export async function readPlanEffect(sql: Sql, company: string, plan: string): Promise<PlanEffect> {
  await needOverview(sql, company);
  const effect = await first<EffectRow>(
    sql,
    `SELECT (SELECT count(*)::int FROM keys k WHERE k.company_id = c.id AND k.enabled AND ${allows('o')} AND NOT ${allows('n')}) AS keys_stop,
       (SELECT count(*)::int FROM keys k WHERE k.company_id = c.id AND k.enabled AND NOT ${allows('o')} AND ${allows('n')}) AS keys_start,
       coalesce(cardinality(o.platform_models) > 0, true) AS shared_before,
       coalesce(cardinality(n.platform_models) > 0, true) AS shared_after, n.credits_nano_usd
     FROM companies c JOIN plans o ON o.id = c.plan JOIN plans n ON n.id = $2 WHERE c.id = $1`,
    [company, plan],
  );
  if (effect === null)
    throw new OwnkeyError('request.invalid', { problem: `There is no plan called ${plan}.`, param: 'plan' });
  return {
    keys_stop: effect.keys_stop,
    keys_start: effect.keys_start,
    shared_stops: effect.shared_before && !effect.shared_after,
    shared_starts: !effect.shared_before && effect.shared_after,
    credits_usd: effect.credits_nano_usd === null ? null : formatUsd(BigInt(effect.credits_nano_usd)),
  };
}
