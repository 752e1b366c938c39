import type { FallbackReason, NoticeResolution } from '@ownkey/contract/fallback';
import type { KeyStatus, StatusDetail } from '@ownkey/contract/key';
import { first, type Sql } from '../../storage/database.ts';

export interface NoticeRow {
  id: string;
  company_id: string;
  kind: 'key' | 'fallback';
  key_id: string;
  slug: string;
  last4: string | null;
  user_id: string | null;
  reason: KeyStatus | FallbackReason;
  detail: StatusDetail | null;
  started_at: Date;
  ended_at: Date | null;
  resolution: NoticeResolution | null;
  dismissed_by: string[];
}

export const NOTICE_COLUMNS = `n.id, n.company_id, n.kind, n.key_id, n.slug, n.last4, n.user_id, n.reason, n.detail, n.started_at,
  n.ended_at, n.resolution, n.dismissed_by`;

/**
 * A key's limit or silence is worth a word once it lasts a quarter of an hour: most pass by themselves. That another account pays is
 * told at once.
 */
export const IS_WORTH_TELLING = `(n.kind = 'fallback' OR n.reason NOT IN ('unreachable', 'rate_limited')
  OR coalesce(n.ended_at, now()) >= n.started_at + interval '15 minutes')`;

/** Whose notices a caller sees: the company's, and those of their own personal keys. Nobody else's, of whatever role. */
export interface NoticeScope {
  readonly companyId: string;
  readonly userId: string | null;
}

const VISIBLE = 'n.company_id = $1 AND (n.user_id IS NULL OR n.user_id = $2)';

/** The open ones first, then the newest, at most `limit`. Index: notices_by_company. */
export function listNotices(
  sql: Sql,
  scope: NoticeScope,
  state: 'open' | 'ended' | 'all',
  after: { open: boolean; id: string } | null,
  limit: number,
): Promise<NoticeRow[]> {
  return sql.rows(
    `SELECT ${NOTICE_COLUMNS} FROM notices n
     WHERE ${VISIBLE} AND ${IS_WORTH_TELLING} AND ($3 = 'all' OR (n.ended_at IS NULL) = ($3 = 'open'))
       AND ($4::boolean IS NULL OR ((n.ended_at IS NULL), n.id) < ($4, $5))
     ORDER BY (n.ended_at IS NULL) DESC, n.id DESC LIMIT $6`,
    [scope.companyId, scope.userId, state, after?.open ?? null, after?.id ?? null, limit],
  );
}

/** Returns whether there is such a notice for this caller. Twice is once. */
export async function dismissNotice(sql: Sql, scope: NoticeScope, id: string, by: string): Promise<boolean> {
  const row = await first(
    sql,
    `UPDATE notices n SET dismissed_by = array_append(array_remove(n.dismissed_by, $4), $4)
     WHERE ${VISIBLE} AND n.id = $3 RETURNING n.id`,
    [scope.companyId, scope.userId, id, by],
  );
  return row !== null;
}

export interface Answered {
  readonly calls: number;
  readonly costNanoUsd: bigint;
}

/** Calls that the shared key answered for the key while the notice stood, and what they cost. Index: requests_fallbacks. */
export async function countAnswered(sql: Sql, row: NoticeRow): Promise<Answered> {
  const found = await first<{ calls: number; cost: string }>(
    sql,
    `SELECT count(*)::int AS calls, coalesce(sum(cost_nano_usd), 0)::text AS cost FROM requests
     WHERE company_id = $1 AND fallback_for = $2 AND fallback_for IS NOT NULL
       AND created_at >= $3 AND created_at <= coalesce($4::timestamptz, 'infinity') AND http_status < 400`,
    // The first call is written in the transaction that opens the notice: a moment before it, by its own clock.
    [row.company_id, row.key_id, new Date(row.started_at.getTime() - SAME_MOMENT_MS), row.ended_at],
  );
  return { calls: found?.calls ?? 0, costNanoUsd: BigInt(found?.cost ?? 0) };
}

const SAME_MOMENT_MS = 1000;

/**
 * Calls that failed on the key since: of the first hour by their rows, afterwards by the hourly sums, so that it costs the same however
 * long a key fails. Indexes: requests_by_company, the key of usage_hourly.
 */
export async function countRefused(sql: Sql, row: NoticeRow): Promise<number> {
  const found = await first<{ n: number }>(
    sql,
    `WITH bound AS (SELECT date_trunc('hour', $3::timestamptz) + interval '1 hour' AS at)
     SELECT ((SELECT count(*) FROM requests r, bound WHERE r.company_id = $1 AND r.key_id = $2 AND r.kind = 'call' AND r.created_at >= $3
         AND r.created_at < bound.at AND r.created_at <= coalesce($4::timestamptz, 'infinity') AND r.http_status >= 400)
       + (SELECT coalesce(sum(u.errors), 0) FROM usage_hourly u, bound WHERE u.company_id = $1 AND u.key_id = $2
         AND u.hour >= bound.at AND u.hour <= coalesce($4::timestamptz, 'infinity')))::int AS n`,
    [row.company_id, row.key_id, new Date(row.started_at.getTime() - SAME_MOMENT_MS), row.ended_at],
  );
  return found?.n ?? 0;
}
