import type { AuditExportQuery } from '@ownkey/contract/api/audit';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { Sql } from '../../storage/database.ts';
import { type AuditView, lineOf, listLines } from './list.ts';

/** Most lines of one export: what fits into memory, also a few times at once. */
export const EXPORT_LINES_MAX = 20_000;

export type ExportedLine = ReturnType<typeof lineOf>;

/** Every line the filters leave, the newest first, of one moment. @throws OwnkeyError request.invalid when there are too many for one file */
export async function exportLines(
  sql: Sql,
  view: AuditView,
  query: AuditExportQuery,
  linesMax = EXPORT_LINES_MAX,
): Promise<ExportedLine[]> {
  const rows = await listLines(sql, view, query, null, linesMax + 1);
  if (rows.length > linesMax) {
    const problem = `more than ${linesMax} lines: narrow from and to, or another filter, and export the parts one by one.`;
    throw new OwnkeyError('request.invalid', { problem, param: 'from' });
  }
  return rows.map(lineOf);
}
