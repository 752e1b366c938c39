import { usageRow } from '@ownkey/contract/api/usage';
import type { INSIGHT_ROUTES } from '@ownkey/contract/routes/insight';
import { readSpan, readUsage } from '../../domain/usage/usage.ts';
import { readUsageFilter } from '../../domain/usage/usage-filter.ts';
import { readUsageRows } from '../../domain/usage/usage-rows.ts';
import { fileHeaders, writeCsv } from '../csv.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

const COLUMNS = ['day', 'provider', 'model', 'operation', 'user', 'key_source'] as const;
const SUM_COLUMNS = usageRow.keyof().options.filter((name) => !COLUMNS.some((column) => column === name));

/** What AI did in one company. */
export function insightHandlers({ database, catalogue }: Parts): HandlersOf<keyof typeof INSIGHT_ROUTES> {
  const nameOf = (slug: string): string => catalogue.entries.get(slug)?.name ?? slug;
  return {
    getUsage: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const filter = await readUsageFilter(sql, caller, query);
        return { status: 200, body: await readUsage(sql, filter, query.range, nameOf) };
      }),
    exportUsageCsv: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const filter = await readUsageFilter(sql, caller, query);
        const { from, to } = await readSpan(sql, filter.days);
        const rows = await readUsageRows(sql, filter);
        return {
          status: 200,
          body: writeCsv([...COLUMNS, ...SUM_COLUMNS], rows),
          headers: fileHeaders(`usage-${from}-to-${to}.csv`, 'text/csv; charset=utf-8'),
        };
      }),
    exportUsageJson: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const filter = await readUsageFilter(sql, caller, query);
        const span = await readSpan(sql, filter.days);
        return {
          status: 200,
          body: { range: query.range, ...span, data: await readUsageRows(sql, filter) },
          headers: fileHeaders(`usage-${span.from}-to-${span.to}.json`, 'application/json; charset=utf-8'),
        };
      }),
  };
}
