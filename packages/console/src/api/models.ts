import type { Operation } from '@ownkey/contract/api/operations';
import type { ModelList } from '@ownkey/contract/api/providers';
import { DEFAULT_OPERATION } from '@ownkey/contract/model-choice';
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';

/** Models that can be used now, and whose lists could not be read. */
export const modelsQuery = queryOptions({
  queryKey: ['models', 'list'],
  queryFn: async ({ signal }) => (await api.call<ModelList>('GET', '/api/models', { signal })).data,
});

/** The product's operations with the model of each; the one for all others, whose name is empty, comes first. */
export const operationsQuery = queryOptions({
  queryKey: ['models', 'operations'],
  queryFn: async ({ signal }) =>
    (await api.call<{ data: Operation[] }>('GET', '/api/operations', { signal })).data.data,
});

/** Chooses the model of an operation; null takes the choice back. */
export function useChooseModel() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (wanted: { operation: string; model: string | null; etag: string }) => {
      const name = encodeURIComponent(wanted.operation === '' ? DEFAULT_OPERATION : wanted.operation);
      const options = { body: { model: wanted.model }, ifMatch: wanted.etag };
      return (await api.call<Operation>('PUT', `/api/operations/${name}/model`, options)).data;
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: operationsQuery.queryKey });
      void queries.invalidateQueries({ queryKey: ['audit'] });
    },
  });
}
