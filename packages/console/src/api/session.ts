import type { InstallationAnswer, SessionAnswer, SessionUser } from '@ownkey/contract/api/auth';
import { queryOptions, useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { api } from './browser-client.ts';
import { signedOut } from './signed-out.ts';

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }) => (await api.call<SessionAnswer>('GET', '/api/auth/session', { signal })).data,
  staleTime: 60_000,
  refetchInterval: false,
});

export const installationQuery = queryOptions({
  queryKey: ['installation'],
  queryFn: async ({ signal }) => (await api.call<InstallationAnswer>('GET', '/api/installation', { signal })).data,
  staleTime: Number.POSITIVE_INFINITY,
  refetchInterval: false,
});

/** The signed-in user. Only inside rooms, whose guard has read the session. @throws Error outside of them */
export function useUser(): SessionUser {
  const { data } = useSuspenseQuery(sessionQuery);
  if (data.user === null) throw new Error('this room needs a session');
  return data.user;
}

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body: { email: string; password: string }) =>
      (await api.call<SessionAnswer>('POST', '/api/auth/sign-in', { body })).data,
    onSuccess: (answer) => {
      queries.setQueryData(sessionQuery.queryKey, answer);
      signedOut.set(false);
      void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== 'session' });
    },
  });
}

export function useSetUp() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body: { code: string; email: string; password: string }) =>
      (await api.call<SessionAnswer>('POST', '/api/auth/set-up', { body })).data,
    onSuccess: (answer) => queries.setQueryData(sessionQuery.queryKey, answer),
  });
}

/** Joins with the code of an invitation; the answer is the new session. */
export function useAcceptInvitation() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body: { code: string; password: string; name?: string }) =>
      (await api.call<SessionAnswer>('POST', '/api/auth/accept-invitation', { body })).data,
    onSuccess: (answer) => {
      queries.clear();
      queries.setQueryData(sessionQuery.queryKey, answer);
      signedOut.set(false);
    },
  });
}

/** Asks for a mail with a link; the answer is the same whether the address is known or not. */
export function useRequestReset() {
  return useMutation({
    mutationFn: (email: string) => api.call('POST', '/api/auth/reset', { body: { email } }),
  });
}

export function useConfirmReset() {
  return useMutation({
    mutationFn: (body: { code: string; password: string }) => api.call('POST', '/api/auth/reset/confirm', { body }),
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => api.call('POST', '/api/auth/sign-out', { body: {} }),
    onSuccess: () => {
      queries.clear();
      queries.setQueryData(sessionQuery.queryKey, { user: null });
    },
  });
}
