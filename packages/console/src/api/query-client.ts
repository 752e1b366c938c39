import { ApiError, ConnectionError } from '@ownkey/sdk/api-error';
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { signedOut } from './signed-out.ts';

/** A 401 after signing in: the session ended. The page stays, a dialog asks to sign in again. */
function watchSession(error: unknown): void {
  if (error instanceof ApiError && error.status === 401 && error.code.startsWith('auth.')) {
    if (error.code !== 'auth.wrong_password') signedOut.set(true);
  }
}

/** What is read stays fresh by focus, by a look every 30 s while visible, and by own changes; no request stays open. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({ onError: watchSession }),
    mutationCache: new MutationCache({ onError: watchSession }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        refetchInterval: (query) => (query.state.status === 'error' ? false : 30_000),
        retry: (count, error) => count < 1 && (error instanceof ConnectionError || isServerFault(error)),
        retryDelay: 500,
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  });
}

function isServerFault(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 500;
}
