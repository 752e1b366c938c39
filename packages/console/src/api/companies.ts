import type { OperatorCompany, OperatorCompanyDetail, PlanEffect } from '@ownkey/contract/api/operator';
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';

const PAGE_SIZE = 100;

export interface CompanyFilter {
  q?: string;
  plan?: string;
  state?: string;
}

export const companiesQuery = (filter: CompanyFilter) =>
  infiniteQueryOptions({
    queryKey: ['operator', 'companies', filter],
    queryFn: async ({ signal, pageParam }) =>
      (
        await api.call<{ data: OperatorCompany[]; next_cursor: string | null }>('GET', '/api/operator/companies', {
          signal,
          query: { ...filter, cursor: pageParam, limit: PAGE_SIZE },
        })
      ).data,
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

export const companyQuery = (id: string) =>
  queryOptions({
    queryKey: ['operator', 'company', id],
    queryFn: async ({ signal }) =>
      (await api.call<OperatorCompanyDetail>('GET', `/api/operator/companies/${encodeURIComponent(id)}`, { signal }))
        .data,
  });

export const planEffectQuery = (id: string, plan: string) =>
  queryOptions({
    queryKey: ['operator', 'company', id, 'effect', plan],
    queryFn: async ({ signal }) =>
      (
        await api.call<PlanEffect>('GET', `/api/operator/companies/${encodeURIComponent(id)}/plan-effect`, {
          signal,
          query: { plan },
        })
      ).data,
    staleTime: 0,
  });

export function useMoveCompany() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, plan }: { id: string; plan: string }) =>
      api.call('PUT', `/api/companies/${encodeURIComponent(id)}/plan`, { body: { plan } }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['operator'] }),
  });
}

export function useEraseCompany() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.call('DELETE', `/api/companies/${encodeURIComponent(id)}`),
    // The company itself is gone: what still shows it must not ask for it again.
    onSuccess: (_answer, id) =>
      void queries.invalidateQueries({
        predicate: ({ queryKey }) => queryKey[0] === 'operator' && queryKey[2] !== id,
      }),
  });
}
