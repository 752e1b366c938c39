import type { Health } from '@ownkey/contract/api/operator';
import type { Sql } from '../../storage/database.ts';

/** How far back requests count, and how many of one company at most: a busy one cannot make this slow. */
const WINDOW_S = 300;
const PER_COMPANY_MAX = 500;

interface Row {
  provider: string;
  own_requests: number;
  own_errors: number;
  shared_requests: number;
  shared_errors: number;
  p50: number | null;
  p95: number | null;
  own_failing: number;
  shared_failing: number;
  sampled: boolean;
}

/**
 * Providers with a request in the last minutes or a failing key. Requests have no index by time alone, so the newest of each company
 * are looked up (index: requests_by_company); the day keeps it to two partitions.
 */
export async function readProviders(
  sql: Sql,
  nameOf: (provider: string) => string,
): Promise<NonNullable<Health['providers']>> {
  const rows = await sql.rows<Row>(
    `WITH recent AS MATERIALIZED (
       SELECT r.*, count(*) OVER (PARTITION BY c.id) >= $2 AS cut FROM companies c CROSS JOIN LATERAL (
         SELECT provider, key_source, state, http_status, latency_ms FROM requests
         WHERE company_id = c.id AND created_at > now() - make_interval(secs => $1)
           AND day >= ((now() - make_interval(secs => $1)) AT TIME ZONE 'UTC')::date AND kind = 'call'
         ORDER BY created_at DESC LIMIT $2) r
       WHERE r.state IN ('settled', 'expired')
     ), judged AS (
       SELECT provider, key_source, latency_ms, state = 'expired' OR coalesce(http_status >= 400, false) AS failed FROM recent
     ), counted AS (
       SELECT provider, count(*) FILTER (WHERE key_source = 'own')::int AS own_requests,
         count(*) FILTER (WHERE key_source = 'own' AND failed)::int AS own_errors,
         count(*) FILTER (WHERE key_source = 'platform')::int AS shared_requests,
         count(*) FILTER (WHERE key_source = 'platform' AND failed)::int AS shared_errors,
         round(percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE NOT failed))::int AS p50,
         round(percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE NOT failed))::int AS p95
       FROM judged GROUP BY provider
     ), failing AS (
       SELECT provider, count(*) FILTER (WHERE owner <> 'platform')::int AS own_failing,
         count(*) FILTER (WHERE owner = 'platform')::int AS shared_failing
       FROM keys WHERE enabled AND status IN ('invalid', 'no_credit', 'undecryptable') GROUP BY provider
     )
     SELECT provider, coalesce(own_requests, 0) AS own_requests, coalesce(own_errors, 0) AS own_errors,
       coalesce(shared_requests, 0) AS shared_requests, coalesce(shared_errors, 0) AS shared_errors, p50, p95,
       coalesce(own_failing, 0) AS own_failing, coalesce(shared_failing, 0) AS shared_failing,
       (SELECT coalesce(bool_or(cut), false) FROM recent) AS sampled
     FROM counted FULL JOIN failing USING (provider)
     ORDER BY coalesce(own_requests, 0) + coalesce(shared_requests, 0) DESC, provider LIMIT 200`,
    [WINDOW_S, PER_COMPANY_MAX],
  );
  return {
    seconds: WINDOW_S,
    sampled: rows.some(({ sampled }) => sampled),
    data: rows.map((row) => ({
      provider: row.provider,
      name: nameOf(row.provider),
      own: { requests: row.own_requests, errors: row.own_errors },
      shared: { requests: row.shared_requests, errors: row.shared_errors },
      p50_ms: row.p50,
      p95_ms: row.p95,
      own_keys_failing: row.own_failing,
      shared_keys_failing: row.shared_failing,
    })),
  };
}
