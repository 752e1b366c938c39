import type { Member, Settings } from '@ownkey/contract/api/settings';
import { queryOptions } from '@tanstack/react-query';
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
