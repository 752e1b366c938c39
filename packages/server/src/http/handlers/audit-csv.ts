import { auditLine } from '@ownkey/contract/api/audit';
import type { ExportedLine } from '../../domain/audit/export.ts';
import { writeCsv } from '../csv.ts';

/** Lines of the audit as CSV: the members of the JSON in their order; facts of an event are JSON in one cell. */
export function auditCsv(lines: readonly ExportedLine[]): string {
  return writeCsv(
    auditLine.keyof().options,
    lines.map((line) => ({
      ...line,
      sealed: String(line.sealed),
      detail: line.detail === null ? null : JSON.stringify(line.detail),
    })),
  );
}
