import type { UsageRow } from '@ownkey/contract/api/usage';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { Sql } from '../../storage/database.ts';
import { toSums } from './usage.ts';
import { SUMS, type SumsRow, type UsageFilter, usageValues, usageWhere } from './usage-filter.ts';

/** Most lines of one export: what fits into memory and into a spreadsheet. */
const ROWS_MAX = 100_000;

/** Every line of the range, by day and then by name. @throws OwnkeyError request.invalid when there are too many for one file */
export async function readUsageRows(sql: Sql, filter: UsageFilter): Promise<UsageRow[]> {
  const rows = await sql.rows<
    SumsRow & {
      day: string;
      slug: string;
      model: string;
      operation: string;
      user_id: string;
      key_source: 'own' | 'platform';
    }
  >(
    `SELECT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, slug, model, operation, user_id, key_source, ${SUMS}
     FROM usage_hourly WHERE ${usageWhere(0)} GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6 LIMIT ${ROWS_MAX + 1}`,
    usageValues(filter),
  );
  if (rows.length > ROWS_MAX) {
    const problem = `more than ${ROWS_MAX} lines: choose a shorter range, a provider, an operation or a person.`;
    throw new OwnkeyError('request.invalid', { problem, param: 'range' });
  }
  return rows.map((row) => ({
    day: row.day,
    provider: row.slug,
    model: row.model,
    operation: row.operation,
    user: row.user_id,
    key_source: row.key_source,
    ...toSums(row),
    fallbacks: Number(row.fallbacks),
    unpriced: Number(row.unpriced),
    estimated: Number(row.estimated),
  }));
}
