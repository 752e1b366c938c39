import type { Caps, CapsBody, CapsPreview, Spend } from '@ownkey/contract/api/money';
import { keepPreviousData, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';

/** Answers about money are kept under `spend`, so one invalidation refreshes all of them. */
const SPEND = 'spend';

export const spendQuery = queryOptions({
  queryKey: [SPEND, 'now'],
  queryFn: async ({ signal }) => (await api.call<Spend>('GET', '/api/spend', { signal })).data,
});

export const capsQuery = queryOptions({
  queryKey: [SPEND, 'caps'],
  queryFn: async ({ signal }) => (await api.call<Caps>('GET', '/api/caps', { signal })).data,
});

/** What saving these caps would do; the answer before stays until the next is there. */
export const capsPreviewQuery = (body: CapsBody, etag: string) =>
  queryOptions({
    queryKey: [SPEND, 'preview', etag, body],
    queryFn: async ({ signal }) =>
      (await api.call<CapsPreview>('POST', '/api/caps/preview', { signal, body })).data.data,
    placeholderData: keepPreviousData,
    refetchInterval: false,
    retry: false,
    gcTime: 60_000,
  });

/** The same, asked once more right before saving. */
export function useAskCaps() {
  return useMutation({
    mutationFn: async (body: CapsBody) =>
      (await api.call<CapsPreview>('POST', '/api/caps/preview', { body })).data.data,
  });
}

/** Saves caps made on the state with this ETag. */
export function useSaveCaps() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ body, etag }: { body: CapsBody; etag: string }) =>
      (await api.call<Caps>('PUT', '/api/caps', { body, ifMatch: etag })).data,
    onSuccess: (caps) => {
      queries.setQueryData(capsQuery.queryKey, caps);
      void queries.invalidateQueries({ queryKey: [SPEND] });
      void queries.invalidateQueries({ queryKey: ['audit'] });
    },
  });
}
