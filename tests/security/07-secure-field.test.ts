import type { FromField } from '@ownkey/contract/field';
import type { Browser, BrowserContext, Frame, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../kit/console.ts';
import { type ForeignSite, hostilePage, serveForeign } from '../kit/hostile-parent.ts';
import { api, useProduct } from '../kit/product.ts';
import { mintKey } from '../kit/sandbox-keys.ts';
import { sweepBytes } from '../kit/sweep.ts';

/** Threat 7: a script in the page around the secure field reads nothing, covers nothing unnoticed, and is heard only where listed. */
const product = useProduct();
const contexts: BrowserContext[] = [];
let browser: Browser;
let listed: ForeignSite;
let unlisted: ForeignSite;
let fieldUrl: string;

beforeAll(async () => {
  const dev = product.dev();
  fieldUrl = `${dev.gateway_url}/field`;
  const page = hostilePage(fieldUrl);
  listed = await serveForeign({ '/': page });
  unlisted = await serveForeign({ '/': page, '/around': `<iframe src="${listed.origin}/" width="600" height="400">` });
  const answer = await api(product, 'PUT', '/api/operator/policies', {
    token: dev.operator.api_token,
    body: { embed: { parent_origins: [listed.origin] } },
  });
  expect(answer.status).toBe(200);
  browser = await launchBrowser();
});
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
});
afterAll(async () => {
  await browser.close();
  listed.close();
  unlisted.close();
});

const place = () => ({
  company: product.dev().companies[0]?.id ?? '',
  user: null,
  provider: 'openai',
  destination: 'catalogue:openai',
});

async function visit(address: string): Promise<Page> {
  const context = await browser.newContext();
  contexts.push(context);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(address);
  return page;
}

/** A hostile page whose field is ready and takes keys. */
async function visitReady(): Promise<Page> {
  const page = await visit(`${listed.origin}/`);
  await page.evaluate(`join(${JSON.stringify(place())})`);
  await fieldOf(page).input.and(fieldOf(page).frame.locator(':read-write')).waitFor();
  return page;
}

function fieldOf(page: Page) {
  const frame = page.frameLocator('iframe');
  return { frame, input: frame.getByRole('textbox') };
}

const heard = (page: Page) => page.evaluate<FromField[]>('heard');
/** The last message of this type, once `is` holds. */
async function hear<T extends FromField['type']>(
  page: Page,
  type: T,
  is: (message: Extract<FromField, { type: T }>) => boolean = () => true,
): Promise<Extract<FromField, { type: T }>> {
  let found: Extract<FromField, { type: T }> | undefined;
  await expect
    .poll(
      async () => {
        const last = (await heard(page)).findLast((message) => message.type === type);
        found = last as typeof found; // the type is what was looked for
        return found !== undefined && is(found);
      },
      { timeout: 10_000 },
    )
    .toBe(true);
  if (found === undefined) throw new Error(`no ${type}`);
  return found;
}

