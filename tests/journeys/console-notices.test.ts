import { beforeAll, expect, it } from 'vitest';
import { axeViolations, sandboxKey, secureField, useConsole } from '../kit/console.ts';
import { createMember, enterAsMember } from '../kit/member.ts';
import { api, connectKey, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);

const company = () => {
  const [first] = product.dev().companies;
  if (first === undefined) throw new Error('no demo company');
  return first;
};

/** One small call of the gateway; resolves to what its headers say of who paid. */
async function call(provider: string): Promise<{ status: number; source: string | null; fallback: string | null }> {
  const response = await fetch(`${product.dev().gateway_url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${company().gateway_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: `${provider}/${product.dev().sandbox.providers[provider]?.model}`,
      max_tokens: 64,
      messages: [{ role: 'user', content: 'Hello' }],
    }),
  });
  await response.text();
  const { headers, status } = response;
  return { status, source: headers.get('x-ownkey-key-source'), fallback: headers.get('x-ownkey-fallback') };
}

beforeAll(async () => {
  await createMember(product);
}, 60_000);

it('a key that fails: the banner says who pays and why, replacing the key ends it, and the end says itself', async () => {
  const connected = await connectKey(product, 'openai', sandboxKey(product, 'openai', 'no_credit'));
  expect(connected.status).toBe(201);
  for (const _ of [1, 2])
    expect(await call('openai')).toEqual({ status: 200, source: 'platform', fallback: 'no_credit' });
  const page = await visitors.enter();
  const banner = page.getByRole('status').filter({ hasText: 'shared key since' });
  await banner
    .getByText(/^OpenAI runs on .* shared key since \d\d:\d\d: your key ••••\w{4} is out of credit\. 2 requests, /)
    .waitFor();
  await page
    .getByRole('row', { name: /^OpenAI/ })
    .getByText('Shared, fallback')
    .waitFor();
  expect(await axeViolations(page)).toEqual([]);

  await banner.getByRole('link', { name: 'Replace key' }).click();
  const dialog = page.getByRole('dialog', { name: /^Replace/ });
  await secureField(dialog).input.fill(sandboxKey(product, 'openai'));
  await dialog.getByRole('button', { name: 'Test and replace' }).click();
  await page
    .getByText(/^Your OpenAI key ••••\w{4} works again since \d\d:\d\d\..* The shared key answered 2 requests/)
    .waitFor();
  expect(await call('openai')).toEqual({ status: 200, source: 'own', fallback: null });
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await page.getByText('works again since', { exact: false }).waitFor({ state: 'detached' });
}, 60_000);

it('where calls stop the banner stays until somebody acts; a member reads it, and the page of notices keeps what ended', async () => {
  const connected = await connectKey(product, 'anthropic', sandboxKey(product, 'anthropic'));
  await api(product, 'PUT', '/api/providers/anthropic/source', { body: { source: 'own', on_failure: 'stop' } });
  const page = await visitors.enter();
  await page.goto(`/c/${company().id}/keys/${connected.body.id}/replace`);
  const dialog = page.getByRole('dialog', { name: /^Replace/ });
  await secureField(dialog).input.fill(sandboxKey(product, 'anthropic', 'no_credit'));
  await dialog.getByRole('button', { name: 'Test and replace' }).click();
  await page.getByText(/^Anthropic requests fail since \d\d:\d\d: your key ••••\w{4} is out of credit\./).waitFor();
  const stopped = await call('anthropic');
  expect([stopped.status >= 400, stopped.source, stopped.fallback]).toEqual([true, 'own', null]);

  const member = await enterAsMember(product, visitors);
  await member.goto(`/c/${company().id}/notices`);
  await member.getByText('Anthropic requests fail since', { exact: false }).waitFor();
  await member.getByText(/^Anthropic requests fail since .* 1 request failed; nobody else paid\.$/).waitFor();
  expect(await member.getByRole('button', { name: 'Use shared key' }).count()).toBe(0);

  for (const theme of ['light', 'dark'] as const)
    for (const width of [1280, 360]) {
      const visitor = await visitors.enter({ theme, width });
      await visitor.getByText('Anthropic requests fail since', { exact: false }).waitFor();
      expect(await visitor.getByRole('status').getByRole('button', { name: 'Close' }).count()).toBe(0);
      await visitor.goto(`/c/${company().id}/notices`);
      await visitor.getByRole('heading', { level: 2, name: 'Ended' }).waitFor();
      expect(await axeViolations(visitor)).toEqual([]);
    }

  await page.goto(`/c/${company().id}/notices`);
  await page.getByRole('button', { name: 'Use shared key' }).click();
  await page.getByText('Anthropic now uses the shared key. Your key stays stored.').waitFor();
  await page.getByText('Nothing needs your attention.').waitFor();
  await page.getByText('Who pays for Anthropic was decided anew', { exact: false }).waitFor();
  expect(await call('anthropic')).toEqual({ status: 200, source: 'platform', fallback: null });
}, 120_000);
