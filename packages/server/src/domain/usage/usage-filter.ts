import type { UsageQuery } from '@ownkey/contract/api/usage';
import { OwnkeyError } from '@ownkey/contract/errors';
import { first, type Sql } from '../../storage/database.ts';

/** Which hourly sums a report is about: whole UTC days of one company. */
export interface UsageFilter {
  readonly companyId: string;
  readonly days: number;
  readonly provider: string | null;
  readonly operation: string | null;
  /** Our id; empty = calls for nobody; null = everybody. */
  readonly userId: string | null;
}

/** @throws OwnkeyError not_found for a person who is not of the company, auth.role for a member who asks for somebody else */
export async function readUsageFilter(
  sql: Sql,
  caller: { companyId: string; userId: string | null; role: 'admin' | 'member' },
  query: UsageQuery,
): Promise<UsageFilter> {
  const named = query.user === undefined ? null : await findUserId(sql, caller.companyId, query.user);
  const own = caller.role === 'member' ? (caller.userId ?? '') : null;
  if (own !== null && named !== null && named !== own) throw new OwnkeyError('auth.role');
  return {
    companyId: caller.companyId,
    days: Number(query.range.slice(0, -1)),
    provider: query.provider ?? null,
    operation: query.operation ?? null,
    userId: own ?? named,
  };
}

/** People are named by our id or the host's; who was removed still has their sums, under our id. */
async function findUserId(sql: Sql, companyId: string, name: string): Promise<string> {
  if (name === '') return '';
  const found = await first<{ id: string }>(
    sql,
    `SELECT id FROM users WHERE company_id = $1 AND (id = $2 OR external_id = $2) ORDER BY (id = $2) DESC LIMIT 1`,
    [companyId, name],
  );
  if (found !== null) return found.id;
  const removed = await sql.rows('SELECT 1 FROM usage_hourly WHERE company_id = $1 AND user_id = $2 LIMIT 1', [
    companyId,
    name,
  ]);
  if (removed.length === 0) throw new OwnkeyError('not_found');
  return name;
}

/** `back`: 0 = the range itself, 1 = as many days before it. Parameters $1 to $5. */
export function usageWhere(back: 0 | 1): string {
  const today = "date_trunc('day', ledger_now() AT TIME ZONE 'UTC')";
  const edge = (days: string): string => `((${today} - make_interval(days => ${days})) AT TIME ZONE 'UTC')`;
  return `company_id = $1 AND hour >= ${edge(`$2 * ${back + 1} - 1`)} AND hour < ${edge(`$2 * ${back} - 1`)}
    AND ($3::text IS NULL OR slug = $3) AND ($4::text IS NULL OR operation = $4) AND ($5::text IS NULL OR user_id = $5)`;
}

export function usageValues({ companyId, days, provider, operation, userId }: UsageFilter): unknown[] {
  return [companyId, days, provider, operation, userId];
}

export interface SumsRow {
  operations: string;
  own_operations: string;
  errors: string;
  input_tokens: string;
  cached_tokens: string;
  output_tokens: string;
  cost: string;
  fallbacks: string;
  unpriced: string;
  estimated: string;
}

export const SUMS = `coalesce(sum(requests), 0)::text AS operations,
  coalesce(sum(requests) FILTER (WHERE key_source = 'own'), 0)::text AS own_operations,
  coalesce(sum(errors), 0)::text AS errors, coalesce(sum(input_tokens), 0)::text AS input_tokens,
  coalesce(sum(cached_tokens), 0)::text AS cached_tokens, coalesce(sum(output_tokens), 0)::text AS output_tokens,
  coalesce(sum(cost_nano_usd), 0)::text AS cost, coalesce(sum(fallbacks), 0)::text AS fallbacks,
  coalesce(sum(unpriced), 0)::text AS unpriced, coalesce(sum(estimated), 0)::text AS estimated`;