describe('a script in a listed page', () => {
  it('gets nothing readable of a key that is typed, pasted, shown and sealed, whatever it patches, hears and asks', async () => {
    const page = await visitReady();
    const key = mintKey('openai', 'valid');
    const { input, frame } = fieldOf(page);
    await input.click();
    await page.keyboard.type(key.slice(0, 10));
    await page.keyboard.insertText(key.slice(10));
    await frame.getByRole('button', { name: 'Show' }).click();
    expect(await input.inputValue()).toBe(key);
    await page.evaluate('attack()');
    await hear(page, 'checked', ({ form }) => form.state === 'ok');
    expect(await input.inputValue(), 'the field holds what was pasted still').toBe(key);
    await page.evaluate(
      `say({ type: 'seal', id: 7, place: ${JSON.stringify(place())}, key_id: 'key_0123456789', version: 1 })`,
    );
    const { sealed_key } = await hear(page, 'sealed');
    expect(await input.inputValue()).toBe('');
    await page.evaluate('attack()');

    const loot = await page.evaluate<string[]>('loot');
    expect(loot.filter((line) => line.includes('refused: SecurityError')).length).toBeGreaterThan(10);
    const text = loot.join('\n');
    expect(text).toContain(sealed_key);
    expect(sweepBytes('loot', text, [key])).toEqual([]);
    for (let at = 10; at + 6 <= key.length; at++) expect(text).not.toContain(key.slice(at, at + 6));
    expect(sweepBytes('sealed', Buffer.from(sealed_key, 'base64url'), [key])).toEqual([]);
    // The bait proves that the page would have kept what it can get.
    await page.getByLabel('Bait').fill(key);
    expect(sweepBytes('loot', (await page.evaluate<string[]>('loot')).join('\n'), [key])).not.toEqual([]);
  });

  it('gets a frame that was led elsewhere without the key', async () => {
    const page = await visitReady();
    const key = mintKey('openai', 'valid');
    await fieldOf(page).input.fill(key);
    await page.evaluate(
      `new Promise((resolve) => { frame.addEventListener('load', resolve, { once: true }); frame.src = location.href; })`,
    );
    const led = page.frames().find((frame): frame is Frame => frame.parentFrame() !== null);
    const inside = await led?.evaluate<string>(
      'document.documentElement.outerHTML + name + JSON.stringify({ ...history.state, ...localStorage })',
    );
    expect(sweepBytes('frame', inside ?? key, [key])).toEqual([]);
  });

  it('cannot have a key sealed for anything but what the field says it is for', async () => {
    const page = await visitReady();
    const { input, frame } = fieldOf(page);
    const name = product.dev().companies[0]?.name ?? '';
    await frame.getByText(`Sealed for ${name}; sent only to ${new URL(product.dev().sandbox.url).host}.`).waitFor();
    await input.fill(mintKey('openai', 'valid'));
    const others = [
      { company: product.dev().companies[1]?.id },
      { provider: 'custom', destination: 'https://evil.example' },
      { destination: 'https://evil.example' },
      { provider: 'groq', destination: 'catalogue:groq' },
      { user: 'usr_0123456789' },
    ];
    for (const [id, other] of others.entries()) {
      const order = { type: 'seal', id, place: { ...place(), ...other }, key_id: 'key_0123456789', version: 1 };
      await page.evaluate(`say(${JSON.stringify(order)})`);
      expect(await hear(page, 'refused', (message) => message.id === id)).toMatchObject({ problem: 'other_place' });
    }
    const moved = { ...place(), provider: 'custom', destination: 'https://evil.example' };
    await page.evaluate(`say(${JSON.stringify({ type: 'place', place: moved })})`);
    await frame.getByText(`Sealed for ${name}; sent only to evil.example.`).waitFor();
    expect(await input.inputValue()).toBe('');
    await frame.getByText('Cleared, because what it would be sealed for has changed.', { exact: false }).waitFor();
    expect((await heard(page)).filter(({ type }) => type === 'sealed')).toEqual([]);
  });

  it("cannot make the field's own words too faint to read", async () => {
    const page = await visitReady();
    const tokens = { '--oky-text-2': '#fefefe', '--oky-surface': '#ffffff' };
    await page.evaluate(`say(${JSON.stringify({ type: 'look', look: { scheme: 'light', tokens } })})`);
    await hear(page, 'theme-warning');
    const [, frame] = page.frames();
    const colour = await frame?.evaluate('getComputedStyle(document.getElementById("place")).color');
    expect(colour).toBe('rgb(74, 81, 93)');
  });
});

