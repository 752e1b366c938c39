import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programPath } from '@ownkey/cli/supervisor/programs';
import { createKekFile } from '@ownkey/vault/kek-write';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selfSigned } from '../kit/certificate.ts';
import { useTestDatabase } from '../kit/postgres.ts';

/**
 * Threats 9 and 23: what would open the worker's memory or connections to others keeps it from starting. The built worker is started
 * as it is; each refusal names what is wrong and never the value, which may be a secret or lead to one.
 */
const CLI = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const database = useTestDatabase();
const VALUE = 'value-that-must-not-be-printed';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ownkey-refusals-'));
  createKekFile(join(folder, 'kek'));
  for (const [name, mode] of [
    ['group-kek', 0o640],
    ['world-kek', 0o604],
  ] as const) {
    createKekFile(join(folder, name));
    chmodSync(join(folder, name), mode);
  }
  writeFileSync(join(folder, `${VALUE}.pem`), selfSigned(['authority.example']).cert);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface End {
  code: number | null;
  printed: string;
  wasReady: boolean;
}

/** Runs the worker until it ends, or until it serves: then it is told to stop. */
function runWorker(env: Readonly<Record<string, string>>, flags: readonly string[] = []): Promise<End> {
  const child = spawn(process.execPath, [...flags, programPath('worker')], {
    env: {
      NODE_ENV: 'production',
      OWNKEY_MODE: 'production',
      OWNKEY_GATEWAY_PORT: '0',
      OWNKEY_KEK_FILE: join(folder, 'kek'),
      OWNKEY_WORKER_DATABASE_URL: database.workerUrl,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let printed = '';
  let wasReady = false;
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes: Buffer) => {
      printed += bytes.toString();
    });
  child.on('message', (message: { type: string }) => {
    if (message.type === 'take-listener') child.send({ type: 'listener' });
    if (message.type !== 'ready') return;
    wasReady = true;
    child.send({ type: 'stop' });
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, printed, wasReady })));
}

test('with none of it the worker starts and serves', async () => {
  const { code, wasReady, printed } = await runWorker({});
  expect([wasReady, code]).toEqual([true, 0]);
  expect(printed).toContain('worker started');
});

describe('the worker does not start', () => {
  test.each<[string, Record<string, string>, string]>([
    ['with options for Node in its environment', { NODE_OPTIONS: `--title=${VALUE}` }, 'NODE_OPTIONS'],
    ['without certificate checks', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'NODE_TLS_REJECT_UNAUTHORIZED'],
    ['with a file for TLS secrets', { SSLKEYLOGFILE: `/${VALUE}/keys` }, 'SSLKEYLOGFILE'],
    ['behind a proxy', { HTTPS_PROXY: `http://user:${VALUE}@proxy:8080` }, 'HTTPS_PROXY'],
    ['behind a proxy, in small letters', { http_proxy: `http://user:${VALUE}@proxy:8080` }, 'http_proxy'],
    ['behind a proxy for everything', { ALL_PROXY: `socks5://${VALUE}` }, 'ALL_PROXY'],
  ])('%s', async (_, env, name) => {
    const { code, printed, wasReady } = await runWorker(env);
    expect([code, wasReady]).toEqual([1, false]);
    expect(printed).toMatch(new RegExp(`^The worker does not start:\n  - ${name}\\b`, 'm'));
    expect(printed).not.toContain(VALUE);
  });

  test('with an authority that no setting names', async () => {
    const { code, printed } = await runWorker({ NODE_EXTRA_CA_CERTS: join(folder, `${VALUE}.pem`) });
    expect(code).toBe(1);
    expect(printed).toContain('NODE_EXTRA_CA_CERTS is set: name the authority with OWNKEY_EXTRA_CA_FILE');
    expect(printed).not.toContain(VALUE);
  });

  test.each([
    ['--inspect', '--inspect=127.0.0.1:0'],
    ['--inspect-port', '--inspect-port=127.0.0.1:0'],
    ['--tls-keylog', `--tls-keylog=/dev/null/${VALUE}`],
    ['--heapsnapshot-signal', '--heapsnapshot-signal=SIGUSR2'],
  ])('under %s', async (name, flag) => {
    const { code, printed, wasReady } = await runWorker({}, [flag]);
    expect([code, wasReady]).toEqual([1, false]);
    expect(printed).toContain(`  - ${name} opens the worker's memory or connections; start without it`);
    // Node itself warns of a key log; it is not the worker that prints its path.
    expect(printed.replaceAll(/^.*Warning: Using --tls-keylog.*$/gm, '')).not.toContain(VALUE);
  });

  test.each(['group-kek', 'world-kek'])('with a master key that others can read: %s', async (name) => {
    const { code, printed } = await runWorker({ OWNKEY_KEK_FILE: join(folder, name) });
    expect(code).toBe(1);
    expect(printed).toContain('can be read by others; run: chmod 600');
  });

  test('with several of it, and then it says all of it at once', async () => {
    const env = { NODE_OPTIONS: '--no-warnings', NODE_TLS_REJECT_UNAUTHORIZED: '0', ALL_PROXY: 'socks5://x' };
    const { code, printed } = await runWorker({ ...env, OWNKEY_KEK_FILE: join(folder, 'none') });
    expect(code).toBe(1);
    expect(printed.match(/^ {2}- /gm)).toHaveLength(4);
  });
});

test.each(['start', 'worker', 'server'])('`ownkey %s` refuses root unless it is allowed by a flag', async (command) => {
  const child = spawn(process.execPath, [CLI, command], {
    env: { PATH: process.env.PATH ?? '', OWNKEY_DATA_DIR: join(folder, 'empty'), OWNKEY_PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => {
      printed += bytes.toString();
    });
  const code = await new Promise((resolve) => child.once('close', resolve));
  // For anybody else the next thing is missing: there is no master key and no database address.
  const isRoot = process.getuid?.() === 0;
  expect(code).toBe(isRoot ? 2 : 1);
  expect(printed).toContain(isRoot ? 'add --allow-root' : 'ownkey:');
});
