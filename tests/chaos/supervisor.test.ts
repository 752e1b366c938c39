import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { findCluster } from '@ownkey/cli/postgres/place';
import { isAlive, processesIn } from '@ownkey/cli/process-table';
import { waitUntil } from '@ownkey/cli/wait';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  askFake,
  type DevFile,
  type FakeInstallation,
  makeFakeInstallation,
  type RunningCommand,
} from '../kit/fake-installation.ts';

let installation: FakeInstallation;
beforeEach(() => {
  installation = makeFakeInstallation();
});
afterEach(() => installation.remove());

const devFilePath = (): string => join(installation.dataDirectory, 'dev.json');

function pidsOf({ pids }: DevFile): number[] {
  return [pids.server, ...pids.workers, pids.database, pids.sandbox];
}

function logOf(name: string): string {
  return readFileSync(join(installation.dataDirectory, 'logs', `${name}.log`), 'utf8');
}

/** The moments (ms since 1970) at which a stand-in was told to stop and was done. */
function stopTimes(name: string): { stopping: number; stopped: number } {
  const lines = logOf(name)
    .trim()
    .split('\n')
    .map((line): Record<string, number> => JSON.parse(line));
  return { stopping: lines[0]?.stopping ?? Number.NaN, stopped: lines[1]?.stopped ?? Number.NaN };
}