describe('a field that is not wholly in sight takes nothing and says so', () => {
  const COVER = `const cover = document.body.appendChild(document.createElement('div')); cover.id = 'cover'; const { left, top } = frame.getBoundingClientRect();`;
  it.each<[string, string, string]>([
    [
      'covered by a picture of another field',
      `${COVER} cover.style.cssText = \`position:fixed;left:\${left}px;top:\${top + 20}px;width:300px;height:60px;background:white\``,
      'covered',
    ],
    [
      'covered by something that lets clicks through',
      `${COVER} cover.style.cssText = \`position:fixed;left:\${left}px;top:\${top + 20}px;width:300px;height:60px;background:white;pointer-events:none\``,
      'covered',
    ],
    [
      'its own words covered',
      `${COVER} cover.style.cssText = \`position:fixed;left:\${left}px;top:\${top + 80}px;width:400px;height:40px;background:white\``,
      'covered',
    ],
    ['nearly transparent', `frame.style.opacity = '0.02'`, 'covered'],
    ['transparent by what holds it', `document.getElementById('around').style.opacity = '0.5'`, 'covered'],
    ['shrunk', `frame.style.transform = 'scale(0.2)'`, 'covered'],
    ['filtered', `frame.style.filter = 'brightness(3)'`, 'covered'],
    [
      'clipped by what holds it',
      `document.getElementById('around').style.cssText += ';height:40px;overflow:hidden'`,
      'clipped',
    ],
    ['clipped by a path', `frame.style.clipPath = 'inset(0 0 80px 0)'`, 'clipped'],
    ['too small for its words', `frame.style.height = '60px'`, 'clipped'],
    ['moved out of the page', `frame.style.cssText += ';position:absolute;left:-380px'`, 'clipped'],
  ])('%s', async (_, hide, sight) => {
    const page = await visitReady();
    const { input, frame } = fieldOf(page);
    await page.evaluate(`{ ${hide} }`);
    await hear(page, 'sight', (message) => message.sight === sight);
    await page.evaluate('frame.focus()');
    await page.keyboard.insertText('sk-something');
    await page.keyboard.type('x');
    expect(await input.inputValue()).toBe('');
    await frame.getByText(/so nothing can be pasted\./).waitFor({ state: 'attached' });

    await page.evaluate(
      `document.getElementById('cover')?.remove(); frame.style.cssText = 'width:400px;height:150px;border:0'; document.getElementById('around').style.cssText = 'width:420px'`,
    );
    await hear(page, 'sight', (message) => message.sight === 'seen');
    await input.fill('sk-something');
    expect(await input.inputValue()).toBe('sk-something');
  });
});

describe('a page that is not listed', () => {
  it.each([
    ['gets no field', () => `${unlisted.origin}/`, 1],
    ['gets none by standing around a page that is listed', () => `${unlisted.origin}/around`, 2],
  ])('%s', async (_, address, depth) => {
    const refused: string[] = [];
    const context = await browser.newContext();
    contexts.push(context);
    const page = await context.newPage();
    page.on('console', (message) => refused.push(message.text()));
    await page.goto(address());
    await expect.poll(() => refused.join('\n'), { timeout: 10_000 }).toMatch(/frame-ancestors/);
    const holder = page.frames()[depth - 1];
    await holder?.evaluate(`join(${JSON.stringify(place())}).catch(() => {})`);
    expect(page.frames().filter((frame) => frame.url().startsWith(fieldUrl)).length).toBe(0);
    expect(await holder?.evaluate('heard')).toEqual([]);
  });

  it('is taken off the list with its next frame', async () => {
    const dev = product.dev();
    const put = (parent_origins: string[]) =>
      api(product, 'PUT', '/api/operator/policies', {
        token: dev.operator.api_token,
        body: { embed: { parent_origins } },
      });
    await put([]);
    const page = await visit(`${listed.origin}/`);
    await page.evaluate('window.loaded');
    expect(page.frames().filter((frame) => frame.url().startsWith(fieldUrl))).toEqual([]);
    await put([listed.origin]);
    await visitReady();
  });
});

it('opened by itself, or spoken to in another way, the field stays blank', async () => {
  const page = await visit(fieldUrl);
  await page.evaluate(
    `window.postMessage(${JSON.stringify({ ownkey: 'field', v: 1, label: 'x', look: { scheme: 'light' }, place: null })}, '*', [new MessageChannel().port2])`,
  );
  expect(await page.locator('main').isVisible()).toBe(false);
  const held = await visit(`${listed.origin}/`);
  await held.evaluate(`join(null, { v: 2 })`);
  await held.evaluate(`join(null, { css: 'body{}' })`);
  await held.evaluate(`join(null)`);
  await hear(held, 'ready');
  expect((await heard(held)).filter(({ type }) => type === 'ready').length).toBe(1);
});
