import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { axeViolations, pasteKey, sandboxKey, useConsole, type VisitOptions } from '../kit/console.ts';
import { api, connectKey, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);

/** The operator, in a room of theirs. */
async function enter(room: string, heading: string, options: VisitOptions = {}): Promise<Page> {
  const page = await visitors.visit(options);
  const { email, password } = product.dev().operator;
  const answer = await page.context().request.post('/api/auth/sign-in', { data: { email, password } });
  expect(answer.status()).toBe(200);
  await page.goto(`/operator/${room}`);
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  return page;
}

const asOperator = <T>(method: string, path: string, body?: unknown) =>
  api<T>(product, method, path, { token: product.dev().operator.api_token, ...(body === undefined ? {} : { body }) });

interface SharedKey {
  id: string;
  provider: string;
  last4: string;
  zero_retention: boolean;
}
const sharedKeys = async (provider: string) =>
  (await asOperator<{ data: SharedKey[] }>('GET', `/api/operator/platform-keys?provider=${provider}`)).body.data;

async function ask(model: string): Promise<number> {
  const { gateway_url, companies } = product.dev();
  const response = await fetch(`${gateway_url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${companies[0]?.gateway_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, max_tokens: 32, messages: [{ role: 'user', content: 'Hi.' }] }),
  });
  await response.text();
  return response.status;
}
const model = (provider: string) => `${provider}/${product.dev().sandbox.providers[provider]?.model}`;

beforeAll(async () => {
  await connectKey(product, 'mistral', sandboxKey(product, 'mistral'));
  for (let count = 0; count < 6; count++) expect(await ask(model('openai'))).toBe(200);
  expect(await ask(model('mistral'))).toBe(200);
}, 60_000);

describe('shared keys', () => {
  it('are connected the same sealed way, bound to no company, for no custom address', async () => {
    const before = (await sharedKeys('mistral')).length;
    const page = await enter('keys', 'Shared keys');
    await page.getByText('These keys pay for everyone without an own key, and for fallbacks.').waitFor();
    await page.getByRole('button', { name: 'Connect a key' }).first().click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Mistral/ })
      .waitFor();
    expect(await page.getByRole('dialog').getByText('Custom endpoint').count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await pasteKey(page, 'Mistral', sandboxKey(product, 'mistral'), 'Second');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.waitForURL(/\/operator\/keys$/);
    expect((await sharedKeys('mistral')).length).toBe(before + 1);
  });

  it('show one key, take the word on its provider with Undo, and say who would fail before it is removed', async () => {
    const [key] = await sharedKeys('openai');
    const page = await enter('keys', 'Shared keys');
    await page.getByRole('link', { name: 'OpenAI', exact: true }).click();
    await page.getByText('1 company used it in the last 30 days.').waitFor();
    const retention = page.getByRole('checkbox', { name: /keeps nothing of what this key sends/ });
    await retention.check();
    await page.getByText('counts as zero retention.').waitFor();
    expect((await sharedKeys('openai'))[0]?.zero_retention).toBe(true);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone.').waitFor();
    expect((await sharedKeys('openai'))[0]?.zero_retention).toBe(false);
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.getByText(/OpenAI .*: Valid\./).waitFor();
    await page.goto(`/operator/keys/${key?.id}/remove`);
    const question = page.getByRole('alertdialog');
    await question.getByText('1 company uses it. 1 has no own key and will fail with key.missing.').waitFor();
    await question.getByRole('button', { name: 'Keep key' }).click();
    await question.waitFor({ state: 'detached' });
    expect(await sharedKeys('openai')).toHaveLength(1);
  });

  it('are turned off and removed from their menu', async () => {
    const second = (await sharedKeys('mistral')).at(-1);
    const page = await enter(`keys/${second?.id}`, 'Mistral');
    await page.getByRole('button', { name: /^More for/ }).click();
    expect(await page.getByRole('menuitem', { name: /Use (my|shared) key/ }).count()).toBe(0);
    await page.getByRole('menuitem', { name: 'Turn off' }).click();
    await page.getByRole('button', { name: 'Turn on' }).waitFor();
    await page.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove key' }).click();
    await page.waitForURL(/\/operator\/keys$/);
    expect((await sharedKeys('mistral')).some(({ id }) => id === second?.id)).toBe(false);
  });
});

describe('health', () => {
  it('says how the installation and each provider do, as bars and as a table, at one address each', async () => {
    const page = await enter('health', 'Health');
    const tile = (name: string) =>
      page.getByRole('listitem').filter({ has: page.getByRole('heading', { name, exact: true }) });
    await tile('Workers').getByText('OK', { exact: true }).waitFor();
    await tile('Database').getByText('Slow from 50 ms, down from 1 s.').waitFor();
    await page.getByText('7 requests in 5 min, 100 % answered.').waitFor();
    await page.getByRole('radio', { name: 'Table' }).click();
    await page.waitForURL(/view=table/);
    await page.reload();
    await page.getByRole('row', { name: /^OpenAI OK 6 100 %.*0 % \(0 of 6\)/ }).waitFor();
  });

  it('a part that could not be read hides no other', async () => {
    const page = await enter('health', 'Health');
    await page.route('**/api/operator/health', async (route) => {
      const answer = await route.fetch();
      const body = await answer.json();
      await route.fulfill({
        response: answer,
        json: { ...body, unread: ['prices', 'providers'], prices: null, providers: null },
      });
    });
    await page.reload();
    const prices = page
      .getByRole('listitem')
      .filter({ has: page.getByRole('heading', { name: 'Prices', exact: true }) });
    await prices.getByText('Not read').waitFor();
    await page.getByRole('listitem').filter({ hasText: 'Workers' }).getByText('OK', { exact: true }).waitFor();
  });
});

describe('the master key', () => {
  it('is told by id, age and dates, rotated from here, and followed to its end', async () => {
    const before = (await asOperator<{ current: { id: string } }>('GET', '/api/operator/kek')).body.current.id;
    const page = await enter('master-key', 'Master key');
    await page.getByRole('row', { name: new RegExp(`^${before} In use`) }).waitFor();
    await page.getByText('None. Every stored key opens.').waitFor();
    await page.getByRole('button', { name: 'Rotate', exact: true }).click();
    await page.waitForURL(/rotate=yes/);
    const question = page.getByRole('alertdialog');
    await question.getByText(/ rows are wrapped again under a new master key: 12 stored keys,/).waitFor();
    await question.getByRole('button', { name: 'Rotate now' }).click();
    await page.getByText('Now back up the master key file.').waitFor({ timeout: 60_000 });
    await page.getByText(/(\d+) of \1 rewrapped, 0 failed/).waitFor();
    await page.getByRole('row', { name: new RegExp(`^${before} Replaced`) }).waitFor();
    const { body } = await asOperator<{ current: { id: string } }>('GET', '/api/operator/kek');
    expect(body.current.id).not.toBe(before);
    expect(await ask(model('openai'))).toBe(200);
  }, 90_000);

  it('names rows that cannot be opened by company and id, a rotation that stands still, and dates that have passed', async () => {
    const page = await enter('master-key', 'Master key');
    const company = product.dev().companies[0]?.id;
    const past = new Date(Date.now() - 10 * 86_400_000).toISOString();
    await page.route('**/api/operator/kek', async (route) => {
      const answer = await route.fetch();
      const body = await answer.json();
      const rotation = {
        ...body.rotation,
        step: 'rewrapping',
        rows_total: 12,
        rows_done: 6,
        changed_at: past,
        finished_at: null,
      };
      await route.fulfill({
        response: answer,
        json: {
          ...body,
          rotation: { ...rotation, damaged: ['key_broken'], waiting_for: ['worker_slow'] },
          epoch: { ...body.epoch, ends_at: past, destroy_by: past, overdue: true, removed_unreadable_by: null },
          unopenable: {
            count: 2,
            keys: [
              { id: 'key_1', company },
              { id: 'key_2', company: null },
            ],
          },
        },
      });
    });
    await page.reload();
    await page.getByText('6 of 12 rewrapped, 1 failed').waitFor();
    await page.getByText(/Nothing moved since/).waitFor();
    await page.getByText('Still without it: worker_slow').waitFor();
    await page.getByText('key_broken').waitFor();
    await page.getByText(/A rotation is overdue since/).waitFor();
    await page.getByText('no date is promised', { exact: true }).waitFor();
    await page.getByRole('row', { name: `${company} key_1` }).waitFor();
    await page.getByRole('row', { name: 'Shared key key_2' }).waitFor();
    await page.getByRole('button', { name: 'Rotate', exact: true }).focus();
    await page.getByText('A rotation is under way.').waitFor();
    expect(await axeViolations(page)).toEqual([]);
  });
});

describe('companies', () => {
  const made = async (name: string, plan: string) =>
    (await asOperator<{ id: string }>('PUT', `/api/companies/${name.toLowerCase()}`, { name, plan })).body.id;

  it('are found by name, plan and state, each at an address, with sums and no way in', async () => {
    await made('Quietly', 'free');
    const page = await enter('companies', 'Companies');
    await page.getByText('Customer keys are theirs: you see only their state.').waitFor();
    await page.getByRole('row', { name: /^Quietly .* No trouble/ }).waitFor();
    await page.getByLabel('Plan', { exact: true }).selectOption('free');
    await page.waitForURL(/plan=free/);
    await page.getByLabel('State', { exact: true }).selectOption('ai_off');
    await page.waitForURL(/state=ai_off/);
    await page.getByText('No company matches these filters.').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByRole('searchbox', { name: 'Search name or id' }).fill('quiet');
    await page.waitForURL(/q=quiet/);
    await page.reload();
    await page.getByRole('link', { name: 'Quietly' }).waitFor();
    expect(await page.getByRole('link', { name: product.dev().companies[0]?.name ?? '' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: /sign in/i }).count()).toBe(0);
  });

  it('change plan once it was said what that does', async () => {
    const { id, name, plan } = product.dev().companies[0] ?? { id: '', name: '', plan: '' };
    const page = await enter(`companies/${id}`, name);
    await page.getByLabel('Move to').selectOption('free');
    await page.getByText(/1 connected key stops being used\. It stays stored\./).waitFor();
    await page.getByRole('button', { name: 'Change plan' }).click();
    await page.getByText(/is on .* now\./).waitFor();
    expect((await asOperator<{ plan: string }>('GET', `/api/operator/companies/${id}`)).body.plan).toBe('free');
    await page.getByLabel('Move to').selectOption(plan);
    await page.getByText(/1 stored key is used again\./).waitFor();
    await page.getByRole('button', { name: 'Change plan' }).click();
    await expect
      .poll(async () => (await asOperator<{ plan: string }>('GET', `/api/operator/companies/${id}`)).body.plan)
      .toBe(plan);
  });

  it('are erased only with their name typed', async () => {
    const id = await made('Leaving', 'free');
    const page = await enter(`companies/${id}`, 'Leaving');
    await page.getByRole('button', { name: 'Erase company' }).click();
    await page.waitForURL(/erase=yes/);
    const question = page.getByRole('alertdialog');
    await question.getByText(/Backups keep copies until they expire/).waitFor();
    const confirm = question.getByRole('button', { name: 'Erase company' });
    await question.getByLabel('Type Leaving to erase it').fill('leaving');
    await confirm.click({ force: true });
    await question.getByText('Type the name exactly as it stands.').waitFor();
    expect((await asOperator('GET', `/api/operator/companies/${id}`)).status).toBe(200);
    await question.getByLabel('Type Leaving to erase it').fill('Leaving');
    await confirm.click();
    await page.waitForURL(/\/operator\/companies$/);
    expect((await asOperator('GET', `/api/operator/companies/${id}`)).status).toBe(404);
  });
});

/** Address, and what stands there once it is loaded. */
const ROOMS = [
  ['companies', 'No trouble'],
  [`companies?state=ai_off`, 'No company matches these filters.'],
  ['keys', 'Sandbox'],
  ['health', 'answered.'],
  ['health?view=table', 'Errors, own keys'],
  ['master-key', 'Removed keys unreadable in backups after'],
  ['master-key?rotate=yes', 'Rotate the master key?'],
] as const;

it.each(['light', 'dark'] as const)(
  'no room breaks a rule of axe or scrolls sideways (%s)',
  async (theme) => {
    for (const width of [1280, 360]) {
      const page = await enter('companies', 'Companies', { theme, width });
      for (const [room, shown] of ROOMS) {
        await page.goto(`/operator/${room}`);
        await page.getByText(shown).first().waitFor();
        expect(await axeViolations(page), room).toEqual([]);
        expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      }
    }
  },
  90_000,
);
