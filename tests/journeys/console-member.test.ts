import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { pasteKey, sandboxKey, useConsole } from '../kit/console.ts';
import { api, connectKey, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);
const MEMBER = 'max-7';

beforeAll(async () => {
  const { operator, companies } = product.dev();
  const made = await api(product, 'PUT', `/api/companies/${companies[0]?.id}/users/${MEMBER}`, {
    token: operator.api_token,
    body: { name: 'Max', role: 'member' },
  });
  expect(made.status).toBeLessThan(300);
  expect((await connectKey(product, 'groq', sandboxKey(product, 'groq', 'valid'))).status).toBe(201);
}, 60_000);

/**
 * A member in the console. People who only the host knows have no login yet, so every call of the page acts as the member by the
 * host's token (the API decides as for a session), and the answer about the session alone is told by the test.
 */
async function enterAsMember(): Promise<Page> {
  const { operator, companies } = product.dev();
  const [company] = companies;
  if (company === undefined) throw new Error('no demo company');
  const page = await visitors.visit();
  const as = {
    authorization: `Bearer ${operator.api_token}`,
    'x-ownkey-company': company.id,
    'x-ownkey-user': MEMBER,
  };
  await page.route('**/api/**', (route) => route.continue({ headers: { ...route.request().headers(), ...as } }));
  const user = {
    id: MEMBER,
    kind: 'user',
    email: 'max@acme.example',
    name: 'Max',
    role: 'member',
    company: { id: company.id, name: company.name, plan: company.plan },
  };
  await page.route('**/api/auth/session', (route) =>
    route.fulfill({ json: { user, expires_at: '2100-01-01T00:00:00Z' } }),
  );
  await page.goto(`/c/${company.id}/keys`);
  await page.getByRole('heading', { level: 1, name: 'Model keys' }).waitFor();
  return page;
}

describe('a member', () => {
  it('sees company keys, and why they cannot be changed and whom to ask', async () => {
    const page = await enterAsMember();
    const row = page.getByRole('row', { name: /^Groq/ });
    await row.getByText(`••••${sandboxKey(product, 'groq').slice(-4)}`).waitFor();
    const connect = page.getByRole('button', { name: 'Connect a key' }).first();
    expect(await connect.getAttribute('aria-disabled')).toBe('true');
    await connect.hover();
    await page
      .getByText(/^Only admins can change company keys\. Ask .*Ana/)
      .first()
      .waitFor();
    await row.getByRole('link', { name: 'Groq' }).click();
    await page.getByRole('heading', { level: 1, name: /Groq/ }).waitFor();
    for (const name of ['Test', 'Replace key']) {
      const button = page.getByRole('button', { name, exact: true });
      expect([name, await button.getAttribute('aria-disabled')]).toEqual([name, 'true']);
    }
    await page.getByRole('button', { name: /^More for Groq/ }).click();
    expect(await page.getByRole('menuitem', { name: /^Remove/ }).getAttribute('aria-disabled')).toBe('true');
  });

  it('connects a personal key, which then stands before the company key', async () => {
    const page = await enterAsMember();
    await page
      .getByRole('radio', { name: 'Personal' })
      .or(page.getByRole('button', { name: 'Personal' }))
      .first()
      .click();
    await page.getByText('Your personal keys answer your requests before company keys.').waitFor();
    const own = sandboxKey(product, 'groq').replace(/.{4}$/, 'Mx77');
    await pasteKey(page, 'Groq', own);
    await page
      .getByText(/••••Mx77/)
      .first()
      .waitFor();
    const { operator, companies } = product.dev();
    const keys = await api<{ data: { scope: string; last4: string }[] }>(product, 'GET', '/api/keys?scope=user', {
      token: operator.api_token,
      headers: { 'x-ownkey-company': companies[0]?.id ?? '', 'x-ownkey-user': MEMBER },
    });
    expect(keys.body.data).toMatchObject([{ scope: 'user', last4: 'Mx77' }]);
  });

  it('finds only their own calls in the record, and cannot verify it', async () => {
    const page = await enterAsMember();
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
    const verify = page.getByRole('button', { name: /^Verify/ });
    expect(await verify.getAttribute('aria-disabled')).toBe('true');
  });
});
