import type { AuditFilters } from '../../api/audit.ts';
import type { Zone } from '../../format/time.ts';
import type { SearchValues } from '../../paths.ts';

export const KINDS = ['call', 'probe', 'key', 'source', 'settings', 'token', 'signed_in'] as const;
export const PAYERS = ['own', 'platform', 'fallback'] as const;
export const STATUSES = ['ok', 'failed', 'running'] as const;

/** Filters that take one of a few values; the rest are free texts. */
const CHOICES = { kind: KINDS, payer: PAYERS, status: STATUSES } as const;
const TEXTS = { q: 200, provider: 64, key: 64, actor: 200 } as const;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Search values of the room; what is not set is not there. */
export interface AuditSearch {
  kind?: string | undefined;
  payer?: string | undefined;
  status?: string | undefined;
  provider?: string | undefined;
  key?: string | undefined;
  actor?: string | undefined;
  q?: string | undefined;
  /** UTC days, both included. */
  from?: string | undefined;
  to?: string | undefined;
  tz?: Zone | undefined;
}

/** Reads the address; junk is dropped without an error. */
export function parseAuditSearch(raw: Readonly<Record<string, unknown>>): AuditSearch {
  const search: Record<string, string> = {};
  for (const [name, values] of Object.entries(CHOICES)) {
    const found = values.find((value: string) => value === raw[name]);
    if (found !== undefined) search[name] = found;
  }
  for (const [name, length] of Object.entries(TEXTS)) {
    const value = raw[name];
    if (typeof value === 'string' && value !== '') search[name] = value.slice(0, length);
  }
  for (const name of ['from', 'to']) {
    const value = raw[name];
    if (typeof value === 'string' && DAY.test(value) && !Number.isNaN(Date.parse(value))) search[name] = value;
  }
  return { ...search, ...(raw.tz === 'utc' ? { tz: 'utc' as const } : {}) };
}

/** Back to the address. */
export function auditSearchValues(search: AuditSearch): SearchValues {
  return { ...search };
}

/** What the API is asked; the last day is included whole. */
export function auditFilters(search: AuditSearch): AuditFilters {
  const { tz: _tz, key, to, ...rest } = search;
  return { ...rest, key_id: key, to: to === undefined ? undefined : dayAfter(to) };
}

function dayAfter(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
}

/** Whether anything is filtered (the zone is not a filter). */
export function isFiltered(search: AuditSearch): boolean {
  return Object.entries(search).some(([name, value]) => name !== 'tz' && value !== undefined);
}
