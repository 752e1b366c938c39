import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSettings } from '@ownkey/cli/settings';
import { serverEnvironment, serverFlagsOf, workerEnvironment, workerFlagsOf } from '@ownkey/cli/supervisor/environment';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nameAt, packagesBelow, readLockfile } from '../kit/lockfile.ts';

/**
 * Threat 23: a package that was taken over is loaded into a plane. It runs under the very flags and variables that the supervisor gives
 * that plane, beside a data folder with secrets, and tries what such packages have tried.
 */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const POISON = fileURLToPath(new URL('./fixtures/poison.mjs', import.meta.url));

interface Report {
  outcome: Record<string, string>;
  environment: string[];
}
type Plane = 'worker' | 'server' | 'without flags';

let folder: string;
let sink: net.Server;
const received: string[] = [];
const reports = new Map<Plane, Report>();

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'ownkey-poison-')));
  const app = join(folder, 'app');
  mkdirSync(join(app, 'node_modules/poison'), { recursive: true });
  mkdirSync(join(folder, 'data'));
  for (const name of ['kek', 'auth.secret', 'pg.worker.password'])
    writeFileSync(join(folder, 'data', name), `${name}: secret`, { mode: 0o600 });
  cpSync(POISON, join(app, 'node_modules/poison/index.mjs'));
  writeFileSync(
    join(app, 'node_modules/poison/package.json'),
    '{"name":"poison","type":"module","exports":"./index.mjs"}',
  );
  writeFileSync(join(app, 'main.mjs'), "import 'poison';\n");
  sink = net.createServer((socket) => socket.on('data', (bytes) => received.push(bytes.toString())));
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  for (const plane of ['worker', 'server', 'without flags'] as const) reports.set(plane, await run(plane, app));
});
afterAll(() => {
  sink.close();
  rmSync(folder, { recursive: true });
});

/** Runs the package in a process that has what the supervisor gives that plane, and may read the package besides. */
function run(plane: Plane, app: string): Promise<Report> {
  const shell = {
    OWNKEY_DATA_DIR: join(folder, 'data'),
    NODE_OPTIONS: '--no-warnings',
    HTTPS_PROXY: 'http://127.0.0.1:9',
    OPERATOR_SECRET: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
  };
  const settings = readSettings(shell, folder);
  const where = {
    mode: 'production',
    serverPort: 1,
    gatewayPort: 2,
    consoleUrl: 'http://127.0.0.1:1',
    gatewayUrl: 'http://127.0.0.1:2',
    sandbox: null,
  } as const;
  const given: Record<Plane, { flags: string[]; env: Record<string, string> }> = {
    worker: { flags: workerFlagsOf(settings), env: workerEnvironment(settings, where, 'postgres://ownkey_worker@x/y') },
    server: {
      flags: serverFlagsOf(settings),
      env: serverEnvironment(settings, where, 'postgres://ownkey_control@x/y', 's'.repeat(32)),
    },
    'without flags': { flags: [], env: {} },
  };
  const { flags, env } = given[plane];
  const input = {
    kek: join(folder, 'data/kek'),
    secrets: [
      join(folder, 'data/auth.secret'),
      join(folder, 'data/pg.worker.password'),
      '/etc/passwd',
      '/proc/self/environ',
      '/proc/self/mem',
      join(ROOT, 'package.json'),
    ],
    writable: folder,
    sinkPort: portOf(sink),
  };
  const allowed = flags.length === 0 ? [] : [`--allow-fs-read=${app}/`];
  const child = spawn(process.execPath, [...flags, ...allowed, join(app, 'main.mjs'), JSON.stringify(input)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
  return new Promise((resolve, reject) =>
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(out));
      else reject(new Error(`${plane} ended with ${code}: ${errors}`));
    }),
  );
}

