import type { PoliciesBody, PoliciesUsd } from '@ownkey/contract/api/money';
import type { Health, Plan, PlanBody, planList } from '@ownkey/contract/api/operator';
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';

type PlanList = (typeof planList)['_output'];

export const plansQuery = queryOptions({
  queryKey: ['operator', 'plans'],
  queryFn: async ({ signal }) =>
    (await api.call<PlanList>('GET', '/api/operator/plans', { signal, query: { limit: 200 } })).data.data,
});

export const planQuery = (id: string) =>
  queryOptions({
    queryKey: ['operator', 'plan', id],
    queryFn: async ({ signal }) =>
      (await api.call<Plan>('GET', `/api/operator/plans/${encodeURIComponent(id)}`, { signal })).data,
  });

export const policiesQuery = queryOptions({
  queryKey: ['operator', 'policies'],
  queryFn: async ({ signal }) => (await api.call<PoliciesUsd>('GET', '/api/operator/policies', { signal })).data,
});

export const healthQuery = queryOptions({
  queryKey: ['operator', 'health'],
  queryFn: async ({ signal }) => (await api.call<Health>('GET', '/api/operator/health', { signal })).data,
  refetchInterval: 15_000,
});

export function useSavePlan() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ id, body }: { id: string; body: PlanBody }) =>
      (await api.call<Plan>('PUT', `/api/operator/plans/${encodeURIComponent(id)}`, { body })).data,
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['operator'] }),
  });
}

export function useRemovePlan() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.call('DELETE', `/api/operator/plans/${encodeURIComponent(id)}`),
    // The plan itself is gone: what still shows it must not ask for it again.
    onSuccess: (_answer, id) =>
      void queries.invalidateQueries({
        predicate: ({ queryKey }) => queryKey[0] === 'operator' && queryKey[2] !== id,
      }),
  });
}

export function useSavePolicies() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body: PoliciesBody) =>
      (await api.call<PoliciesUsd>('PUT', '/api/operator/policies', { body })).data,
    onSuccess: (policies) => queries.setQueryData(policiesQuery.queryKey, policies),
  });
}
