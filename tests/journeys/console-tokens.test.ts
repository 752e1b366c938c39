import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { axeViolations, useConsole } from '../kit/console.ts';
import { createMember, enterAsMember } from '../kit/member.ts';
import { api, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);
const room = (rest = '') => `/c/${product.dev().companies[0]?.id}/tokens${rest}`;

interface Token {
  name: string;
  scopes: string[];
  user: string | null;
  expires_at: string | null;
  requests_per_minute: number | null;
}
const named = async (name: string) =>
  (await api<{ data: Token[] }>(product, 'GET', '/api/tokens')).body.data.filter((token) => token.name === name);

const createFrom = async (page: Page, name: string) => {
  await page.getByRole('button', { name: 'Create token' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Create token' });
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  return dialog;
};
const submit = async (page: Page) => {
  await page.getByRole('dialog').getByRole('button', { name: 'Create token' }).click();
  const once = page.getByRole('dialog', { name: 'Token created' });
  await once.waitFor();
  return { once, token: (await once.locator('code').first().textContent()) ?? '' };
};

beforeAll(() => createMember(product), 60_000);

describe('an admin', () => {
  it('creates a token that works, sees it once, and revokes it', async () => {
    const page = await visitors.enter();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('link', { name: 'Tokens' }).click();
    await createFrom(page, 'Deploy');
    await page.waitForURL(/\/tokens\/new$/);
    const dialog = page.getByRole('dialog', { name: 'Create token' });
    await dialog.getByRole('radio', { name: /^Read usage/ }).check();
    await dialog.getByLabel('Requests a minute (optional)').fill('60');
    const { once, token } = await submit(page);
    expect(token).toMatch(/^oky_co_\w{38}$/);
    expect((await api(product, 'GET', '/api/usage', { token })).status).toBe(200);
    expect((await api(product, 'GET', '/api/keys', { token })).status).toBe(403);
    await once.getByText(/curl .*\/api\/usage/).waitFor();
    await once.getByRole('radio', { name: 'Python' }).click();
    await once.getByText('import json, os, urllib.request').waitFor();
    await once.getByRole('button', { name: 'Copy' }).first().click();
    await once.getByText('Copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(token);
    await once.getByRole('button', { name: 'Done' }).click();
    await once.waitFor({ state: 'detached' });
    const left = await page.evaluate<string>(
      'document.documentElement.outerHTML + location.href + JSON.stringify([localStorage, sessionStorage])',
    );
    expect(left).not.toContain(token);
    expect(await named('Deploy')).toMatchObject([
      { scopes: ['usage:read', 'audit:read'], user: null, requests_per_minute: 60 },
    ]);

    await page.reload();
    const row = page.getByRole('row', { name: /^Deploy/ });
    await row.getByText('60 a minute').waitFor();
    await row.getByRole('button', { name: /^Revoke/ }).click();
    const question = page.getByRole('alertdialog', { name: 'Revoke “Deploy”?' });
    await question.getByText(/Calls with it fail at once\. Last used/).waitFor();
    await question.getByRole('button', { name: 'Keep token' }).click();
    expect((await api(product, 'GET', '/api/usage', { token })).status).toBe(200);
    await row.getByRole('button', { name: /^Revoke/ }).click();
    await question.getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('“Deploy” is revoked.').waitFor();
    await row.waitFor({ state: 'detached' });
    expect((await api(product, 'GET', '/api/usage', { token })).status).toBe(401);
  });

  it('is asked before a token that was not copied is gone', async () => {
    const page = await visitors.enter();
    await page.goto(room());
    const dialog = await createFrom(page, 'Lost');
    await dialog.getByLabel('Expires').selectOption('never');
    await dialog.getByText('A token that leaked then works until somebody revokes it.').waitFor();
    const { once } = await submit(page);
    await once.getByRole('button', { name: 'Done' }).click();
    const question = page.getByRole('alertdialog', { name: 'Close without copying?' });
    await question.getByRole('button', { name: 'Go back' }).click();
    await once.getByText('Copy this token now.').waitFor();
    await once.getByRole('button', { name: 'Done' }).click();
    await question.getByRole('button', { name: 'Close' }).click();
    await once.waitFor({ state: 'detached' });
    expect(await named('Lost')).toMatchObject([{ scopes: ['inference'], expires_at: null }]);
  });

  it('learns in place what is missing, and keeps what was typed when leaving is not meant', async () => {
    const page = await visitors.enter();
    await page.goto(room('/new'));
    const dialog = page.getByRole('dialog', { name: 'Create token' });
    await dialog.getByRole('radio', { name: 'Choose' }).check();
    await dialog.getByLabel('Requests at once (optional)').fill('0');
    await dialog.getByRole('button', { name: 'Create token' }).click();
    for (const text of [/^Type a name/, 'Choose at least one.', 'A whole number from 1 to 100000.'])
      await dialog.getByText(text).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Keep editing' }).click();
    expect(await dialog.getByLabel('Requests at once (optional)').inputValue()).toBe('0');
  });
});

it('a member sees and makes tokens of their own alone', async () => {
  const page = await enterAsMember(product, visitors);
  await page.goto(room());
  await page.getByText('Tokens let your code call AI as you.').waitFor();
  const dialog = await createFrom(page, 'Mine');
  expect(await dialog.getByRole('radio', { name: 'The company' }).count()).toBe(0);
  await dialog.getByRole('radio', { name: 'Choose' }).check();
  expect(await dialog.getByLabel('everything an admin may do').count()).toBe(0);
  await dialog.getByRole('radio', { name: /^Everything/ }).check();
  const { token } = await submit(page);
  expect(token).toMatch(/^oky_usr_/);
  const [mine] = await named('Mine');
  expect(mine?.user).toMatch(/^usr_/);
  expect(mine?.scopes).not.toContain('company:admin');
});

it.each(['light', 'dark'] as const)('breaks no rule of axe and never scrolls sideways (%s)', async (theme) => {
  const name = `Nightly report of every department ${'x'.repeat(60)}`;
  await api(product, 'POST', '/api/tokens', { body: { name, scopes: ['keys:read', 'usage:read', 'caps:write'] } });
  for (const width of [1280, 360]) {
    const page = await visitors.enter({ theme, width });
    for (const search of ['', '/new']) {
      await page.goto(room(search));
      await page.getByRole('heading', { level: 1, name: 'Tokens', includeHidden: true }).waitFor();
      await (search === '' ? page.getByRole('table') : page.getByRole('dialog')).waitFor();
      await page.waitForLoadState('networkidle');
      expect(await axeViolations(page)).toEqual([]);
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    }
    const { once } = await (async () => {
      await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Once');
      return submit(page);
    })();
    expect(await axeViolations(page)).toEqual([]);
    await once.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Close' }).click();
  }
});
