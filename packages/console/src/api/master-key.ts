import type { KekRotation, KekView } from '@ownkey/contract/api/kek';
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';

/** Looked at every two seconds while a rotation runs. */
export const masterKeyQuery = queryOptions({
  queryKey: ['operator', 'master-key'],
  queryFn: async ({ signal }) => (await api.call<KekView>('GET', '/api/operator/kek', { signal })).data,
  refetchInterval: (query) => (isRunning(query.state.data?.rotation ?? null) ? 2_000 : 30_000),
});

export function isRunning(rotation: KekRotation | null): boolean {
  return rotation !== null && rotation.finished_at === null;
}

export function useOrderRotation() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async () => (await api.call<KekRotation>('POST', '/api/operator/kek/rotations', { body: {} })).data,
    onSettled: () => void queries.invalidateQueries({ queryKey: masterKeyQuery.queryKey }),
  });
}
