import type { sessionList } from '@ownkey/contract/api/auth';
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';

export type OwnSession = (typeof sessionList)['_output']['data'][number];

export const sessionsQuery = queryOptions({
  queryKey: ['own-sessions'],
  queryFn: async ({ signal }) =>
    (await api.call<{ data: OwnSession[] }>('GET', '/api/auth/sessions', { signal })).data.data,
});

/** Ends one of the own sessions; null: all but this one. */
export function useEndSession() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string | null) =>
      api.call('DELETE', id === null ? '/api/auth/sessions' : `/api/auth/sessions/${encodeURIComponent(id)}`),
    onSuccess: () => void queries.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  });
}
