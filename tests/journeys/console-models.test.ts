import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { axeViolations, sandboxKey, useConsole } from '../kit/console.ts';
import { createMember, enterAsMember } from '../kit/member.ts';
import { api, connectKey, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);
const room = (search = '') => `/c/${product.dev().companies[0]?.id}/models${search}`;
const model = (provider: string) => `${provider}/${product.dev().sandbox.providers[provider]?.model}`;

const open = async (page: Page, search = ''): Promise<void> => {
  await page.goto(room(search));
  await page.getByRole('heading', { level: 1, name: 'Models', includeHidden: true }).waitFor();
};

interface Operation {
  name: string;
  model: string | null;
  etag: string;
}
const operations = async () => (await api<{ data: Operation[] }>(product, 'GET', '/api/operations')).body.data;
const choose = (name: string, chosen: string | null) =>
  api(product, 'PUT', `/api/operations/${name}/model`, { body: { model: chosen } });

beforeAll(async () => {
  await createMember(product);
  await connectKey(product, 'mistral', sandboxKey(product, 'mistral'));
  const { status } = await choose('mail.draft', model('openai'));
  expect(status).toBe(200);
}, 60_000);

describe('the list', () => {
  it('holds every model the API lists, own beside shared, and each narrowing has an address', async () => {
    const { body } = await api<{ data: { key_source: string; provider: string }[] }>(product, 'GET', '/api/models');
    const page = await visitors.enter();
    await page.getByRole('link', { name: 'Models', exact: true }).click();
    const table = page.getByRole('table', { name: 'Models', exact: true });
    await table.waitFor();
    expect(await table.locator('tbody').getByRole('row').count()).toBe(body.data.length);
    await page.getByLabel('Paid by', { exact: true }).selectOption('own');
    await page.waitForURL(/payer=own/);
    const own = body.data.filter((listed) => listed.key_source === 'own').length;
    expect(own).toBeGreaterThan(0);
    await page.getByText(new RegExp(`^${own} models?$`)).waitFor();
    await page.reload();
    await page.getByText(new RegExp(`^${own} models?$`)).waitFor();
    await page.getByRole('searchbox', { name: 'Search models' }).fill('no such model');
    await page.getByText('Nothing matches these filters.').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByText(`${body.data.length} models`).waitFor();
  });

  it('leads from a model without a price on an own key to the price that is asked for', async () => {
    await connectKey(product, 'nvidia', sandboxKey(product, 'nvidia'));
    const page = await visitors.enter();
    await open(page, '?payer=own');
    await page
      .getByRole('link', { name: /^Set price/ })
      .first()
      .click();
    await page.getByRole('dialog', { name: 'Set price' }).waitFor();
  });

  it('says in place which list could not be read', async () => {
    const page = await visitors.enter();
    await page.route('**/api/models', async (route) => {
      const answer = await route.fetch();
      const body = await answer.json();
      const problems = [{ provider: 'mistral', code: 'provider.error', since: new Date().toISOString() }];
      await route.fulfill({ response: answer, json: { ...body, problems } });
    });
    await open(page);
    await page.getByText("Mistral AI's models could not be loaded.").waitFor();
    await page.getByRole('link', { name: /^Show its key/ }).click();
    await page.getByRole('row', { name: /^Mistral AI/ }).waitFor();
  });
});