function portOf(server: net.Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const report = (plane: Plane): Report => {
  const found = reports.get(plane);
  if (!found) throw new Error(`${plane} was not run`);
  return found;
};
/** Attempts by how they ended. */
const done = (plane: Plane): string[] =>
  Object.entries(report(plane).outcome).flatMap(([name, how]) => (how === 'done' ? [name] : []));

test('without flags the package gets everything it tries but memory and an addon that is none: the attempts are real', () => {
  const { outcome } = report('without flags');
  const failed = Object.entries(outcome).filter(([, how]) => how !== 'done');
  expect(failed.map(([name]) => name).sort()).toEqual(['load an addon', 'read /proc/self/mem']);
  expect(Object.keys(outcome).length).toBeGreaterThan(18);
});

describe('in the worker', () => {
  test('it can do two things of all it tries: read the master key, which the worker is there to read, and open a socket', () => {
    // Node 20 lets names be listed (no file be read) in a folder below which the granted paths part, such as the root.
    const names = done('worker').filter((name) => name !== 'list the root folder');
    expect(names).toEqual(['read the master key', 'open a socket']);
  });

  test('files, processes, threads, addons and the inspector are denied by name, not by accident', () => {
    const { outcome } = report('worker');
    const codes = new Set(Object.entries(outcome).flatMap(([, how]) => (how === 'done' ? [] : [how])));
    expect([...codes].sort()).toEqual(['ERR_ACCESS_DENIED', 'ERR_DLOPEN_DISABLED', 'ERR_PROTO_ACCESS', 'EvalError']);
    expect(outcome['load an addon']).toBe('ERR_DLOPEN_DISABLED');
  });

  test("it sees the worker's own variables and none of the operator's shell or of the other plane", () => {
    const { environment } = report('worker');
    expect(environment.sort()).toEqual([
      'NODE_ENV',
      'OWNKEY_CONSOLE_URL',
      'OWNKEY_GATEWAY_PORT',
      'OWNKEY_GATEWAY_URL',
      'OWNKEY_HOST',
      'OWNKEY_KEK_FILE',
      'OWNKEY_MODE',
      'OWNKEY_WORKER_DATABASE_URL',
      'TZ',
    ]);
  });
});

describe('in the server', () => {
  test('it can read no secret of the data folder, the master key included', () => {
    const { outcome } = report('server');
    expect(outcome['read the master key']).toBe('ERR_ACCESS_DENIED');
    // Its libraries compile schemas to code; threads take its flags with them (packages/server/src/platform/threads.ts).
    const names = done('server').filter((name) => name !== 'list the root folder');
    expect(names).toEqual(['start a thread', 'make code from text', 'change every object', 'open a socket']);
  });

  test('it sees no path of the master key and no address of the worker', () => {
    const { environment } = report('server');
    expect(
      environment.filter((name) => /KEK|WORKER|DATA_DIR|SECRET_ACCESS|OPERATOR|NODE_OPTIONS|PROXY/.test(name)),
    ).toEqual([]);
  });
});

test('a socket to anywhere is not stopped by Node: that is for the firewall, and the threat model says so', () => {
  expect(received).toHaveLength(3);
  const model = readFileSync(join(ROOT, 'docs/security/threat-model.md'), 'utf8');
  expect(model).toMatch(/does not stop it from opening a socket[^\n]*firewall/);
});

describe('packages of others', () => {
  const direct = (workspaces: readonly string[]): string[] => {
    const names = workspaces.flatMap((name) => {
      const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8'));
      return Object.entries<string>(dependencies ?? {});
    });
    for (const [name, version] of names)
      expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
    return [...new Set(names.flatMap(([name]) => (name.startsWith('@ownkey/') ? [] : [name])))].sort();
  };

  test('the worker names four, with exact versions', () => {
    const own = ['worker', 'vault', 'guard', 'policy', 'providers', 'contract'];
    expect(direct(own)).toEqual(['@hpke/core', 'ipaddr.js', 'pg', 'undici']);
  });

  test('the worker gets these eighteen with them: another one is a decision to be made here', () => {
    expect([...packagesBelow('packages/worker').keys()].map(nameAt).sort()).toEqual([
      '@hpke/common',
      '@hpke/core',
      'ipaddr.js',
      'pg',
      'pg-cloudflare',
      'pg-connection-string',
      'pg-int8',
      'pg-pool',
      'pg-protocol',
      'pg-types',
      'pgpass',
      'postgres-array',
      'postgres-bytea',
      'postgres-date',
      'postgres-interval',
      'split2',
      'undici',
      'xtend',
    ]);
  });

  test('the server gets those of the list beside this test', () => {
    const listed = readFileSync(fileURLToPath(new URL('./fixtures/server-packages.txt', import.meta.url)), 'utf8');
    const names = [...new Set([...packagesBelow('packages/server').keys()].map(nameAt))].sort();
    expect(names).toEqual(listed.trim().split('\n'));
  });

  test.each(['packages/worker', 'packages/server'])(
    'each of %s has its checksum in the lockfile and no install script',
    (workspace) => {
      const entries = [...packagesBelow(workspace)];
      expect(entries.length).toBeGreaterThan(10);
      for (const [place, { integrity, hasInstallScript }] of entries) {
        expect([place, integrity]).toEqual([place, expect.stringMatching(/^sha512-/)]);
        expect([place, hasInstallScript]).toEqual([place, undefined]);
      }
    },
  );

  test('what has no checksum in the lockfile is a tool of another platform', () => {
    const without = Object.entries(readLockfile()).filter(
      ([place, { link, integrity }]) => place.includes('node_modules/') && link !== true && integrity === undefined,
    );
    for (const [place, { dev, optional }] of without) expect([place, dev, optional]).toEqual([place, true, true]);
  });

  test('no install script runs: npm is told so by the repository itself', () => {
    expect(readFileSync(join(ROOT, '.npmrc'), 'utf8').split('\n')).toContain('ignore-scripts=true');
  });
});
