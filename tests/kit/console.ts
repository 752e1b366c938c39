import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import packedChromium from '@sparticuz/chromium';
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Frame,
  type FrameLocator,
  type Locator,
  type Page,
} from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { DevFile, Product } from './product.ts';

/** Without a display, a sound card, a GPU or calls of its own. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface VisitOptions {
  theme?: 'light' | 'dark';
  /** Below 640 the visit is a phone: touch, no mouse. */
  width?: number;
  reducedMotion?: boolean;
}

export interface Console {
  /** A fresh visitor: own cookies, own storage. */
  visit(options?: VisitOptions): Promise<Page>;
  /** Process ids of the browser's pages and frames. */
  renderers(): Promise<number[]>;
  /** A visitor who is signed in as the admin of a demo company (0 = the first) and stands in Model keys. */
  enter(options?: VisitOptions & { company?: number }): Promise<Page>;
}

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await packedChromium.executablePath(), args: FLAGS });
}

/**
 * A browser for the tests of a file. After each test its visitors are closed and must have met no console error, no uncaught
 * error and no violation of the page's policy (refusals of the API that a journey provokes are part of it).
 */
export function useConsole(product: { dev(): Pick<DevFile, 'console_url' | 'companies'> }): Console {
  let browser: Browser | null = null;
  const contexts: BrowserContext[] = [];
  const problems: string[] = [];
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
    expect(problems.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
  });

  const visit = async (options: VisitOptions = {}): Promise<Page> => {
    if (browser === null) throw new Error('useConsole(): visit inside a test, the browser is not started yet');
    const width = options.width ?? 1280;
    const phone = width < 640;
    const context = await browser.newContext({
      baseURL: product.dev().console_url,
      colorScheme: options.theme ?? 'light',
      viewport: { width, height: phone ? 780 : 900 },
      reducedMotion: options.reducedMotion === true ? 'reduce' : 'no-preference',
      ...(phone ? { isMobile: true, hasTouch: true } : {}),
    });
    contexts.push(context);
    await context.addInitScript(
      `addEventListener('securitypolicyviolation', (event) => console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI));`,
    );
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => problems.push(`${page.url()}: ${error}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !isRefusal(message.text())) problems.push(`${page.url()}: ${message.text()}`);
    });
    return page;
  };

  return {
    visit,
    renderers: async () => {
      const debug = await browser?.newBrowserCDPSession();
      const { processInfo } = (await debug?.send('SystemInfo.getProcessInfo')) ?? { processInfo: [] };
      await debug?.detach();
      return processInfo.flatMap(({ type, id }) => (type === 'renderer' ? [id] : []));
    },
    enter: async ({ company = 0, ...options } = {}) => {
      const page = await visit(options);
      const account = product.dev().companies[company];
      if (account === undefined) throw new Error('there is no such demo company');
      const answer = await page.context().request.post('/api/auth/sign-in', { data: account.admin });
      expect(answer.status()).toBe(200);
      await page.goto(`/c/${account.id}/keys`);
      await page.getByRole('heading', { level: 1, name: 'Model keys' }).waitFor();
      return page;
    },
  };
}

/** The browser's own line about an answer with a 4xx status. */
function isRefusal(text: string): boolean {
  return /^Failed to load resource: the server responded with a status of 4\d\d/.test(text);
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeViolation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

/**
 * What axe-core finds against WCAG 2.2 AA and its best practices, in a page or in a frame that has a process of its own. Runs
 * beside the page's policy, through the debugger.
 */
export async function axeViolations(page: Page | Frame): Promise<string[]> {
  const isPage = 'context' in page;
  const context = isPage ? page.context() : page.page().context();
  const options = {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    // The heading of the whole page stands outside of its frames.
    ...(isPage ? {} : { rules: { 'page-has-heading-one': { enabled: false } } }),
  };
  const debug = await context.newCDPSession(page);
  await debug.send('Runtime.evaluate', { expression: axeSource });
  const violations = await page.evaluate<AxeViolation[]>(
    `axe.run(document, ${JSON.stringify(options)}).then((result) => result.violations)`,
  );
  await debug.detach();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`);
}

/** A sandbox key of a provider with the named outcome. */
export function sandboxKey(product: Product, provider: string, outcome = 'valid'): string {
  const key = product.dev().sandbox.providers[provider]?.keys[outcome];
  if (key === undefined) throw new Error(`the sandbox has no ${outcome} key of ${provider}`);
  return key;
}

/** The secure field within a page or dialog: everything a person sees of it stands in a frame of the gateway's origin. */
export function secureField(scope: Page | Locator): { frame: FrameLocator; input: Locator } {
  const frame = scope.frameLocator('iframe[title="Secure field"]');
  return { frame, input: frame.getByRole('textbox') };
}

/** Resolves once the field takes what is typed, without a click. */
export async function fieldFocused(scope: Page | Locator): Promise<void> {
  const { frame, input } = secureField(scope);
  await input.and(frame.locator(':focus:read-write')).waitFor();
}

/** From the room Model keys: opens the dialog of a provider, pastes a key, tests and saves it. */
export async function pasteKey(page: Page, provider: string, key: string, label = ''): Promise<void> {
  await page.getByRole('button', { name: 'Connect a key' }).first().click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: new RegExp(`^${provider}`) })
    .click();
  const dialog = page.getByRole('dialog', { name: `Connect ${provider}` });
  await secureField(dialog).input.fill(key);
  if (label !== '') await dialog.getByLabel('Label').fill(label);
  await dialog.getByRole('button', { name: 'Test and save' }).click();
}
