import type { Invitation } from '@ownkey/contract/api/invitations';
import type { Member, Settings } from '@ownkey/contract/api/settings';
import type { tokenList } from '@ownkey/contract/api/tokens';
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';

export const membersQuery = queryOptions({
  queryKey: ['members'],
  queryFn: async ({ signal }) =>
    (await api.call<{ data: Member[] }>('GET', '/api/members', { signal, query: { limit: 200 } })).data.data,
  staleTime: 300_000,
});

export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: async ({ signal }) => (await api.call<Settings>('GET', '/api/settings', { signal })).data,
});

const tokensQuery = queryOptions({
  queryKey: ['tokens', 'names'],
  queryFn: async ({ signal }) =>
    (await api.call<(typeof tokenList)['_output']>('GET', '/api/tokens', { signal, query: { limit: 500 } })).data.data,
  staleTime: 300_000,
});

/** Names of people and tokens by id; an id nobody knows (any more) stays as it is. */
export function useActorNames(): (id: string) => string {
  const members = useQuery(membersQuery);
  const tokens = useQuery(tokensQuery);
  const names = new Map<string, string>();
  for (const { id, name, email } of members.data ?? []) names.set(id, name ?? email ?? id);
  for (const { id, name } of tokens.data ?? []) names.set(id, name);
  return (id) => names.get(id) ?? id;
}

export const invitationsQuery = queryOptions({
  queryKey: ['members', 'invitations'],
  queryFn: async ({ signal }) =>
    (await api.call<{ data: Invitation[] }>('GET', '/api/invitations', { signal, query: { limit: 200 } })).data.data,
});

export function useInvite() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body: { email: string; role: Member['role']; name?: string }) =>
      (await api.call<Invitation>('POST', '/api/invitations', { body })).data,
    onSuccess: () => void queries.invalidateQueries({ queryKey: invitationsQuery.queryKey }),
  });
}

export function useWithdrawInvitation() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id }: Invitation) => api.call('DELETE', `/api/invitations/${encodeURIComponent(id)}`),
    onSuccess: () => void queries.invalidateQueries({ queryKey: invitationsQuery.queryKey }),
  });
}