describe('the model of an operation', () => {
  it('is found in the list by keyboard alone, saved, and taken back', async () => {
    const page = await visitors.enter();
    await open(page);
    await page.getByRole('button', { name: 'Model of each operation' }).press('Enter');
    expect(await page.evaluate('document.activeElement?.textContent')).toBe('Model of each operation');
    await page.getByRole('button', { name: /^Change mail\.draft/ }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Model of mail.draft' });
    await page.waitForURL(/of=mail\.draft/);
    const field = dialog.getByRole('combobox', { name: 'Name of the model' });
    await field.fill('mistral');
    await field.press('ArrowDown');
    const marked = await field.getAttribute('aria-activedescendant');
    const option = (await dialog.locator(`[id="${marked}"] bdi`).textContent()) ?? '';
    expect(option).toMatch(/^mistral\//);
    await field.press('Enter');
    expect(await field.inputValue()).toBe(option);
    await field.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    expect(await operations()).toContainEqual(expect.objectContaining({ name: 'mail.draft', model: option }));
    await page.getByRole('button', { name: /^Change mail\.draft/ }).click();
    await dialog.getByRole('radio', { name: /^Automatic/ }).check();
    await dialog.getByRole('button', { name: 'Save model' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect((await operations()).find(({ name }) => name === 'mail.draft')).toBeUndefined();
  });

  it('may be typed, for an operation that was never called, and junk is refused in place', async () => {
    const page = await visitors.enter();
    await open(page);
    await page.getByRole('button', { name: 'Another operation' }).click();
    const dialog = page.getByRole('dialog', { name: 'Another operation' });
    await dialog.getByLabel('Operation', { exact: true }).fill('two words');
    await dialog.getByRole('combobox').fill('nothing');
    await dialog.getByRole('button', { name: 'Save model' }).click();
    await dialog.getByText('Type its name: letters, digits and signs without spaces.').waitFor();
    await dialog.getByText(/^Type it as provider\/model/).waitFor();
    await dialog.getByLabel('Operation', { exact: true }).fill('reviews.summary');
    await dialog.getByRole('combobox').fill('mistral/not-in-any-list');
    await dialog.getByText('Not in the list: it is used exactly as typed.').waitFor();
    await dialog.getByRole('button', { name: 'Save model' }).click();
    await page.getByRole('row', { name: /^reviews\.summary mistral\/not-in-any-list/ }).waitFor();
  });

  it('is not overwritten when somebody chose another meanwhile; what was typed stays', async () => {
    await choose('mail.draft', model('openai'));
    const page = await visitors.enter();
    await open(page, '?of=mail.draft');
    const dialog = page.getByRole('dialog', { name: 'Model of mail.draft' });
    await dialog.getByRole('combobox').fill('mistral/mine');
    await choose('mail.draft', model('mistral'));
    await dialog.getByRole('button', { name: 'Save model' }).click();
    await dialog.getByText('Your change was not saved:').waitFor();
    expect(await operations()).toContainEqual(expect.objectContaining({ name: 'mail.draft', model: model('mistral') }));
    await dialog.getByRole('button', { name: 'Load the newest, keep what I typed' }).click();
    await dialog.getByRole('button', { name: 'Save model' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await operations()).toContainEqual(expect.objectContaining({ name: 'mail.draft', model: 'mistral/mine' }));
  });

  it('is read-only for a member, who is told whom to ask', async () => {
    const page = await enterAsMember(product, visitors);
    await open(page, '?of=default');
    const change = page.getByRole('button', { name: /^Change Everything else/ });
    await change.hover();
    await page
      .getByText(/^Only admins choose models\. Ask .*Ana/)
      .filter({ visible: true })
      .waitFor();
    expect(await change.getAttribute('aria-disabled')).toBe('true');
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(await page.getByRole('link', { name: /^Set price/ }).count()).toBe(0);
  });
});

it.each(['light', 'dark'] as const)('breaks no rule of axe and never scrolls sideways (%s)', async (theme) => {
  for (const width of [1280, 360]) {
    const page = await visitors.enter({ theme, width });
    for (const search of ['', '?of=default', '?add=yes']) {
      await open(page, search);
      await page.getByRole('table', { name: 'Operations and their models', includeHidden: true }).waitFor();
      if (search !== '') await page.getByRole('dialog').waitFor();
      await page.waitForLoadState('networkidle');
      expect(await axeViolations(page)).toEqual([]);
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    }
  }
});
