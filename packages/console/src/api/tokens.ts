import type { Token, TokenCreated, tokenBody } from '@ownkey/contract/api/tokens';
import { infiniteQueryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';

export type TokenBody = (typeof tokenBody)['_input'];
const TOKENS = 'tokens';

/** Tokens, the oldest first; members get their own. */
export const tokenListQuery = infiniteQueryOptions({
  queryKey: [TOKENS, 'list'],
  queryFn: async ({ signal, pageParam }) =>
    (
      await api.call<{ data: Token[]; next_cursor: string | null }>('GET', '/api/tokens', {
        signal,
        query: { limit: 100, cursor: pageParam },
      })
    ).data,
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
});

/** Creates a token. Its answer is the only copy: it is forgotten as soon as nothing shows it. */
export function useCreateToken() {
  const queries = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: async (body: TokenBody) => (await api.call<TokenCreated>('POST', '/api/tokens', { body })).data,
    onSuccess: () => void queries.invalidateQueries({ queryKey: [TOKENS] }),
  });
}

export function useRevokeToken() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id }: Token) => api.call('DELETE', `/api/tokens/${encodeURIComponent(id)}`),
    onSuccess: () => void queries.invalidateQueries({ queryKey: [TOKENS] }),
  });
}
