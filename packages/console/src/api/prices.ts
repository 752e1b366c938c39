import type { ListedPrice, PriceBody } from '@ownkey/contract/api/prices';
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';

type List<T> = { data: T[]; next_cursor: string | null };

/** Whose prices: those a company sees and sets, or those the operator sets for every company. */
export type PriceScope = 'company' | 'operator';
const ADDRESS: Record<PriceScope, string> = { company: '/api/prices', operator: '/api/operator/prices' };

export interface PriceFilters {
  q?: string | undefined;
  provider?: string | undefined;
  unknown?: 'true' | undefined;
}

const PAGE = 50;

export const pricesQuery = (scope: PriceScope, filters: PriceFilters) =>
  infiniteQueryOptions({
    queryKey: ['prices', scope, filters],
    queryFn: async ({ signal, pageParam }) =>
      (
        await api.call<List<ListedPrice>>('GET', ADDRESS[scope], {
          signal,
          query: { ...filters, limit: PAGE, cursor: pageParam },
        })
      ).data,
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: false,
  });

/** The price of one model by its very name; null: none is known. */
export const priceOfQuery = (scope: PriceScope, provider: string, model: string) =>
  queryOptions({
    queryKey: ['prices', scope, 'one', provider, model],
    queryFn: async ({ signal }) => {
      const { data } = (
        await api.call<List<ListedPrice>>('GET', ADDRESS[scope], { signal, query: { provider, q: model, limit: 100 } })
      ).data;
      const named = data.filter((price) => price.model === model);
      return named.find(({ origin }) => origin === scope) ?? named.find(({ in_force }) => in_force) ?? named[0] ?? null;
    },
    enabled: provider !== '' && model !== '',
    refetchInterval: false,
  });

/** Sets a price, or removes what was set. */
export function useSavePrice(scope: PriceScope) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body: PriceBody) => (await api.call<ListedPrice>('PUT', ADDRESS[scope], { body })).data,
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['prices'] });
      void queries.invalidateQueries({ queryKey: ['audit'] });
    },
  });
}
