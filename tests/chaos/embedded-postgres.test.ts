import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from '@ownkey/cli/postgres/embedded';
import { findCluster } from '@ownkey/cli/postgres/place';
import { isAlive } from '@ownkey/cli/process-table';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeDataDirectory } from '../kit/data-directory.ts';

let directory = '';
const started: EmbeddedPostgres[] = [];
const strangers: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ownkey-pg-'));
});

afterEach(async () => {
  for (const postgres of started.splice(0)) await postgres.stop({ fastMs: 0, immediateMs: 1000 });
  for (const stranger of strangers.splice(0)) stranger.kill('SIGKILL');
  removeDataDirectory(join(directory, 'data'));
  removeDataDirectory(directory);
});

async function start(at = directory, options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres(at, { sync: false, ...options });
  started.push(postgres);
  return postgres;
}

async function ask(postgres: EmbeddedPostgres, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: postgres.url('owner') });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

function postmasterFile(postgres: EmbeddedPostgres): string {
  return join(postgres.cluster, 'postmaster.pid');
}

test('what was written is there after a stop and a start', async () => {
  const first = await start();
  expect(first.notes.join()).toContain('new database');
  await ask(first, 'CREATE TABLE kept AS SELECT 42 AS n');
  await first.stop();
  expect(isAlive(first.pid)).toBe(false);
  expect(existsSync(postmasterFile(first))).toBe(false);
  const second = await start();
  expect(second.notes).toEqual([]);
  expect(await ask(second, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
});

test('passwords are asked for, also from this machine, and kept in files only the owner reads', async () => {
  const postgres = await start();
  const client = new Client({ connectionString: postgres.url('superuser').replace(/:[^:@]+@/, ':wrong@') });
  await expect(client.connect()).rejects.toThrow('password authentication failed');
  for (const name of readdirSync(directory).filter((entry) => entry.endsWith('.password'))) {
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  }
  expect(statSync(postgres.cluster).mode & 0o777).toBe(0o700);
});

test('a server that its supervisor left behind is stopped, and its rows are kept', async () => {
  const orphan = await start();
  await ask(orphan, 'CREATE TABLE kept AS SELECT 42 AS n');
  const next = await start();
  expect(isAlive(orphan.pid)).toBe(false);
  expect(next.notes.join()).toContain(`process ${orphan.pid}`);
  expect(await ask(next, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
});

test('the death of the server is told, and a killed server recovers what was committed', async () => {
  const first = await start();
  await ask(first, 'CREATE TABLE kept AS SELECT 42 AS n');
  process.kill(first.pid, 'SIGKILL');
  expect(await first.ended).toBe('ended by SIGKILL');
  const next = await start();
  expect(await ask(next, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
});

test('a pid file that names a living stranger neither bars the start nor harms the stranger', async () => {
  const first = await start();
  const lines = readFileSync(postmasterFile(first), 'utf8').split('\n');
  await first.stop();
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  strangers.push(stranger);
  writeFileSync(postmasterFile(first), [String(stranger.pid), ...lines.slice(1)].join('\n'));
  const next = await start();
  expect(isAlive(stranger.pid ?? 0)).toBe(true);
  expect(await ask(next, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
});

test('a port taken by another program is replaced by a free one', async () => {
  const taken: Server = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const postgres = await start(directory, { port });
    expect(postgres.port).not.toBe(port);
    expect(await ask(postgres, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  } finally {
    taken.close();
  }
});

test('what broken attempts to make the cluster left behind does not bar a new one', async () => {
  const scratch = join(directory, 'pg.init-12345');
  mkdirSync(join(scratch, 'cluster', 'base'), { recursive: true });
  mkdirSync(join(directory, 'pg', 'base'), { recursive: true });
  const postgres = await start();
  expect(await ask(postgres, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  expect(existsSync(scratch)).toBe(false);
  expect(existsSync(join(directory, 'pg.unfinished', 'base'))).toBe(true);
});

test('a lost password file is replaced, and the rows are kept', async () => {
  const first = await start();
  await ask(first, 'CREATE TABLE kept AS SELECT 42 AS n');
  await first.stop();
  for (const name of readdirSync(directory).filter((entry) => entry.endsWith('.password')))
    rmSync(join(directory, name));
  const next = await start();
  expect(await ask(next, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
});

test('a cluster of another major version is refused by name and left as it is', async () => {
  const first = await start();
  await first.stop();
  writeFileSync(join(first.cluster, 'PG_VERSION'), '12\n');
  await expect(start()).rejects.toThrow('made by PostgreSQL 12');
  expect(readFileSync(join(first.cluster, 'PG_VERSION'), 'utf8')).toBe('12\n');
});

test('a server that cannot start says why in its own words', async () => {
  const first = await start();
  await first.stop();
  writeFileSync(join(first.cluster, 'postgresql.auto.conf'), 'no_such_setting = 1\n');
  await expect(start()).rejects.toThrow('no_such_setting');
});

test('below a folder that bars the database user the cluster lies where that user can reach it', async () => {
  const inner = join(directory, 'data');
  const postgres = await start(inner);
  expect(findCluster(inner)).toBe(postgres.cluster);
  // As an ordinary user no other user is involved, and the cluster stays in the data directory.
  expect(postgres.cluster.startsWith(inner)).toBe(process.getuid?.() !== 0);
  expect(existsSync(join(inner, 'pg.path'))).toBe(process.getuid?.() === 0);
});

test('a data directory that was deleted and made again starts empty', async () => {
  const inner = join(directory, 'data');
  const first = await start(inner);
  await ask(first, 'CREATE TABLE gone AS SELECT 42 AS n');
  await first.stop();
  rmSync(inner, { recursive: true });
  const next = await start(inner);
  expect(await ask(next, "SELECT to_regclass('gone') AS found")).toEqual([{ found: null }]);
  expect(lstatSync(next.cluster).isDirectory()).toBe(true);
});
