import type { Page } from 'playwright-core';
import type { Console } from './console.ts';
import { api, type Product } from './product.ts';

/** A person of the first demo company who may change nothing that is not their own. */
export const MEMBER = 'max-7';

export async function createMember(product: Product): Promise<void> {
  const { operator, companies } = product.dev();
  const made = await api(product, 'PUT', `/api/companies/${companies[0]?.id}/users/${MEMBER}`, {
    token: operator.api_token,
    body: { name: 'Max', role: 'member' },
  });
  if (made.status >= 300) throw new Error(`the member was not created: ${made.status}`);
}

/**
 * The member in the console. People who only the host knows have no login yet, so every call of the page acts as the member by the
 * host's token (the API decides as for a session), and the answers about sessions alone are told by the test.
 */
export async function enterAsMember(product: Product, visitors: Console): Promise<Page> {
  const { operator, companies } = product.dev();
  const [company] = companies;
  if (company === undefined) throw new Error('no demo company');
  const { body: member } = await api<{ id: string }>(product, 'GET', `/api/companies/${company.id}/users/${MEMBER}`, {
    token: operator.api_token,
  });
  const page = await visitors.visit();
  const as = {
    authorization: `Bearer ${operator.api_token}`,
    'x-ownkey-company': company.id,
    'x-ownkey-user': MEMBER,
  };
  await page.route('**/api/**', (route) => route.continue({ headers: { ...route.request().headers(), ...as } }));
  const user = {
    id: member.id,
    kind: 'user',
    email: 'max@acme.example',
    name: 'Max',
    role: 'member',
    company: { id: company.id, name: company.name, plan: company.plan },
  };
  await page.route('**/api/auth/session', (route) =>
    route.fulfill({ json: { user, expires_at: '2100-01-01T00:00:00Z' } }),
  );
  await page.route('**/api/auth/sessions', (route) => route.fulfill({ json: { data: [], next_cursor: null } }));
  await page.goto(`/c/${company.id}/keys`);
  await page.getByRole('heading', { level: 1, name: 'Model keys' }).waitFor();
  return page;
}