function databaseShutdownTime(): number {
  const log = readFileSync(join(installation.dataDirectory, 'postgres.log'), 'utf8');
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) UTC \[\d+\] LOG: {2}received fast shutdown request$/m.exec(
    log,
  );
  return match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}Z`);
}

async function expectNothingLeft(pids: readonly number[]): Promise<void> {
  expect(await waitUntil(() => !pids.some(isAlive), 10_000)).toBe(true);
  const cluster = findCluster(installation.dataDirectory);
  expect(cluster === null ? [] : processesIn(cluster, 'postgres')).toEqual([]);
  expect(existsSync(devFilePath())).toBe(false);
}

async function stop(command: RunningCommand): Promise<void> {
  command.signal('SIGTERM');
  expect(await command.ended).toBe(0);
}

test('dev.json names every address and process, is private, and goes at the stop', async () => {
  const command = installation.run(['dev'], { OWNKEY_WORKERS: '2' });
  const dev = await command.devFile();
  expect(statSync(devFilePath()).mode & 0o777).toBe(0o600);
  expect(pidsOf(dev).every(isAlive)).toBe(true);
  expect((await askFake(dev.console_url)).pid).toBe(dev.pids.server);
  expect(dev.pids.workers).toContain((await askFake(dev.gateway_url)).pid);
  expect((await askFake(dev.sandbox.url)).pid).toBe(dev.pids.sandbox);
  expect(dev.sandbox.providers).toEqual({ simulated: { model: 'm-1', keys: { valid: 'sk-valid' } } });
  expect(dev.companies[0]?.api_token).toBe('simulated');
  expect((await askFake(dev.gateway_url)).environment).toMatchObject({
    OWNKEY_PROVIDER_SIMULATED_BASE_URL: `${dev.sandbox.url}/simulated/v1`,
    OWNKEY_EGRESS_ALLOW: new URL(dev.sandbox.url).host,
    OWNKEY_CLEAR_KEYS: '1',
  });
  await stop(command);
  await expectNothingLeft(pidsOf(dev));
});

test("each process is given its own database and nothing of the shell's; no plane can read what is not its own", async () => {
  const command = installation.run(['dev'], {
    NODE_OPTIONS: '--max-old-space-size=900',
    HTTPS_PROXY: 'http://127.0.0.1:9',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    OPERATOR_SECRET: 'x',
  });
  const dev = await command.devFile();
  const server = await askFake(dev.console_url);
  const worker = await askFake(dev.gateway_url);
  for (const { environment } of [server, worker]) {
    expect(Object.keys(environment).filter((name) => !/^(?:OWNKEY_|NODE_ENV$|TZ$)/.test(name))).toEqual([]);
  }
  expect(server.environment.OWNKEY_CONTROL_DATABASE_URL).toContain('//ownkey_control:');
  expect(worker.environment.OWNKEY_WORKER_DATABASE_URL).toContain('//ownkey_worker:');
  for (const name of ['OWNKEY_WORKER_DATABASE_URL', 'OWNKEY_KEK_FILE', 'OWNKEY_DATA_DIR', 'DATABASE_URL']) {
    expect(server.environment).not.toHaveProperty(name);
  }
  for (const name of ['OWNKEY_CONTROL_DATABASE_URL', 'OWNKEY_AUTH_SECRET', 'OWNKEY_DATA_DIR', 'DATABASE_URL']) {
    expect(worker.environment).not.toHaveProperty(name);
  }
  const kek = join(installation.dataDirectory, 'kek');
  expect((await askFake(dev.gateway_url, kek)).read).toBe(true);
  for (const file of [
    kek,
    join(installation.dataDirectory, 'pg.worker.password'),
    '/etc/passwd',
    '/proc/self/environ',
  ]) {
    expect((await askFake(dev.console_url, file)).read).toBe('ERR_ACCESS_DENIED');
  }
  for (const file of [
    join(installation.dataDirectory, 'auth.secret'),
    devFilePath(),
    '/etc/passwd',
    '/proc/self/environ',
  ]) {
    expect((await askFake(dev.gateway_url, file)).read).toBe('ERR_ACCESS_DENIED');
  }
  await stop(command);
});

test("a terminal's Ctrl-C, pressed more than once, stops workers, server, sandbox and database in this order", async () => {
  const command = installation.run(['dev'], { OWNKEY_WORKERS: '2' });
  const dev = await command.devFile();
  for (let press = 0; press < 3; press += 1) command.signalGroup('SIGINT');
  expect(await command.ended).toBe(0);
  await expectNothingLeft(pidsOf(dev));
  const workersDone = Math.max(stopTimes('worker-1').stopped, stopTimes('worker-2').stopped);
  expect(stopTimes('server').stopping).toBeGreaterThanOrEqual(workersDone);
  expect(stopTimes('sandbox').stopping).toBeGreaterThanOrEqual(stopTimes('server').stopped);
  expect(databaseShutdownTime()).toBeGreaterThanOrEqual(stopTimes('sandbox').stopped);
  expect(command.output().match(/Stopping…/g)).toHaveLength(1);
});

test('a stop that is asked for during the start leaves nothing behind', async () => {
  const command = installation.run(['dev']);
  expect(await waitUntil(() => command.output().includes('new database'), 30_000)).toBe(true);
  command.signal('SIGTERM');
  expect(await command.ended).toBe(0);
  await expectNothingLeft([command.pid]);
});

test('after kill -9 of the supervisor its children end, and the next start stops the orphaned database', async () => {
  const killed = installation.run(['dev']);
  const before = await killed.devFile();
  killed.signal('SIGKILL');
  expect(await killed.ended).toBe('SIGKILL');
  const { server, workers, sandbox } = before.pids;
  expect(await waitUntil(() => ![server, ...workers, sandbox].some(isAlive), 10_000)).toBe(true);
  expect(isAlive(before.pids.database)).toBe(true);
  const next = installation.run(['dev']);
  expect(
    await waitUntil(() => next.output().includes(`Stopped the database (process ${before.pids.database})`), 30_000),
  ).toBe(true);
  expect(await waitUntil(() => next.output().includes('Ownkey is running'), 30_000)).toBe(true);
  const dev = await next.devFile();
  expect(dev.pids.database).not.toBe(before.pids.database);
  await stop(next);
  await expectNothingLeft(pidsOf(dev));
});

test('after kill -9 of everything the next start works on the same ports', async () => {
  const first = installation.run(['dev']);
  const before = await first.devFile();
  for (const pid of [first.pid, ...pidsOf(before)]) process.kill(pid, 'SIGKILL');
  await first.ended;
  const next = installation.run(['dev'], {
    OWNKEY_PORT: new URL(before.console_url).port,
    OWNKEY_GATEWAY_PORT: new URL(before.gateway_url).port,
    OWNKEY_SANDBOX_PORT: new URL(before.sandbox.url).port,
  });
  expect(await waitUntil(() => next.output().includes('Ownkey is running'), 30_000)).toBe(true);
  const dev = await next.devFile();
  expect(dev.console_url).toBe(before.console_url);
  await stop(next);
});

test('of two starts on one data directory the second names the first and changes nothing', async () => {
  const first = installation.run(['dev']);
  const dev = await first.devFile();
  const second = installation.run(['dev']);
  expect(await second.ended).toBe(1);
  expect(second.output()).toContain(`process ${first.pid}`);
  expect(second.output()).toContain(`kill ${first.pid}`);
  expect(pidsOf(await first.devFile())).toEqual(pidsOf(dev));
  expect(pidsOf(dev).every(isAlive)).toBe(true);
  await stop(first);
});

test.each(['server', 'worker', 'sandbox'] as const)(
  'a killed %s is started again on its port, and dev.json follows',
  async (kind) => {
    const command = installation.run(['dev']);
    const before = await command.devFile();
    const pidOf = (dev: DevFile): number => (kind === 'worker' ? (dev.pids.workers[0] ?? 0) : dev.pids[kind]);
    const url = { server: before.console_url, worker: before.gateway_url, sandbox: before.sandbox.url }[kind];
    process.kill(pidOf(before), 'SIGKILL');
    let after = before;
    expect(
      await waitUntil(
        () => command.output().includes(`The ${kind === 'worker' ? 'worker 1' : kind} runs again`),
        20_000,
      ),
    ).toBe(true);
    const pidNow = async (): Promise<number> => pidOf(await command.devFile());
    await expect.poll(pidNow, { timeout: 10_000 }).not.toBe(pidOf(before));
    after = await command.devFile();
    expect((await askFake(url)).pid).toBe(pidOf(after));
    await stop(command);
  },
);

test('a request that comes while the only worker restarts waits and is answered', async () => {
  const command = installation.run(['dev']);
  const dev = await command.devFile();
  const [worker = 0] = dev.pids.workers;
  process.kill(worker, 'SIGKILL');
  expect(await waitUntil(() => !isAlive(worker), 5000)).toBe(true);
  expect((await askFake(dev.gateway_url)).pid).not.toBe(worker);
  await stop(command);
});

test('a killed database is started again at the same address', async () => {
  const command = installation.run(['dev']);
  const dev = await command.devFile();
  const { environment } = await askFake(dev.gateway_url);
  process.kill(dev.pids.database, 'SIGKILL');
  expect(await waitUntil(() => command.output().includes('The database runs again'), 30_000)).toBe(true);
  const client = new Client({ connectionString: environment.OWNKEY_WORKER_DATABASE_URL });
  await client.connect();
  const { rows } = await client.query('SELECT current_user AS name');
  await client.end();
  expect(rows).toEqual([{ name: 'ownkey_worker' }]);
  expect((await command.devFile()).pids.database).not.toBe(dev.pids.database);
  await stop(command);
});

test('a port in use is named together with the setting that changes it, and nothing is left running', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const command = installation.run(['dev'], { OWNKEY_GATEWAY_PORT: String(port) });
  expect(await command.ended).toBe(1);
  taken.close();
  expect(command.output()).toContain(`Port ${port}`);
  expect(command.output()).toContain('OWNKEY_GATEWAY_PORT');
  await expectNothingLeft([command.pid]);
});

test('a part that fails at its first start ends the whole start with its own words', async () => {
  const command = installation.run(['dev'], { OWNKEY_CONSOLE_URL: 'http://127.0.0.1/fail-at-start' });
  expect(await command.ended).toBe(1);
  expect(command.output()).toContain('The server did not start (exit code 3)');
  expect(command.output()).toContain('the fake server was told to fail');
  await expectNothingLeft([command.pid]);
});

test('production refuses to start without a master key and makes none', async () => {
  const command = installation.run(['start', '--allow-root']);
  expect(await command.ended).toBe(1);
  expect(command.output()).toContain('There is no master key');
  expect(existsSync(join(installation.dataDirectory, 'kek'))).toBe(false);
});

test('production runs both planes without sandbox and seed', async () => {
  const init = installation.run(['init']);
  expect(await init.ended).toBe(0);
  const command = installation.run(['start', '--allow-root']);
  expect(await waitUntil(() => command.output().includes('Both planes are ready'), 30_000)).toBe(true);
  const url = /gateway (http:\S+)/.exec(command.output())?.[1] ?? '';
  const { environment } = await askFake(url);
  expect(environment.OWNKEY_MODE).toBe('production');
  expect(Object.keys(environment).filter((name) => /PROVIDER|EGRESS|CLEAR|SANDBOX/.test(name))).toEqual([]);
  expect(readdirSync(installation.dataDirectory)).not.toContain('dev.json');
  await stop(command);
});
