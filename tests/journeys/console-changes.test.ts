import { readFileSync } from 'node:fs';
import { runningWorkerUrl } from '@ownkey/cli/postgres/running';
import { Client } from 'pg';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { sandboxKey, secureField, useConsole } from '../kit/console.ts';
import { api, connectKey, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);

/** Runs one AI call on the gateway; resolves to its headers. */
async function callGateway(model: string, status = 200): Promise<Headers> {
  const dev = product.dev();
  const response = await fetch(`${dev.gateway_url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${dev.companies[0]?.gateway_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
  });
  expect(response.status, await response.text()).toBe(status);
  return response.headers;
}
const modelOf = (provider: string) => `${provider}/${product.dev().sandbox.providers[provider]?.model}`;
const rowOf = (page: Page, provider: string) => page.getByRole('row', { name: new RegExp(`^${provider}`) });

beforeAll(async () => {
  for (const provider of ['openai', 'anthropic', 'groq']) {
    const { status } = await connectKey(product, provider, sandboxKey(product, provider));
    expect(status).toBeLessThan(300);
  }
}, 60_000);

describe('a connected key', () => {
  it('is replaced only by a key that passes its test, and is then in use', async () => {
    const page = await visitors.enter();
    const second = sandboxKey(product, 'openai').replace(/.{4}$/, 'Zz42');
    const before = sandboxKey(product, 'openai').slice(-4);
    await rowOf(page, 'OpenAI').getByRole('link', { name: 'OpenAI' }).click();
    await page.getByRole('button', { name: 'Replace key' }).click();
    const dialog = page.getByRole('dialog', { name: `Replace OpenAI ••••${before}` });
    await secureField(dialog).input.fill(sandboxKey(product, 'openai', 'invalid'));
    await dialog.getByRole('button', { name: 'Test and replace' }).click();
    await dialog.getByText(/^OpenAI rejected the new key: .+Nothing changed/).waitFor();
    expect((await callGateway(modelOf('openai'))).get('x-ownkey-key-last4')).toBe(before);

    await secureField(dialog).input.fill(second);
    await dialog.getByRole('button', { name: 'Test and replace' }).click();
    await dialog.getByText('The new key ••••Zz42 is in use.').waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('heading', { level: 1, name: /OpenAI.*Zz42/ }).waitFor();
    expect((await callGateway(modelOf('openai'))).get('x-ownkey-key-last4')).toBe('Zz42');
  });

  it('whose stored copy is damaged is shown as such beside the others, and works again once it is pasted anew', async () => {
    const key = sandboxKey(product, 'mistral');
    const { body } = await connectKey(product, 'mistral', key);
    const database = new Client({ connectionString: runningWorkerUrl(product.directory) ?? '' });
    await database.connect();
    await database.query('UPDATE envelopes SET body = set_byte(body, 20, get_byte(body, 20) # 1) WHERE key_id = $1', [
      body.id,
    ]);
    await database.end();
    expect((await callGateway(modelOf('mistral'), 424)).get('x-ownkey-error-code')).toBe('key.undecryptable');

    const page = await visitors.enter();
    await rowOf(page, 'Mistral').getByText('Invalid · cannot be opened').waitFor();
    await rowOf(page, 'OpenAI').getByText('Valid').waitFor();
    await rowOf(page, 'Mistral').getByRole('link', { name: 'Mistral' }).click();
    await page.getByText(/The stored copy cannot be opened any more/).waitFor();
    await page.getByRole('button', { name: 'Replace key' }).first().click();
    const dialog = page.getByRole('dialog', { name: /^Replace Mistral/ });
    await secureField(dialog).input.fill(key);
    await dialog.getByRole('button', { name: 'Test and replace' }).click();
    await dialog.getByText(/is in use\.$/).waitFor();
    expect((await callGateway(modelOf('mistral'))).get('x-ownkey-key-source')).toBe('own');
  });

  it('gives way to the shared key at once, and comes back by Undo', async () => {
    const page = await visitors.enter();
    const row = rowOf(page, 'Anthropic');
    await row.getByRole('button', { name: /^More for Anthropic/ }).click();
    await page.getByRole('menuitem', { name: 'Use shared key' }).click();
    await page.getByText('Anthropic now uses the shared key. Your key stays stored.').waitFor();
    await row.getByText('Shared key').waitFor();
    expect((await callGateway(modelOf('anthropic'))).get('x-ownkey-key-source')).toBe('platform');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone.').waitFor();
    await row.getByText('Your key').waitFor();
    expect((await callGateway(modelOf('anthropic'))).get('x-ownkey-key-source')).toBe('own');
  });

  it('is removed only after saying which key, and who pays then', async () => {
    const page = await visitors.enter();
    const last4 = sandboxKey(product, 'groq').slice(-4);
    await rowOf(page, 'Groq')
      .getByRole('button', { name: /^More for Groq/ })
      .click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    const dialog = page.getByRole('alertdialog', { name: new RegExp(`^Remove Groq key .*${last4}\\?$`) });
    await dialog.getByText("After that, Groq requests use the product's shared key and draw credits.").waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Keep key');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    const listed = await api<{ data: { provider: string }[] }>(product, 'GET', '/api/keys');
    expect(listed.body.data.some((key) => key.provider === 'groq')).toBe(true);

    await page.getByRole('button', { name: /^More for Groq/ }).click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    await dialog.getByRole('button', { name: 'Remove key' }).click();
    await page.getByText(/^Removed at \d\d:\d\d:\d\d\. Groq requests now use the shared key\.$/).waitFor();
    await rowOf(page, 'Groq').getByRole('button', { name: 'Connect Groq' }).waitFor();
    expect((await callGateway(modelOf('groq'))).get('x-ownkey-key-source')).toBe('platform');
  });
});

describe('two people at one key', () => {
  it('the later change is not saved over the earlier one, and says so', async () => {
    const page = await visitors.enter();
    await rowOf(page, 'OpenAI').getByRole('link', { name: 'OpenAI' }).click();
    await page.getByRole('button', { name: 'Change label' }).click();
    await page.getByLabel('Label').fill('Mine');
    const { body } = await api<{ data: { id: string; provider: string }[] }>(product, 'GET', '/api/keys');
    const id = body.data.find((key) => key.provider === 'openai')?.id ?? '';
    await api(product, 'PATCH', `/api/keys/${id}`, { body: { label: 'Theirs' } });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').getByText('conflict.changed').waitFor();
    expect(await page.getByLabel('Label').inputValue()).toBe('Mine');
    const after = await api<{ label: string }>(product, 'GET', `/api/keys/${id}`);
    expect(after.body.label).toBe('Theirs');
  });
});

describe('the record', () => {
  it('shows a call with its model, payer and last four, and every field of it under its own address', async () => {
    const headers = await callGateway(modelOf('openai'));
    const request = headers.get('x-ownkey-request-id') ?? '';
    const last4 = headers.get('x-ownkey-key-last4') ?? '';
    const page = await visitors.enter();
    await page.getByRole('link', { name: 'Audit' }).click();
    const search = page.getByLabel('Search request id, model, person');
    await search.fill(request);
    await page.waitForURL(/q=req_/);
    const row = page.getByRole('row').filter({ hasText: product.dev().sandbox.providers.openai?.model ?? '' });
    await row.getByText('Your key').waitFor();
    await row.getByText(last4).waitFor();
    await row.getByRole('link').click();
    const sheet = page.getByRole('dialog', { name: 'Call' });
    await sheet.getByText(request).first().waitFor();
    expect(new URL(page.url()).pathname).toContain(`/audit/${request}`);
    await page.reload();
    await sheet.getByText(request).first().waitFor();
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    expect(page.url()).toContain(`q=${request}`);
  });

  it('filters in its address and clears the filters when nothing matches', async () => {
    const page = await visitors.enter();
    await page.goto(page.url().replace(/\/keys$/, '/audit?kind=token&status=failed'));
    await page.getByText('Nothing matches these filters.').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByRole('table').waitFor();
    expect(new URL(page.url()).search).toBe('');
  });

  it('is kept as a file with the filters of the room; a refusal is said in place', async () => {
    const page = await visitors.enter();
    await page.goto(`/c/${product.dev().companies[0]?.id}/audit?kind=key`);
    const exporting = page.getByRole('button', { name: 'Export JSON' });
    const [download] = await Promise.all([page.waitForEvent('download'), exporting.click()]);
    expect(download.suggestedFilename()).toBe('audit.json');
    const kept = JSON.parse(readFileSync(await download.path(), 'utf8'));
    const { body } = await api<{ data: { id: string; kind: string }[] }>(product, 'GET', '/api/audit?kind=key');
    expect(body.data.length).toBeGreaterThan(0);
    expect(kept.data.map(({ id }: { id: string }) => id)).toEqual(body.data.map(({ id }) => id));
    await page.route('**/api/audit.csv**', (route) =>
      route.fulfill({ status: 400, json: { title: 'more than 20000 lines', code: 'request.invalid' } }),
    );
    await page.getByRole('button', { name: 'Export CSV' }).click();
    await page.getByRole('dialog', { name: 'Export CSV' }).getByText('more than 20000 lines').waitFor();
  });

  it('is verified from the first entry to the newest sealed one', async () => {
    const page = await visitors.enter();
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText(/^[\d,]+ entries checked, chain unbroken up to .+ UTC\.$/).waitFor();
  });
});
