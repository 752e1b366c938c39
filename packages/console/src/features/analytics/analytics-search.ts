import type { UsageReport } from '@ownkey/contract/api/usage';
import { USAGE_DIMENSIONS, USAGE_RANGES, type UsageDimension } from '@ownkey/contract/usage-report';
import type { UsageFilters } from '../../api/usage.ts';
import type { SearchValues } from '../../paths.ts';

export const MEASURES = ['operations', 'cost', 'tokens'] as const;
export type Measure = (typeof MEASURES)[number];

/** Search values of the room; what equals its default is not there. */
export interface AnalyticsSearch {
  range?: UsageReport['range'] | undefined;
  provider?: string | undefined;
  operation?: string | undefined;
  user?: string | undefined;
  measure?: Measure | undefined;
  by?: UsageDimension | undefined;
  view?: 'table' | undefined;
}

const DEFAULTS = { range: '30d', measure: 'operations', by: 'provider' } as const;
const CHOICES = { range: USAGE_RANGES, measure: MEASURES, by: USAGE_DIMENSIONS, view: ['table'] } as const;
const TEXTS = { provider: 64, operation: 128, user: 200 } as const;

/** Reads the address; junk and defaults are dropped without an error. */
export function parseAnalyticsSearch(raw: Readonly<Record<string, unknown>>): AnalyticsSearch {
  const search: Record<string, string> = {};
  const defaults: Readonly<Record<string, string>> = DEFAULTS;
  for (const [name, values] of Object.entries(CHOICES)) {
    const found = values.find((value: string) => value === raw[name]);
    if (found !== undefined && found !== defaults[name]) search[name] = found;
  }
  for (const [name, length] of Object.entries(TEXTS)) {
    const value = raw[name];
    if (typeof value === 'string' && value !== '') search[name] = value.slice(0, length);
  }
  return search;
}

export function analyticsSearchValues(search: AnalyticsSearch): SearchValues {
  return { ...parseAnalyticsSearch({ ...search }) };
}

/** What the API is asked. */
export function usageFilters({ range, provider, operation, user }: AnalyticsSearch): UsageFilters {
  return { range: range ?? DEFAULTS.range, provider, operation, user };
}

export function isNarrowed({ provider, operation, user }: AnalyticsSearch): boolean {
  return provider !== undefined || operation !== undefined || user !== undefined;
}
