import type { UsagePart, UsageQuery, UsageReport, UsageSums, UsageTotal } from '@ownkey/contract/api/usage';
import { formatUsd } from '@ownkey/contract/money';
import { USAGE_DIMENSIONS, type UsageDimension } from '@ownkey/contract/usage-report';
import { first, type Sql } from '../../storage/database.ts';
import { SUMS, type SumsRow, type UsageFilter, usageValues, usageWhere } from './usage-filter.ts';

/** Entries of a list; how many more there are is said beside it. */
const PARTS_MAX = 100;

/** What a list is made by. A model is named by its provider, too: the same name at two providers is two models. */
const COLUMN: Readonly<Record<UsageDimension, string>> = {
  provider: 'slug',
  operation: 'operation',
  model: "slug || '/' || model",
  user: 'user_id',
};

const NO_SUMS: SumsRow = {
  operations: '0',
  own_operations: '0',
  errors: '0',
  input_tokens: '0',
  cached_tokens: '0',
  output_tokens: '0',
  cost: '0',
  fallbacks: '0',
  unpriced: '0',
  estimated: '0',
};

/** The report, from the hourly sums alone. `nameOf`: of a provider, for people. */
export async function readUsage(
  sql: Sql,
  filter: UsageFilter,
  range: UsageQuery['range'],
  nameOf: (slug: string) => string,
): Promise<UsageReport> {
  const values = usageValues(filter);
  const span = await readSpan(sql, filter.days);
  const total = await first<SumsRow>(sql, `SELECT ${SUMS} FROM usage_hourly WHERE ${usageWhere(0)}`, values);
  const before = await first<SumsRow>(sql, `SELECT ${SUMS} FROM usage_hourly WHERE ${usageWhere(1)}`, values);
  const report: UsageReport = {
    range,
    ...span,
    total: toTotal(total ?? NO_SUMS),
    before: before === null || before.operations === '0' ? null : toTotal(before),
    days: await readDays(sql, filter, span.from),
    by: { provider: [], operation: [], model: [], user: [] },
    more: { provider: 0, operation: 0, model: 0, user: 0 },
  };
  for (const dimension of USAGE_DIMENSIONS) {
    const { parts, more } = await readParts(sql, filter, dimension, nameOf);
    report.by[dimension] = parts;
    report.more[dimension] = more;
  }
  return report;
}

/** First and last UTC day, by the ledger's clock. */
export async function readSpan(sql: Sql, days: number): Promise<{ from: string; to: string }> {
  const row = await first<{ from: string; to: string }>(
    sql,
    `SELECT to_char(today - ($1::int - 1), 'YYYY-MM-DD') AS from, to_char(today, 'YYYY-MM-DD') AS to
     FROM (SELECT (ledger_now() AT TIME ZONE 'UTC')::date AS today) d`,
    [days],
  );
  if (row === null) throw new Error('the database has no clock');
  return row;
}

async function readDays(sql: Sql, filter: UsageFilter, from: string): Promise<UsageReport['days']> {
  const rows = await sql.rows<SumsRow & { day: string; key_source: 'own' | 'platform' }>(
    `SELECT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, key_source, ${SUMS} FROM usage_hourly
     WHERE ${usageWhere(0)} GROUP BY 1, 2`,
    usageValues(filter),
  );
  const found = new Map(rows.map((row) => [`${row.day} ${row.key_source}`, row]));
  return Array.from({ length: filter.days }, (_, index) => {
    const day = new Date(Date.parse(`${from}T00:00:00Z`) + index * 86_400_000).toISOString().slice(0, 10);
    return {
      day,
      own: toSums(found.get(`${day} own`) ?? NO_SUMS),
      platform: toSums(found.get(`${day} platform`) ?? NO_SUMS),
    };
  });
}

async function readParts(
  sql: Sql,
  filter: UsageFilter,
  dimension: UsageDimension,
  nameOf: (slug: string) => string,
): Promise<{ parts: UsagePart[]; more: number }> {
  const rows = await sql.rows<SumsRow & { id: string; count: string }>(
    `SELECT ${COLUMN[dimension]} AS id, count(*) OVER ()::text AS count, ${SUMS} FROM usage_hourly WHERE ${usageWhere(0)}
     GROUP BY 1 ORDER BY sum(requests) DESC, 1 LIMIT ${PARTS_MAX}`,
    usageValues(filter),
  );
  const people =
    dimension === 'user'
      ? await readPeople(
          sql,
          filter.companyId,
          rows.map(({ id }) => id),
        )
      : null;
  const name = (id: string): string | null => {
    if (id === '') return null;
    if (people !== null) return people.get(id) ?? null;
    return dimension === 'provider' ? nameOf(id) : id;
  };
  return {
    parts: rows.map((row) => ({ id: row.id, name: name(row.id), ...toTotal(row) })),
    more: Math.max(0, Number(rows[0]?.count ?? 0) - rows.length),
  };
}

async function readPeople(sql: Sql, companyId: string, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql.rows<{ id: string; name: string | null }>(
    'SELECT id, coalesce(name, email, external_id) AS name FROM users WHERE company_id = $1 AND id = ANY ($2)',
    [companyId, ids],
  );
  return new Map(rows.map(({ id, name }) => [id, name ?? id]));
}

export function toSums(row: SumsRow): UsageSums {
  return {
    operations: Number(row.operations),
    errors: Number(row.errors),
    input_tokens: Number(row.input_tokens),
    cached_tokens: Number(row.cached_tokens),
    output_tokens: Number(row.output_tokens),
    cost_usd: formatUsd(BigInt(row.cost)),
  };
}

function toTotal(row: SumsRow): UsageTotal {
  return {
    ...toSums(row),
    own_operations: Number(row.own_operations),
    fallbacks: Number(row.fallbacks),
    unpriced: Number(row.unpriced),
    estimated: Number(row.estimated),
  };
}
