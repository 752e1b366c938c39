import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { axeViolations, fieldFocused, sandboxKey, secureField, useConsole } from '../kit/console.ts';
import { api, connectKey, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);
let keyId = '';

beforeAll(async () => {
  await connectKey(product, 'openai', sandboxKey(product, 'openai'), { label: '🚀 שלום <b>label</b> '.repeat(8) });
  await connectKey(product, 'mistral', sandboxKey(product, 'mistral', 'no_credit'));
  const { body } = await api<{ data: { id: string; provider: string }[] }>(product, 'GET', '/api/keys');
  keyId = body.data.find((key) => key.provider === 'openai')?.id ?? '';
}, 60_000);

/** Every room and layer, each from its address. */
const rooms = (): Record<string, string> => ({
  'model keys': '',
  'model keys, nothing found': '?q=nothing-like-this',
  'personal keys': '?scope=personal',
  'choose a provider': '/connect',
  'connect a provider': '/connect/anthropic',
  'connect a custom endpoint': '/connect/custom',
  'one key': `/${keyId}`,
  'replace a key': `/${keyId}/replace`,
  'remove a key': `/${keyId}/remove`,
  audit: '/../audit',
});

async function openRoom(page: Page, base: string, path: string): Promise<void> {
  await page.goto(new URL(base + path).href);
  await page.getByRole('heading').first().waitFor();
  await page.waitForLoadState('networkidle');
}

describe.each(['light', 'dark'] as const)('%s theme', (theme) => {
  it.each([1280, 360])('breaks no rule of axe at %i px, and no room scrolls sideways', async (width) => {
    const signIn = await visitors.visit({ theme, width });
    await signIn.goto('/sign-in');
    await signIn.getByRole('heading', { name: 'Sign in' }).waitFor();
    const found: Record<string, unknown> = { 'sign-in': await axeViolations(signIn) };
    const page = await visitors.enter({ theme, width, reducedMotion: true });
    const base = page.url();
    for (const [room, path] of Object.entries(rooms())) {
      await openRoom(page, base, path);
      found[room] = await axeViolations(page);
      const sideways = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      expect(sideways, `${room} at ${width} px`).toBeLessThanOrEqual(0);
    }
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe(theme);
    expect(
      Object.entries(found).filter(([, violations]) => !Array.isArray(violations) || violations.length > 0),
    ).toEqual([]);
  });
});

describe('by keyboard alone', () => {
  it('a key is connected and found again', async () => {
    const page = await visitors.enter();
    const press = (...keys: string[]) =>
      keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    const focused = () => page.evaluate<string>('document.activeElement.textContent || document.activeElement.id');
    await press('c');
    const chooser = page.getByRole('dialog', { name: 'Connect a key' });
    await chooser.waitFor();
    for (let tabs = 0; tabs < 40 && !(await focused()).includes('DeepSeek'); tabs++) await press('Tab');
    await press('Enter');
    await page.getByRole('dialog', { name: 'Connect DeepSeek' }).waitFor();
    await fieldFocused(page);
    await page.keyboard.insertText(sandboxKey(product, 'deepseek'));
    await press('Enter');
    await page.getByText(/^DeepSeek is connected\./).waitFor();
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await press('/');
    await page.keyboard.type('deepseek');
    await page.waitForURL(/q=deepseek/);
    await page
      .getByRole('row', { name: /^DeepSeek/ })
      .getByText('Valid')
      .waitFor();
  });

  it('single keys lead between rooms, stay out of inputs, and the title of the room takes the focus', async () => {
    const page = await visitors.enter();
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    await page.keyboard.press('/');
    await page.keyboard.type('gkc');
    expect(await page.getByLabel('Search request id, model, person').inputValue()).toBe('gkc');
    expect(page.url()).toContain('/audit');
  });

  it('Escape asks before it loses a pasted key, and gives the focus back after closing', async () => {
    const page = await visitors.enter();
    const opener = page.getByRole('button', { name: 'Connect a key' }).first();
    await opener.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: /^Groq/ }).click();
    await secureField(page).input.fill('gsk_something');
    await page.keyboard.press('Escape');
    await page.getByRole('alertdialog', { name: 'Discard the pasted key?' }).waitFor();
    await page.getByRole('button', { name: 'Discard', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.locator('button:focus').filter({ hasText: 'Connect a key' }).waitFor();
  });
});

it('shows names as text, never as markup', async () => {
  const page = await visitors.enter();
  const row = page.getByRole('row', { name: /^OpenAI/ });
  await row.getByText('<b>label</b>').first().waitFor();
  expect(await page.locator('main b').count()).toBe(0);
});

it('holds no request open and needs less than 200 KB of script and style for the first room', async () => {
  const page = await visitors.visit();
  const account = product.dev().companies[0];
  await page.context().request.post('/api/auth/sign-in', { data: account?.admin });
  let bytes = 0;
  const waits: Promise<unknown>[] = [];
  page.on('response', (response) => {
    if (!/\.(js|css)$/.test(new URL(response.url()).pathname)) return;
    waits.push(
      response.body().then(async (body) => {
        const { gzipSync } = await import('node:zlib');
        bytes += gzipSync(body).length;
      }),
    );
  });
  await page.goto(`/c/${account?.id}/keys`);
  await page.getByRole('row', { name: /^OpenAI/ }).waitFor();
  await page.waitForLoadState('networkidle');
  await Promise.all(waits);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(200_000);
});

it('says at once that it is offline, keeps what was read, and sends nothing', async () => {
  const page = await visitors.enter();
  await page.getByRole('row', { name: /^OpenAI/ }).waitFor();
  // What the page asks for behind the room is there, too.
  await page.waitForLoadState('networkidle');
  await page.context().setOffline(true);
  await page.getByText('You are offline.', { exact: false }).first().waitFor();
  await page.getByRole('row', { name: /^OpenAI/ }).waitFor();
  const connect = page.getByRole('button', { name: 'Connect a key' }).first();
  expect(await connect.getAttribute('aria-disabled')).toBe('true');
  await page.context().setOffline(false);
  await page
    .getByRole('button', { name: 'Connect a key' })
    .first()
    .and(page.locator(':not([aria-disabled])'))
    .waitFor();
});
