import type { AuditVerified, auditEntry } from '@ownkey/contract/api/audit';
import type { AuditLine } from '@ownkey/contract/audit';
import { ConnectionError, toApiError } from '@ownkey/sdk/api-error';
import { infiniteQueryOptions, queryOptions, useMutation } from '@tanstack/react-query';
import { api } from './browser-client.ts';

type List<T> = { data: T[]; next_cursor: string | null };
/** One call or event with its entries of the append-only record. */
export type AuditEntry = (typeof auditEntry)['_output'];
export type AuditFilters = Readonly<Record<string, string | undefined>>;

/** Pages of 100, the newest first. Loaded pages stay as they are; new entries are counted by `newestQuery`. */
export const auditQuery = (filters: AuditFilters) =>
  infiniteQueryOptions({
    queryKey: ['audit', 'list', filters],
    queryFn: async ({ signal, pageParam }) =>
      (
        await api.call<List<AuditLine>>('GET', '/api/audit', {
          signal,
          query: { ...filters, limit: 100, cursor: pageParam },
        })
      ).data,
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: false,
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
  });

/** The newest page alone, looked at every 30 s, to say how many entries wait. */
export const newestQuery = (filters: AuditFilters) =>
  queryOptions({
    queryKey: ['audit', 'newest', filters],
    queryFn: async ({ signal }) =>
      (await api.call<List<AuditLine>>('GET', '/api/audit', { signal, query: { ...filters, limit: 100 } })).data.data,
    staleTime: 0,
  });

export const entryQuery = (id: string) =>
  queryOptions({
    queryKey: ['audit', 'entry', id],
    queryFn: async ({ signal }) =>
      (await api.call<AuditEntry>('GET', `/api/audit/${encodeURIComponent(id)}`, { signal })).data,
  });

export const keyHistoryQuery = (keyId: string) =>
  queryOptions({
    queryKey: ['audit', 'key', keyId],
    queryFn: async ({ signal }) =>
      (await api.call<List<AuditLine>>('GET', '/api/audit', { signal, query: { key_id: keyId, limit: 20 } })).data.data,
  });

/** The lines that the filters leave as a file, which the browser keeps. A refusal is an error here, not a file. */
export function useExportAudit() {
  return useMutation({
    mutationFn: async ({ filters, form }: { filters: AuditFilters; form: 'csv' | 'json' }) => {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(filters)) if (value) query.set(name, value);
      const response = await fetch(`/api/audit.${form}?${query}`).catch((cause: unknown) => {
        throw new ConnectionError('No answer from Ownkey.', { cause });
      });
      if (!response.ok) {
        const problem: unknown = await response.json().catch(() => null);
        throw toApiError(response.status, problem, response.headers.get('x-ownkey-request-id'));
      }
      saveFile(await response.blob(), `audit.${form}`);
    },
  });
}

function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

export function useVerifyAudit() {
  return useMutation({
    mutationFn: async () => (await api.call<AuditVerified>('POST', '/api/audit/verify', { body: {} })).data,
  });
}
