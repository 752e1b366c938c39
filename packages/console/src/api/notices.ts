import type { Notice } from '@ownkey/contract/api/notices';
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from './browser-client.ts';
import { NOTICES } from './keys.ts';

interface NoticePage {
  data: Notice[];
  next_cursor: string | null;
}

/** The first page: everything that is open (there is at most one of each kind a key), then what ended last. */
export const noticesQuery = queryOptions({
  queryKey: [NOTICES],
  queryFn: async ({ signal }) =>
    (await api.call<NoticePage>('GET', '/api/notices', { signal, query: { limit: 50 } })).data.data,
});

export function useDismissNotice() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.call('POST', `/api/notices/${encodeURIComponent(id)}/dismiss`, { body: {} }),
    onMutate: (id) =>
      queries.setQueryData(noticesQuery.queryKey, (list) =>
        list?.map((notice) => (notice.id === id ? { ...notice, dismissed: true } : notice)),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: noticesQuery.queryKey }),
  });
}
