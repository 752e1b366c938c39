import type { UsageReport } from '@ownkey/contract/api/usage';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from './browser-client.ts';

/** What the report is about: the room's address without how it is shown. */
export interface UsageFilters {
  readonly range: UsageReport['range'];
  readonly provider?: string | undefined;
  readonly operation?: string | undefined;
  readonly user?: string | undefined;
}

/** What AI did in the range; while another range loads, the one before stays. */
export const usageQuery = (filters: UsageFilters) =>
  queryOptions({
    queryKey: ['usage', filters],
    queryFn: async ({ signal }) =>
      (await api.call<UsageReport>('GET', '/api/usage', { signal, query: { ...filters } })).data,
    placeholderData: keepPreviousData,
  });

/** Address of the same report as a file. */
export function usageFile(filters: UsageFilters, form: 'csv' | 'json'): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, value);
  return `/api/usage.${form}?${query}`;
}
