import type {
  Key,
  KeyImpact,
  KeyPatchBody,
  KeyTested,
  KeyUsage,
  PlatformKeyPatchBody,
} from '@ownkey/contract/api/keys';
import type { Provider, ProviderList, Source } from '@ownkey/contract/api/providers';
import type { Answer } from '@ownkey/sdk/client';
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';

type List<T> = { data: T[]; next_cursor: string | null };

/** Answers of key calls are kept under `keys`, so one invalidation refreshes everything a change may touch. */
const KEYS = 'keys';
/** Notices follow what keys do. */
export const NOTICES = 'notices';

/** Shared keys have routes of their own. */
export const keyRoute = (key: Pick<Key, 'id' | 'scope'>): string =>
  `${key.scope === 'platform' ? '/api/operator/platform-keys' : '/api/keys'}/${encodeURIComponent(key.id)}`;

export const keysQuery = queryOptions({
  queryKey: [KEYS, 'list'],
  queryFn: async ({ signal }) => {
    const found: Key[] = [];
    let cursor: string | null = null;
    do {
      const page: List<Key> = (await api.call<List<Key>>('GET', '/api/keys', { signal, query: { cursor, limit: 500 } }))
        .data;
      found.push(...page.data);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return found;
  },
});

export const providersQuery = queryOptions({
  queryKey: [KEYS, 'providers'],
  queryFn: async ({ signal }) => (await api.call<ProviderList>('GET', '/api/providers', { signal })).data,
});

export const keyQuery = (id: string) =>
  queryOptions({
    queryKey: [KEYS, 'one', id],
    queryFn: async ({ signal }) => (await api.call<Key>('GET', `/api/keys/${encodeURIComponent(id)}`, { signal })).data,
  });

export const keyUsageQuery = (id: string) =>
  queryOptions({
    queryKey: [KEYS, 'usage', id],
    queryFn: async ({ signal }) =>
      (
        await api.call<KeyUsage>('GET', `/api/keys/${encodeURIComponent(id)}/usage`, {
          signal,
          query: { range: '30d' },
        })
      ).data,
  });

export const keyImpactQuery = (id: string) =>
  queryOptions({
    queryKey: [KEYS, 'impact', id],
    queryFn: async ({ signal }) =>
      (await api.call<KeyImpact>('GET', `/api/keys/${encodeURIComponent(id)}/impact`, { signal })).data,
    staleTime: 0,
  });

/** Refreshes keys, providers and what hangs on them after a change. */
export function useRefreshKeys(): () => void {
  const queries = useQueryClient();
  return () => {
    void queries.invalidateQueries({ queryKey: [KEYS] });
    void queries.invalidateQueries({ queryKey: [NOTICES] });
    void queries.invalidateQueries({ queryKey: ['audit'] });
  };
}

export function useTestKey() {
  const refresh = useRefreshKeys();
  return useMutation<KeyTested, unknown, Key>({
    // Loaded when it is needed: the first room does not carry the sealing code.
    mutationFn: async (key) => (await import('@ownkey/sdk/sealed-keys')).testKey(api, key),
    onSettled: refresh,
  });
}

export function useChangeKey() {
  const refresh = useRefreshKeys();
  return useMutation<Key, unknown, { key: Key; change: KeyPatchBody | PlatformKeyPatchBody }>({
    mutationFn: async ({ key, change }) =>
      (await api.call<Key>('PATCH', keyRoute(key), { body: change, ifMatch: key.etag })).data,
    onSettled: refresh,
  });
}

export interface SourceChange {
  provider: Provider;
  source?: 'own' | 'platform';
  onFailure?: 'stop' | 'platform';
}

/** Whose key pays. The list shows the choice at once and takes it back when the API refuses. */
export function useChangeSource() {
  const queries = useQueryClient();
  const refresh = useRefreshKeys();
  return useMutation<Answer<Source>, unknown, SourceChange, ProviderList | undefined>({
    mutationFn: ({ provider, source, onFailure }) =>
      api.call<Source>('PUT', `/api/providers/${encodeURIComponent(provider.id)}/source`, {
        body: {
          source: source ?? provider.source.source,
          ...(onFailure === undefined ? {} : { on_failure: onFailure }),
        },
        // The newest state this page has seen: an Undo follows its own change.
        ifMatch: sourceEtag(queries.getQueryData(providersQuery.queryKey), provider),
      }),
    onMutate: async ({ provider, source, onFailure }) => {
      await queries.cancelQueries({ queryKey: providersQuery.queryKey });
      const before = queries.getQueryData(providersQuery.queryKey);
      queries.setQueryData(providersQuery.queryKey, (list) =>
        list === undefined
          ? list
          : {
              ...list,
              data: list.data.map((entry) => (entry.id === provider.id ? withSource(entry, source, onFailure) : entry)),
            },
      );
      return before;
    },
    onSuccess: (answer, { provider }) => {
      queries.setQueryData(providersQuery.queryKey, (list) =>
        list === undefined
          ? list
          : {
              ...list,
              data: list.data.map((entry) => (entry.id === provider.id ? { ...entry, source: answer.data } : entry)),
            },
      );
    },
    onError: (_error, _change, before) => {
      if (before !== undefined) queries.setQueryData(providersQuery.queryKey, before);
    },
    onSettled: refresh,
  });
}

function sourceEtag(list: ProviderList | undefined, provider: Provider): string {
  return (list?.data.find((entry) => entry.id === provider.id) ?? provider).source.etag;
}

function withSource(provider: Provider, source?: 'own' | 'platform', onFailure?: 'stop' | 'platform'): Provider {
  const chosen = source ?? provider.source.source;
  return {
    ...provider,
    payer: source === undefined ? provider.payer : chosen === 'platform' && !provider.platform_key ? null : chosen,
    source: { ...provider.source, source: chosen, on_failure: onFailure ?? provider.source.on_failure },
  };
}

export function useRemoveKey() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (key: Key) =>
      (
        await api.call<{ removed_at: string; next_payer: KeyImpact['next_payer'] }>(
          'DELETE',
          `/api/keys/${encodeURIComponent(key.id)}`,
          { ifMatch: key.etag },
        )
      ).data,
    // The key itself is gone: what still shows it must not ask for it again.
    onSuccess: (_answer, key) =>
      queries.invalidateQueries({
        predicate: ({ queryKey }) =>
          (queryKey[0] === KEYS || queryKey[0] === NOTICES || queryKey[0] === 'audit') && queryKey[2] !== key.id,
      }),
  });
}
