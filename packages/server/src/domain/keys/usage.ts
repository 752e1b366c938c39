import type { KeyUsage } from '@ownkey/contract/api/keys';
import { formatUsd } from '@ownkey/contract/money';
import { first, type Sql } from '../../storage/database.ts';

interface Sums {
  requests: string;
  errors: string;
  input_tokens: string;
  cached_tokens: string;
  output_tokens: string;
  cost: string;
  unpriced: string;
}

const SUMS = `coalesce(sum(requests), 0)::text AS requests, coalesce(sum(errors), 0)::text AS errors,
  coalesce(sum(input_tokens), 0)::text AS input_tokens, coalesce(sum(cached_tokens), 0)::text AS cached_tokens,
  coalesce(sum(output_tokens), 0)::text AS output_tokens, coalesce(sum(cost_nano_usd), 0)::text AS cost,
  coalesce(sum(unpriced), 0)::text AS unpriced`;
const RANGE = `key_id = $1 AND company_id = $2
  AND hour >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - make_interval(days => $3)`;

/** What ran on a key in the last days (UTC, today included), from the hourly sums. Days without a request are left out. */
export async function readKeyUsage(
  sql: Sql,
  companyId: string,
  keyId: string,
  range: '7d' | '30d' | '90d',
): Promise<KeyUsage> {
  const values = [keyId, companyId, Number(range.slice(0, -1)) - 1];
  const days = await sql.rows<Sums & { day: string }>(
    `SELECT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, ${SUMS} FROM usage_hourly WHERE ${RANGE}
     GROUP BY 1 ORDER BY 1`,
    values,
  );
  const total = await first<Sums>(sql, `SELECT ${SUMS} FROM usage_hourly WHERE ${RANGE}`, values);
  const operations = await sql.rows<{ operation: string; requests: string }>(
    `SELECT operation, sum(requests)::text AS requests FROM usage_hourly WHERE ${RANGE} AND operation <> ''
     GROUP BY 1 ORDER BY sum(requests) DESC, 1 LIMIT 50`,
    values,
  );
  return {
    range,
    days: days.map((row) => ({ day: row.day, ...toSums(row) })),
    total: toSums(total ?? NOTHING),
    operations: operations.map(({ operation, requests }) => ({ operation, requests: Number(requests) })),
  };
}

/** Requests on this key that have not ended yet. Index: requests_by_key. */
export async function countRunning(sql: Sql, keyId: string): Promise<{ requests: number; streams: number }> {
  const row = await first<{ requests: number; streams: number }>(
    sql,
    `SELECT count(*)::int AS requests, count(*) FILTER (WHERE r.streaming)::int AS streams
     FROM reservations v JOIN requests r ON r.day = v.day AND r.id = v.id WHERE r.key_id = $1 AND r.state = 'reserved'`,
    [keyId],
  );
  return row ?? { requests: 0, streams: 0 };
}

const NOTHING: Sums = {
  requests: '0',
  errors: '0',
  input_tokens: '0',
  cached_tokens: '0',
  output_tokens: '0',
  cost: '0',
  unpriced: '0',
};

function toSums(row: Sums) {
  return {
    requests: Number(row.requests),
    errors: Number(row.errors),
    input_tokens: Number(row.input_tokens),
    cached_tokens: Number(row.cached_tokens),
    output_tokens: Number(row.output_tokens),
    cost_usd: formatUsd(BigInt(row.cost)),
    unpriced: Number(row.unpriced),
  };
}
