import type { Alert, Delivery, Webhook, webhookCreated } from '@ownkey/contract/api/alerts';
import type { Settings } from '@ownkey/contract/api/settings';
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';
import { settingsQuery } from './people.ts';

type List<T> = { data: T[]; next_cursor: string | null };
export type WebhookCreated = (typeof webhookCreated)['_output'];

export const alertsQuery = infiniteQueryOptions({
  queryKey: ['alerts', 'list'],
  queryFn: async ({ signal, pageParam }) =>
    (await api.call<List<Alert>>('GET', '/api/alerts', { signal, query: { limit: 50, cursor: pageParam } })).data,
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
});

const WEBHOOKS = 'webhooks';

export const webhooksQuery = queryOptions({
  queryKey: [WEBHOOKS, 'list'],
  queryFn: async ({ signal }) =>
    (await api.call<List<Webhook>>('GET', '/api/webhooks', { signal, query: { limit: 100 } })).data.data,
});

export const deliveriesQuery = (id: string) =>
  queryOptions({
    queryKey: [WEBHOOKS, 'deliveries', id],
    queryFn: async ({ signal }) =>
      (
        await api.call<List<Delivery>>('GET', `/api/webhooks/${encodeURIComponent(id)}/deliveries`, {
          signal,
          query: { limit: 20 },
        })
      ).data.data,
    staleTime: 0,
    refetchInterval: 5_000,
  });

function useRefreshWebhooks(): () => void {
  const queries = useQueryClient();
  return () => void queries.invalidateQueries({ queryKey: [WEBHOOKS] });
}

export function useAddWebhook() {
  const refresh = useRefreshWebhooks();
  return useMutation({
    mutationFn: async (url: string) =>
      (await api.call<WebhookCreated>('POST', '/api/webhooks', { body: { url } })).data,
    onSuccess: refresh,
  });
}

export function useChangeWebhook() {
  const refresh = useRefreshWebhooks();
  return useMutation({
    mutationFn: async ({ id, enabled }: { id: string; enabled: boolean }) =>
      (await api.call<Webhook>('PATCH', `/api/webhooks/${encodeURIComponent(id)}`, { body: { enabled } })).data,
    onSuccess: refresh,
  });
}

export function useTestWebhook() {
  const refresh = useRefreshWebhooks();
  return useMutation({
    mutationFn: async (id: string) =>
      (await api.call<Delivery>('POST', `/api/webhooks/${encodeURIComponent(id)}/test`, { body: {} })).data,
    onSuccess: refresh,
  });
}

export function useRemoveWebhook() {
  const refresh = useRefreshWebhooks();
  return useMutation({
    mutationFn: (id: string) => api.call('DELETE', `/api/webhooks/${encodeURIComponent(id)}`),
    onSuccess: refresh,
  });
}

export function useSaveRecipients() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ recipients, etag }: { recipients: string[]; etag: string }) =>
      (await api.call<Settings>('PUT', '/api/settings', { body: { notice_recipients: recipients }, ifMatch: etag }))
        .data,
    onSuccess: (settings) => queries.setQueryData(settingsQuery.queryKey, settings),
  });
}
