import type { Page } from 'playwright-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { axeViolations, sandboxKey, useConsole } from '../kit/console.ts';
import { createMember, enterAsMember } from '../kit/member.ts';
import { api, connectKey, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);
const PRESET = { per_request_usd: '10', per_day_usd: '10', per_month_usd: '100' };

const company = () => {
  const [first] = product.dev().companies;
  if (first === undefined) throw new Error('no demo company');
  return first;
};
const model = () => product.dev().sandbox.providers.openai?.model ?? '';

interface Caps {
  company: Record<string, string | null>;
  me: Record<string, string | null>;
}
const caps = async () => (await api<Caps>(product, 'GET', '/api/caps')).body;

/** One small call of the gateway; resolves to its status. */
async function call(name = model()): Promise<number> {
  const response = await fetch(`${product.dev().gateway_url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${company().gateway_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: `openai/${name}`,
      max_tokens: 64,
      messages: [{ role: 'user', content: 'Hello' }],
    }),
  });
  await response.text();
  return response.status;
}

const setPrice = (usd: string) =>
  api(product, 'PUT', '/api/prices', {
    body: { provider: 'openai', model: model(), input_usd_per_mtok: usd, output_usd_per_mtok: usd },
  });

async function openCaps(page: Page) {
  await page.goto(`/c/${company().id}/spend/caps`);
  const form = page.getByRole('group', { name: 'Company', exact: true });
  await form.waitFor();
  return { form, save: page.getByRole('button', { name: 'Save caps' }) };
}

beforeAll(async () => {
  await createMember(product);
  expect((await connectKey(product, 'openai', sandboxKey(product, 'openai'))).status).toBe(201);
}, 60_000);

beforeEach(async () => {
  expect((await api(product, 'PUT', '/api/caps', { body: { company: PRESET } })).status).toBe(200);
});

describe('caps', () => {
  it('are read back as typed, with a comma as with a point, and hold after saving', async () => {
    const page = await visitors.enter();
    await page.getByRole('link', { name: 'Spend' }).click();
    await page.getByRole('heading', { level: 1, name: 'Spend' }).waitFor();
    await page.getByRole('meter', { name: 'Today' }).waitFor();
    await page.getByRole('button', { name: 'Edit caps' }).click();
    const form = page.getByRole('group', { name: 'Company', exact: true });
    await form.getByLabel('A day', { exact: true }).fill('12,5');
    await form.getByText('= $12.50 a day').waitFor();
    await form.getByLabel('A month', { exact: true }).fill('1.000,00');
    await form.getByText('= $1,000.00 a month').waitFor();
    await page.getByRole('button', { name: 'Save caps' }).click();
    await page.getByText('Caps saved. They hold from now on.').waitFor();
    await page.getByRole('meter', { name: 'Today' }).waitFor();
    expect((await caps()).company).toMatchObject({ per_day_usd: '12.5', per_month_usd: '1000' });
  });

  it('over the maximum, or no amount at all, are refused in place and nothing is saved', async () => {
    const page = await visitors.enter();
    const { form, save } = await openCaps(page);
    const day = form.getByLabel('A day', { exact: true });
    await day.fill('100.01');
    await form.getByText('Between $0.00 and $100.00.').waitFor();
    await form.getByText('request.invalid').waitFor();
    await save.click();
    expect(await day.getAttribute('aria-invalid')).toBe('true');
    for (const text of ['-1', 'ten', '1,2,3']) {
      await day.fill(text);
      await form.getByText('This is no amount. Type it like 10.00.').waitFor();
    }
    await save.click();
    await page.locator('input:focus[aria-invalid="true"]').waitFor();
    expect((await caps()).company).toEqual(PRESET);
  });

  it('below what is used pause AI only when that was said twice, and raising resumes it', async () => {
    await setPrice('1000');
    expect(await call()).toBe(200);
    const page = await visitors.enter();
    const { form, save } = await openCaps(page);
    await form.getByLabel('A day', { exact: true }).fill('0.001');
    await form.getByText(/^Already used: .+ Saving pauses AI until 00:00 UTC\.$/).waitFor();
    await save.click();
    const question = page.getByRole('alertdialog', { name: 'Pause AI now?' });
    await question.getByRole('button', { name: 'Keep cap' }).click();
    await question.waitFor({ state: 'detached' });
    expect((await caps()).company.per_day_usd).toBe('10');

    await save.click();
    await question.getByRole('button', { name: 'Pause AI' }).click();
    const banner = page.getByRole('status').filter({ hasText: "AI is paused: today's $0.0010 cap is reached." });
    await banner.waitFor();
    await page.getByText('cap reached, AI is paused').waitFor();
    expect(await call()).toBe(402);

    await banner.getByRole('link', { name: 'Raise cap' }).click();
    await form.getByLabel('A day', { exact: true }).fill('50');
    await form.getByText('Saving resumes AI at once.').waitFor();
    await save.click();
    await banner.waitFor({ state: 'detached' });
    expect(await call()).toBe(200);
  });

  it('changed by somebody else meanwhile are not overwritten unseen, and what was typed stays', async () => {
    const page = await visitors.enter();
    const { form, save } = await openCaps(page);
    const day = form.getByLabel('A day', { exact: true });
    await day.fill('20');
    await api(product, 'PUT', '/api/caps', { body: { company: { per_month_usd: '77' } } });
    await save.click();
    const panel = page.getByRole('alert').filter({ hasText: 'conflict.changed' });
    await panel.getByRole('button', { name: 'Load the newest, keep what I typed' }).click();
    await panel.waitFor({ state: 'detached' });
    expect(await day.inputValue()).toBe('20');
    expect(await form.getByLabel('A month', { exact: true }).inputValue()).toBe('77.00');
    await save.click();
    await page.getByText('Caps saved. They hold from now on.').waitFor();
    expect((await caps()).company).toMatchObject({ per_day_usd: '20', per_month_usd: '77' });
  });

  it('that were typed are not lost by leaving without a question', async () => {
    const page = await visitors.enter();
    const { form } = await openCaps(page);
    const day = form.getByLabel('A day', { exact: true });
    await day.fill('33');
    await page.getByRole('link', { name: 'Prices' }).click();
    const question = page.getByRole('alertdialog', { name: 'Leave without saving?' });
    await question.getByRole('button', { name: 'Keep editing' }).click();
    expect(await day.inputValue()).toBe('33');
    await page.getByRole('link', { name: 'Prices' }).click();
    await question.getByRole('button', { name: 'Discard' }).click();
    await page.getByLabel('Search models').waitFor();
    expect((await caps()).company).toEqual(PRESET);
  });

  it('are changed by keyboard alone', async () => {
    const page = await visitors.enter();
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.getByRole('meter', { name: 'Today' }).waitFor();
    const focused = () => page.evaluate<string>('document.activeElement.textContent || document.activeElement.id');
    for (let tabs = 0; tabs < 20 && (await focused()) !== 'Edit caps'; tabs++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const day = page.getByRole('group', { name: 'Company', exact: true }).getByLabel('A day', { exact: true });
    await day.waitFor();
    const label = () => page.evaluate<string | undefined>('document.activeElement.labels?.[0]?.textContent');
    for (let tabs = 0; tabs < 30 && (await label()) !== 'A day'; tabs++) await page.keyboard.press('Tab');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('15,5');
    await page.keyboard.press('Enter');
    await page.getByText('Caps saved. They hold from now on.').waitFor();
    expect((await caps()).company.per_day_usd).toBe('15.5');
  });

  it('are raised for a while and end by themselves, or at once', async () => {
    const page = await visitors.enter();
    const { form, save } = await openCaps(page);
    await form.getByRole('button', { name: 'Raise for a while A day' }).click();
    await form.getByLabel('Raise to').fill('40');
    await form.getByLabel('For', { exact: true }).selectOption({ label: '3 days' });
    await save.click();
    await page.getByText(/^raised until /).waitFor();
    const raised = await api<{ raises: unknown[] }>(product, 'GET', '/api/caps');
    expect(raised.body.raises).toMatchObject([{ for: 'company', field: 'per_day_usd', to_usd: '40' }]);
    const again = await openCaps(page);
    await again.form.getByRole('button', { name: 'End the raise now' }).click();
    await again.save.click();
    await page.getByText('Caps saved. They hold from now on.').waitFor();
    expect((await api<{ raises: unknown[] }>(product, 'GET', '/api/caps')).body.raises).toEqual([]);
  });
});

describe('a member', () => {
  it("sees the company's caps and whom to ask, and lowers only their own", async () => {
    const page = await enterAsMember(product, visitors);
    await page.getByRole('link', { name: 'Spend' }).click();
    await page.getByRole('button', { name: 'Edit caps' }).click();
    await page.getByText(/^Only admins can change company caps\. Ask .*Ana/).waitFor();
    await page
      .getByRole('row', { name: /^A day/ })
      .getByText('$10.00')
      .waitFor();
    expect(await page.getByRole('group', { name: 'Company', exact: true }).count()).toBe(0);
    const own = page.getByRole('group', { name: 'Your own caps' });
    await own.getByLabel('A day', { exact: true }).fill('2,50');
    await page.getByRole('button', { name: 'Save caps' }).click();
    await page.getByText('Caps saved. They hold from now on.').waitFor();
    await page.getByRole('radio', { name: 'Me' }).click();
    await page.getByText('$2.50').waitFor();
    expect((await caps()).company).toEqual(PRESET);
  });

  it('finds prices read-only', async () => {
    const page = await enterAsMember(product, visitors);
    await page.goto(`/c/${company().id}/spend/prices`);
    const set = page.getByRole('button', { name: 'Set price', exact: true });
    await set.hover();
    await page
      .getByText(/^Only admins set prices\. Ask .*Ana/)
      .first()
      .waitFor();
    expect(await set.getAttribute('aria-disabled')).toBe('true');
  });
});

describe('prices', () => {
  it('of their own hold from the next call on, whose entry names them', async () => {
    const page = await visitors.enter();
    await page.goto(`/c/${company().id}/spend/prices?of=openai&model=${model()}`);
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Input, per 1M tokens').fill('123,5');
    await dialog.getByText('= $123.50 per 1M tokens').first().waitFor();
    await dialog.getByLabel('Output, per 1M tokens').fill('200');
    await dialog.getByRole('button', { name: 'Save price' }).click();
    await page.getByText(`The price of ${model()} is set.`).waitFor();
    await dialog.waitFor({ state: 'detached' });
    expect(await call()).toBe(200);

    await page.goto(`/c/${company().id}/audit?kind=call`);
    await page.getByRole('row').filter({ hasText: model() }).first().getByRole('link').click();
    const entry = page.getByRole('dialog', { name: 'Call' });
    await entry.getByText('Your price').waitFor();
    await entry.getByText('$123.50 per 1M input tokens').waitFor();
    await entry.getByText('from the tokens the provider counted').waitFor();
  });

  it('are removed again, and the price list holds', async () => {
    await setPrice('5');
    const page = await visitors.enter();
    await page.goto(`/c/${company().id}/spend/prices?provider=openai&q=${model()}`);
    const own = page.getByRole('row').filter({ hasText: 'Your price' });
    await own.getByRole('button', { name: `More for ${model()}` }).click();
    await page.getByRole('menuitem', { name: 'Remove own price' }).click();
    await page.getByText(`The own price of ${model()} is removed.`).waitFor();
    await own.waitFor({ state: 'detached' });
  });

  it('that nobody knows are "No price", not nothing', async () => {
    await call('model-without-a-price');
    const page = await visitors.enter();
    await page.goto(`/c/${company().id}/spend/prices?unknown=true`);
    const row = page.getByRole('row').filter({ hasText: 'model-without-a-price' });
    await row.getByText('No price').waitFor();
    expect(await row.getByText('$0').count()).toBe(0);
    await row.getByRole('button', { name: /^Set price/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Set price' });
    expect(await dialog.getByLabel('Model').inputValue()).toBe('model-without-a-price');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });
});

describe('alerts', () => {
  it('go to the people that are named, and are listed with what was sent', async () => {
    const page = await visitors.enter();
    await page.goto(`/c/${company().id}/spend/alerts`);
    await page.getByRole('button', { name: 'Edit recipients' }).click();
    await page.getByLabel('Addresses').fill('ana@acme.example, finance@acme.example');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Recipients saved.').waitFor();
    await setPrice('1000');
    expect(await call()).toBe(200);
    await api(product, 'PUT', '/api/caps', { body: { company: { per_day_usd: '0.001' } } });
    await page.reload();
    await page.getByText('Cap reached, AI paused').waitFor();
    await page.getByText('finance@acme.example').waitFor();
  });

  it('show the secret of a webhook once', async () => {
    const page = await visitors.enter();
    await page.goto(`/c/${company().id}/spend/alerts`);
    await page.getByRole('button', { name: 'Add webhook' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Address').fill('http://127.0.0.1/hook');
    await dialog.getByRole('button', { name: 'Add webhook' }).click();
    await dialog.getByRole('alert').getByText('webhook.refused').waitFor();
    // An address by number: no name is looked up, and adding calls nobody.
    await dialog.getByLabel('Address').fill('https://1.1.1.1/hook');
    await dialog.getByRole('button', { name: 'Add webhook' }).click();
    const secret = await dialog.getByText(/^whsec_/).textContent();
    await dialog.getByRole('button', { name: 'Done' }).click();
    const row = page.getByRole('row').filter({ hasText: 'https://1.1.1.1/hook' });
    await row.getByRole('button', { name: /^More for/ }).waitFor();
    expect(await page.content()).not.toContain(secret);
    await row.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByText('No webhook yet.').waitFor();
  });
});

describe.each(['light', 'dark'] as const)('%s theme', (theme) => {
  it.each([1280, 360])(
    'breaks no rule of axe at %i px in any part of the room, and none scrolls sideways',
    async (width) => {
      const page = await visitors.enter({ theme, width, reducedMotion: true });
      const base = `/c/${company().id}/spend`;
      const found: Record<string, string[]> = {};
      for (const part of [
        '',
        '?whose=me',
        '/caps',
        '/prices',
        '/prices?unknown=true',
        `/prices?of=openai&model=${model()}`,
        '/alerts',
        '/alerts?add=webhook',
      ]) {
        await page.goto(base + part);
        await page.getByRole('heading').first().waitFor();
        await page.waitForLoadState('networkidle');
        const violations = await axeViolations(page);
        if (violations.length > 0) found[part] = violations;
        const sideways = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
        expect(sideways, `${part} at ${width} px`).toBeLessThanOrEqual(0);
      }
      expect(found).toEqual({});
    },
  );
});

describe('an operator', () => {
  const enter = async (options: Parameters<typeof visitors.visit>[0] = {}) => {
    const page = await visitors.visit(options);
    const { email, password } = product.dev().operator;
    const answer = await page.context().request.post('/api/auth/sign-in', { data: { email, password } });
    expect(answer.status()).toBe(200);
    return page;
  };
  const asOperator = <T>(path: string) => api<T>(product, 'GET', path, { token: product.dev().operator.api_token });

  it('makes a plan, changes it, and removes it while nobody is on it', async () => {
    const page = await enter();
    await page.goto('/operator/plans');
    await page.getByRole('button', { name: 'New plan' }).click();
    await page.getByLabel('Id', { exact: true }).fill('team');
    await page.getByLabel('Name', { exact: true }).fill('Team');
    await page.getByLabel('Credits a month, in USD').fill('12,50');
    await page.getByLabel('Requests a minute').fill('0');
    await page.getByRole('button', { name: 'Save plan' }).click();
    await page.getByText('A whole number from 1 on, or nothing.').waitFor();
    await page.getByLabel('Requests a minute').fill('60');
    await page.getByRole('button', { name: 'Save plan' }).click();
    await page.getByText('Plan Team saved.').waitFor();
    const { body } = await asOperator<Record<string, unknown>>('/api/operator/plans/team');
    expect(body).toMatchObject({ name: 'Team', credits_usd: '12.5', requests_per_minute: 60 });
    await page.getByRole('link', { name: 'Team' }).click();
    await page.getByRole('button', { name: 'Remove plan' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove plan' }).click();
    await page.getByText('Plan Team removed.').waitFor();
    expect((await asOperator('/api/operator/plans/team')).status).toBe(404);
  });

  it('changes policies, which every company meets at once', async () => {
    const page = await enter();
    await page.goto('/operator/policies');
    const most = page.getByRole('group', { name: 'The most a company may set' });
    await most.getByLabel('A day').fill('90');
    await page.getByRole('button', { name: 'Save policies' }).click();
    await page.getByText('Policies saved. They hold from now on.').waitFor();
    expect((await api(product, 'PUT', '/api/caps', { body: { company: { per_day_usd: '95' } } })).status).toBe(400);
  });

  it.each(['light', 'dark'] as const)('finds rooms that break no rule of axe (%s)', async (theme) => {
    for (const width of [1280, 360]) {
      const page = await enter({ theme, width });
      const found: Record<string, string[]> = {};
      for (const room of ['plans', 'plans/-', 'policies', 'prices', 'prices?of=openai&model=x']) {
        await page.goto(`/operator/${room}`);
        await page.getByRole('heading').first().waitFor();
        await page.waitForLoadState('networkidle');
        const violations = await axeViolations(page);
        if (violations.length > 0) found[room] = violations;
        const sideways = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
        expect(sideways, `${room} at ${width} px`).toBeLessThanOrEqual(0);
      }
      expect(found).toEqual({});
    }
  });
});
