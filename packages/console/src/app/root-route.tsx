import type { QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, Outlet } from '@tanstack/react-router';
import { Suspense } from 'react';
import { installationQuery, sessionQuery } from '../api/session.ts';

interface Context {
  queries: QueryClient;
  nameHost: (name: string | null) => void;
}

/** What every route stands under: the name of the host is known before the first page. */
export const root = createRootRouteWithContext<Context>()({
  // Texts name the host from the first page on; without an answer they do without its name.
  beforeLoad: async ({ context: { queries, nameHost } }) => {
    if (queries.getQueryState(installationQuery.queryKey) !== undefined) return;
    void queries.prefetchQuery(sessionQuery);
    nameHost((await queries.ensureQueryData(installationQuery).catch(() => null))?.host_name ?? null);
  },
  component: () => (
    <Suspense>
      <Outlet />
    </Suspense>
  ),
});

/** A text of the address; empty is none. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
