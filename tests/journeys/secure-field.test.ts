import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { axeViolations, fieldFocused, secureField, useConsole } from '../kit/console.ts';
import { useProduct } from '../kit/product.ts';
import { mintKey } from '../kit/sandbox-keys.ts';
import { sweepMemory } from '../kit/sweep.ts';

const product = useProduct();
const visitors = useConsole(product);

async function openConnect(page: Page, provider = 'openai'): Promise<void> {
  await page.goto(`/c/${product.dev().companies[0]?.id}/keys/connect/${provider}`);
}

it('a pasted key is in one process of the browser, which is not the console’s, and never in the server', async () => {
  const page = await visitors.enter();
  await openConnect(page);
  const [key, marker] = [mintKey('openai', 'valid'), mintKey('groq', 'valid')];
  await page.evaluate(`window.marker = ${JSON.stringify([...marker])}.join('')`);
  await secureField(page).input.fill(key);
  const holding = async (canary: string) =>
    (await visitors.renderers()).filter((pid) => sweepMemory(pid, 'renderer', [canary]).hits.length > 0);
  const [ofKey, ofConsole] = [await holding(key), await holding(marker)];
  expect([ofKey.length, ofConsole.length]).toEqual([1, 1]);
  expect(ofKey).not.toEqual(ofConsole);
  await page.getByRole('button', { name: 'Test and save' }).click();
  await page.getByText(`OpenAI is connected. New requests use your key ••••${key.slice(-4)} from now on.`).waitFor();
  expect(await holding(marker)).toEqual(ofConsole);
  expect((await holding(key)).filter((pid) => ofConsole.includes(pid))).toEqual([]);
  expect(sweepMemory(product.dev().pids.server, 'server', [key]).hits).toEqual([]);
});

it('the field shows the vault that start-up printed, and so does the result', async () => {
  const printed = /Vault +([0-9A-F]{4}(?:-[0-9A-F]{4}){7})/.exec(product.output())?.[1] ?? 'nothing printed';
  const page = await visitors.enter();
  await openConnect(page, 'groq');
  const { frame, input } = secureField(page);
  await frame.getByText(`Vault ${printed}`).waitFor();
  await input.fill(mintKey('groq', 'valid'));
  await page.getByRole('button', { name: 'Test and save' }).click();
  await page.getByText(`vault ${printed.slice(0, 9)}`).waitFor();
});

describe('for everybody', () => {
  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)('breaks no rule of axe within the frame: %s, %i px', async (theme, width) => {
    const page = await visitors.enter({ theme, width });
    await openConnect(page, 'mistral');
    const { input, frame } = secureField(page);
    await input.fill('sk-ant-0123456789');
    await frame.getByText('This looks like a key of Anthropic.').waitFor();
    const [, inside] = page.frames();
    if (inside === undefined) throw new Error('no frame');
    expect(await axeViolations(inside)).toEqual([]);
    expect(await inside.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    expect(await inside.evaluate('document.documentElement.dataset.scheme')).toBe(theme);
    expect(await input.getAttribute('aria-invalid')).toBe('true');
    expect(await input.getAttribute('aria-describedby')).toContain('form');
    for (const name of ['autocomplete', 'autocapitalize', 'autocorrect'])
      expect(await input.getAttribute(name)).toBe('off');
    expect(await input.getAttribute('name')).toBeNull();
  });

  it('is walked through by Tab in both directions, and Escape and Enter reach the dialog', async () => {
    const page = await visitors.enter();
    await openConnect(page, 'mistral');
    const { frame, input } = secureField(page);
    await fieldFocused(page);
    const show = frame.getByRole('button', { name: 'Show' }).and(frame.locator(':focus'));
    const press = (key: string) => page.keyboard.press(key);
    await press('Tab');
    await show.waitFor();
    await press('Tab');
    await page.getByLabel('Label').and(page.locator(':focus')).waitFor();
    await press('Shift+Tab');
    await show.waitFor();
    await press('Shift+Tab');
    await fieldFocused(page);
    await press('Shift+Tab');
    await page.locator('a:focus').waitFor();
    await press('Tab');
    await page.keyboard.insertText('"sk-0123456789abcdefghijklmnop"');
    await frame.getByText(/^Quotes or line breaks around the key were removed\./).waitFor();
    await press('Escape');
    await page.getByRole('button', { name: 'Keep editing' }).click();
    await input.fill('');
    await input.press('Enter');
    await fieldFocused(page);
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});

it('shows the key while asked to, until the field is left', async () => {
  const page = await visitors.enter();
  await openConnect(page, 'mistral');
  const { frame, input } = secureField(page);
  await input.fill('sk-0123456789');
  const security = () =>
    page.frames()[1]?.evaluate<string>('getComputedStyle(document.getElementById("key")).webkitTextSecurity');
  const show = frame.getByRole('button', { name: 'Show' });
  await show.click();
  expect([await show.getAttribute('aria-pressed'), await security()]).toEqual(['true', 'none']);
  await page.getByLabel('Label').click();
  await frame.locator('[aria-pressed=false]').waitFor();
  expect(await security()).toBe('disc');
});

it('refuses what is far too long for a key, whichever way it comes in', async () => {
  const page = await visitors.enter();
  await openConnect(page, 'mistral');
  const { frame, input } = secureField(page);
  await input.fill('x'.repeat(10_000));
  await frame.getByText('Far too long for a key. Nothing was read.').waitFor();
  await page.getByRole('button', { name: 'Test and save' }).click();
  await fieldFocused(page);
  await page.getByRole('dialog', { name: 'Connect Mistral' }).waitFor();
});

it('that does not load is said, and tried again; nothing plain takes its place', async () => {
  const page = await visitors.enter();
  let blocked = 0;
  await page.route(`${product.dev().gateway_url}/field/sealing-key`, (route) => {
    blocked++;
    return blocked === 1 ? route.fulfill({ status: 404, body: '' }) : route.continue();
  });
  await openConnect(page, 'mistral');
  await page.getByText(/^The secure field did not load\./).waitFor();
  expect(await page.getByRole('dialog').getByLabel('API key').count()).toBe(0);
  await page.getByRole('button', { name: 'Try again' }).click();
  await secureField(page).input.and(secureField(page).frame.locator(':read-write')).waitFor();
});
