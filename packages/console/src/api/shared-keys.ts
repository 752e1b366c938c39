import type { Key, PlatformKeyImpact } from '@ownkey/contract/api/keys';
import type { ProviderList } from '@ownkey/contract/api/providers';
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';
import { keyRoute } from './keys.ts';

type List = { data: Key[]; next_cursor: string | null };

/** Under `keys` as those of a company are: one invalidation refreshes everything a change may touch. */
const SHARED = ['keys', 'shared'] as const;

export const sharedKeysQuery = queryOptions({
  queryKey: [...SHARED, 'list'],
  queryFn: async ({ signal }) => {
    const found: Key[] = [];
    let cursor: string | null = null;
    do {
      const query = { cursor, limit: 500 };
      const page: List = (await api.call<List>('GET', '/api/operator/platform-keys', { signal, query })).data;
      found.push(...page.data);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return found;
  },
});

export const sharedProvidersQuery = queryOptions({
  queryKey: [...SHARED, 'providers'],
  queryFn: async ({ signal }) => (await api.call<ProviderList>('GET', '/api/operator/providers', { signal })).data,
});

export const sharedKeyQuery = (id: string) =>
  queryOptions({
    queryKey: [...SHARED, id],
    queryFn: async ({ signal }) => (await api.call<Key>('GET', keyRoute({ id, scope: 'platform' }), { signal })).data,
  });

export const sharedImpactQuery = (id: string) =>
  queryOptions({
    queryKey: [...SHARED, id, 'impact'],
    queryFn: async ({ signal }) =>
      (await api.call<PlatformKeyImpact>('GET', `${keyRoute({ id, scope: 'platform' })}/impact`, { signal })).data,
    staleTime: 0,
  });

export function useRemoveSharedKey() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (key: Key) => api.call('DELETE', keyRoute(key), { ifMatch: key.etag }),
    // The key itself is gone: what still shows it must not ask for it again.
    onSuccess: (_answer, key) =>
      void queries.invalidateQueries({
        predicate: ({ queryKey }) => queryKey[0] === SHARED[0] && !queryKey.includes(key.id),
      }),
  });
}
