/** The report: one CSV line a row of the export, in its order, never with more of a key than Ownkey shows of it anyway. */
import type { Scrubber } from '@ownkey/guard/scrub';
import type { RowFaultCode } from './faults.ts';

export type RowResult = 'stored' | 'would_store' | 'already_there' | 'skipped';

export interface ReportLine {
  readonly line: number;
  /** As the export gives them. */
  readonly id: string;
  readonly company: string;
  readonly provider: string;
  readonly keyId: string | null;
  readonly last4: string | null;
  readonly result: RowResult;
  readonly code: RowFaultCode | null;
  readonly reason: string;
}

export type Totals = Record<RowResult, number>;

export const REPORT_HEADER = 'line,id,company,provider,key_id,last4,result,code,reason\n';
const SHOWN_CHARACTERS_MAX = 64;

/** The line as text. What comes from the export is scrubbed and cut: a key may stand in the wrong column. */
export function writeReportLine(line: ReportLine, scrubber: Scrubber): string {
  const given = [line.id, line.company, line.provider].map((text) =>
    scrubber.scrubText(text).slice(0, SHOWN_CHARACTERS_MAX),
  );
  const told = [line.keyId ?? '', line.last4 ?? '', line.result, line.code ?? '', line.reason];
  return `${[String(line.line), ...given, ...told].map(csvField).join(',')}\n`;
}

/** A spreadsheet would run what begins like a formula. */
function csvField(text: string): string {
  const safe = /^[=+@\t-]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function noTotals(): Totals {
  return { stored: 0, would_store: 0, already_there: 0, skipped: 0 };
}

/** What a run came to, for people. */
export function summaryOf(totals: Totals, dryRun: boolean): string {
  const { stored, would_store, already_there, skipped } = totals;
  const rest = `${already_there} already there, ${skipped} skipped`;
  return dryRun
    ? `Dry run, nothing was written: ${would_store} would be stored, ${rest}.`
    : `${stored} stored, ${rest}.`;
}
