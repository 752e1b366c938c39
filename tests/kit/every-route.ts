import { ROUTES } from '@ownkey/contract/routes';
import type { Route } from '@ownkey/contract/routes/route';
import type { Product } from './product.ts';

/** What one route answered: everything that left the server. */
export interface RouteAnswer {
  readonly route: string;
  readonly status: number;
  readonly text: string;
}

const ORDER = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** They would end what the others need: a session, the token itself, the whole company. */
const LAST = /sign-out|\/api\/(?:companies|tokens|operator\/tokens)\/:/;

/**
 * Calls every route of the table with a token, removals last, with `ids` for its parameters and bodies that say nothing (`{}`). What
 * is looked for is not that they work but what they answer.
 */
export async function callEveryRoute(
  product: Product,
  token: string,
  ids: Readonly<Record<string, string>>,
): Promise<RouteAnswer[]> {
  const answers: RouteAnswer[] = [];
  const all: Route[] = Object.values(ROUTES);
  const sorted = all
    .filter(({ method, path }) => method === 'GET' || !LAST.test(path))
    .toSorted((a, b) => ORDER.indexOf(a.method) - ORDER.indexOf(b.method));
  for (const { method, path } of sorted) {
    const filled = path.replaceAll(/:([a-z_]+)/g, (_, name: string) =>
      encodeURIComponent(ids[`${path} ${name}`] ?? ids[name] ?? 'none'),
    );
    const hasBody = method !== 'GET' && method !== 'DELETE';
    const response = await fetch(`${product.dev().console_url}${filled}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(hasBody ? { 'content-type': 'application/json' } : {}) },
      ...(hasBody ? { body: '{}' } : {}),
    });
    const text = `${JSON.stringify([...response.headers])}\n${await response.text()}`;
    answers.push({ route: `${method} ${path}`, status: response.status, text });
  }
  return answers;
}
