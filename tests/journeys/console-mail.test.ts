import type { Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { axeViolations, useConsole } from '../kit/console.ts';
import { api, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);
const NEW_PASSWORD = 'another horse battery';

/** The link of the newest mail to somebody, once it has arrived in the post box of development. */
async function linkOf(to: string): Promise<string> {
  return vi.waitFor(
    async () => {
      const answer = await fetch(product.dev().mail_url, { headers: { accept: 'application/json' } });
      const link = /https?:\S+#code=[0-9A-Z-]+/.exec(textOf(await answer.json(), to))?.[0];
      if (link === undefined) throw new Error(`no mail to ${to}`);
      return link;
    },
    { timeout: 20_000, interval: 100 },
  );
}

/** The text of the newest mail to somebody, in what the post box answers. */
function textOf(box: unknown, to: string): string {
  const mails: unknown = typeof box === 'object' && box !== null && 'data' in box ? box.data : null;
  const mail: unknown = Array.isArray(mails) ? mails.find((one) => Reflect.get(one, 'to') === to) : null;
  return typeof mail === 'object' && mail !== null && 'text' in mail ? String(mail.text) : '';
}

async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.goto('/sign-in');
  await page.getByLabel('Email', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Model keys' }).waitFor();
}

describe('mails with links', () => {
  it('a forgotten password is replaced by the link of a mail, once', async () => {
    const email = product.dev().companies[1]?.admin.email ?? '';
    const page = await visitors.visit();
    await page.goto('/sign-in');
    await page.getByText('Forgot password?').click();
    await page.getByLabel('Your email').fill(email);
    await page.getByRole('button', { name: 'Send a link' }).click();
    await page.getByText('If there is an account with this address, a link is on its way.').waitFor();
    expect(await axeViolations(page)).toEqual([]);

    const link = await linkOf(email);
    await page.goto(link);
    await page.getByRole('heading', { level: 1, name: 'Set a new password' }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
    await page.getByRole('button', { name: 'Set password' }).click();
    await page.getByText('Your new password is set, and every session has ended.').waitFor();
    await signIn(page, email, NEW_PASSWORD);

    const again = await visitors.visit();
    await again.goto(link);
    await again.getByLabel('New password', { exact: true }).fill('yet another battery');
    await again.getByRole('button', { name: 'Set password' }).click();
    await again.getByRole('alert').getByText('This code is not valid').waitFor();
  });

  it('somebody who was invited joins by the link of a mail, and can sign in from then on', async () => {
    const [company] = product.dev().companies;
    const email = 'bo@example.com';
    const invited = await api(product, 'POST', '/api/invitations', {
      token: company?.api_token ?? '',
      body: { email, role: 'member' },
    });
    expect(invited.status).toBe(201);
    const page = await visitors.visit();
    await page.goto(await linkOf(email));
    await page.getByRole('heading', { level: 1, name: 'Join' }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByLabel('Your name (optional)').fill('Bo');
    await page.getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
    await page.getByRole('button', { name: 'Join' }).click();
    await page.getByRole('heading', { level: 1, name: 'Model keys' }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/c/${company?.id}/keys`);
    await signIn(await visitors.visit(), email, NEW_PASSWORD);
  });
});
