import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { axeViolations, sandboxKey, useConsole } from '../kit/console.ts';
import { createMember, enterAsMember } from '../kit/member.ts';
import { api, connectKey, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);
const room = (search = '') => `/c/${product.dev().companies[0]?.id}/analytics${search}`;

const ask = async (model: string, operation?: string): Promise<void> => {
  const { gateway_url, companies } = product.dev();
  const response = await fetch(`${gateway_url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${companies[0]?.gateway_token}`,
      'content-type': 'application/json',
      ...(operation === undefined ? {} : { 'x-ownkey-operation': operation }),
    },
    body: JSON.stringify({ model, max_tokens: 32, messages: [{ role: 'user', content: 'Hi.' }] }),
  });
  if (!response.ok) throw new Error(`the call failed: ${response.status} ${await response.text()}`);
};

const open = async (page: Page, search = ''): Promise<void> => {
  await page.goto(room(search));
  await page.getByRole('heading', { level: 1, name: 'Analytics' }).waitFor();
};

interface Report {
  total: { operations: number; own_operations: number; cost_usd: string };
}

it('says that nothing ran yet, and leads to a longer range', async () => {
  const page = await visitors.enter();
  await page.getByRole('link', { name: 'Analytics' }).click();
  await page.getByText('No AI request in these 30 days.').waitFor();
  await page.getByRole('button', { name: '90 days' }).click();
  await page.waitForURL(/range=90d/);
  await page.getByText('No AI request in these 90 days.').waitFor();
});

describe('with calls on own keys and on the shared one', () => {
  beforeAll(async () => {
    const { providers } = product.dev().sandbox;
    await connectKey(product, 'mistral', sandboxKey(product, 'mistral'));
    const mistral = `mistral/${providers.mistral?.model}`;
    for (const operation of ['mail.draft', 'mail.draft', 'reviews.summary']) await ask(mistral, operation);
    await ask(`openai/${providers.openai?.model}`);
  }, 60_000);

  it('shows sums, shares and the distribution, narrows them, and each state has an address', async () => {
    const page = await visitors.enter();
    await open(page);
    await page.getByText('75 %').first().waitFor();
    await page.getByText('3 of 4 operations').waitFor();
    await page.getByRole('row', { name: /^Mistral/ }).waitFor();
    await page.getByRole('radio', { name: 'Operation', exact: true }).click();
    await page.getByRole('row', { name: /^mail\.draft 2/ }).waitFor();
    await page.getByRole('row', { name: /^Without a tag 1/ }).waitFor();
    await page.getByLabel('Operation', { exact: true }).first().selectOption('mail.draft');
    await page.waitForURL(/operation=mail\.draft/);
    await page.getByText('2 of 2 operations').waitFor();
    await page.getByRole('radio', { name: 'Table' }).click();
    await page.waitForURL(/view=table/);
    await page.reload();
    await page.getByText('2 of 2 operations').waitFor();
    await page.getByRole('table', { name: 'By day' }).waitFor();
    await page.getByLabel('Provider', { exact: true }).first().selectOption('openai');
    await page.getByText('Nothing matches these filters.').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByText('3 of 4 operations').waitFor();
  });

  it('exports exactly what the hourly sums hold', async () => {
    const page = await visitors.enter();
    await open(page, '?operation=mail.draft');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Export CSV').click()]);
    expect(download.suggestedFilename()).toMatch(/^usage-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv$/);
    const [header, ...lines] = readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\r\n');
    const names = (header ?? '').split(',');
    const column = (line: string, name: string): string => line.split(',')[names.indexOf(name)] ?? '';
    expect(lines.map((line) => column(line, 'operation'))).toEqual(['mail.draft']);
    const { body } = await api<Report>(product, 'GET', '/api/usage?operation=mail.draft');
    expect(Number(column(lines[0] ?? '', 'operations'))).toBe(body.total.operations);
    expect(column(lines[0] ?? '', 'cost_usd')).toBe(body.total.cost_usd);
  });

  it('shows a member their own usage alone', async () => {
    await createMember(product);
    const page = await enterAsMember(product, visitors);
    await page.getByRole('link', { name: 'Analytics' }).click();
    await page.getByRole('heading', { level: 1, name: 'Your usage' }).waitFor();
    await page.getByText('No AI request in these 30 days.').waitFor();
    expect(await page.getByLabel('Person', { exact: true }).count()).toBe(0);
  });

  it.each(['light', 'dark'] as const)('breaks no rule of axe and never scrolls sideways (%s)', async (theme) => {
    for (const width of [1280, 360]) {
      const page = await visitors.enter({ theme, width });
      for (const search of ['', '?view=table&by=model']) {
        await open(page, search);
        await page.getByText('3 of 4 operations').waitFor();
        expect(await axeViolations(page)).toEqual([]);
        expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      }
    }
  });
});
