import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { useConsole } from '../kit/console.ts';
import { newDataDirectory } from '../kit/product.ts';

const CLI = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const EMAIL = 'olga@example.com';
const PASSWORD = 'a long password of Olga';

/** A production installation on an embedded database of its own, right after `ownkey init`. */
const directory = newDataDirectory();
let running: ChildProcess | null = null;
let printed = '';
let link = '';
let origin = '';

beforeAll(async () => {
  const [port, gatewayPort] = [await freePort(), await freePort()];
  origin = `http://127.0.0.1:${port}`;
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    OWNKEY_DATA_DIR: directory,
    OWNKEY_PORT: String(port),
    OWNKEY_GATEWAY_PORT: String(gatewayPort),
    OWNKEY_HOST_NAME: 'Skylark',
  };
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, 'init'], { env });
  link = /https?:\/\/\S+/.exec(stdout.slice(stdout.indexOf('Open this link once')))?.[0] ?? '';
  const child = spawn(process.execPath, [CLI, 'start', '--allow-root'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  running = child;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
  }
  await vi.waitFor(
    async () => {
      const ready = await fetch(`${origin}/readyz`).then(
        ({ status }) => status,
        () => printed,
      );
      if (ready !== 200) throw new Error(`not ready: ${ready}`);
    },
    { timeout: 60_000, interval: 200 },
  );
}, 120_000);
afterAll(async () => {
  if (running !== null && running.exitCode === null) {
    const ended = new Promise((resolve) => running?.once('exit', resolve));
    running.kill('SIGTERM');
    await ended;
  }
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

const visitors = useConsole({
  dev: () => ({ console_url: origin, companies: [] }),
});

it('the link of `ownkey init` makes the first operator, once, and the account then signs in', async () => {
  expect(link).toContain(origin);
  const page = await visitors.visit();
  await page.goto(origin);
  await page.getByText('This installation has no operator yet.').waitFor();
  expect(await page.title()).toBe('Sign in · Skylark');
  await page.goto(link);
  expect(await page.getByLabel('Set-up code').inputValue()).not.toBe('');
  await page.getByLabel('Your email').fill(EMAIL);
  await page.getByLabel('Password', { exact: true }).fill('short');
  await page.getByRole('button', { name: 'Create operator account' }).click();
  await page.getByRole('alert').first().waitFor();
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create operator account' }).click();
  await page.waitForURL('**/operator/companies');
  await page.getByRole('heading', { level: 1 }).waitFor();

  const second = await visitors.visit();
  await second.goto(link);
  await second.getByLabel('Your email').fill('eve@example.com');
  await second.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await second.getByRole('button', { name: 'Create operator account' }).click();
  await second.getByRole('alert').first().waitFor();
  expect(new URL(second.url()).pathname).toBe('/set-up');

  await second.goto(`${origin}/sign-in`);
  await second.getByText('Forgot password?').click();
  await second.getByText('This installation cannot send mail yet.').waitFor();
  expect(await second.getByText('Sandbox keys').count()).toBe(0);
  await second.getByLabel('Email').fill(EMAIL);
  await second.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await second.getByRole('button', { name: 'Sign in', exact: true }).click();
  await second.waitForURL('**/operator/companies');
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
