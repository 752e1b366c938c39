import { beforeAll, describe, expect, it } from 'vitest';
import { pasteKey, sandboxKey, useConsole } from '../kit/console.ts';
import { createMember, enterAsMember, MEMBER } from '../kit/member.ts';
import { api, connectKey, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);

beforeAll(async () => {
  await createMember(product);
  expect((await connectKey(product, 'groq', sandboxKey(product, 'groq', 'valid'))).status).toBe(201);
}, 60_000);

describe('a member', () => {
  it('sees company keys, and why they cannot be changed and whom to ask', async () => {
    const page = await enterAsMember(product, visitors);
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
    const page = await enterAsMember(product, visitors);
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
    const page = await enterAsMember(product, visitors);
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
    const verify = page.getByRole('button', { name: /^Verify/ });
    expect(await verify.getAttribute('aria-disabled')).toBe('true');
  });
});
