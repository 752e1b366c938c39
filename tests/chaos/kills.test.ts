import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCluster } from '@ownkey/cli/postgres/place';
import { readPostmasterFile } from '@ownkey/cli/postgres/postmaster';
import { isAlive } from '@ownkey/cli/process-table';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { api, connectKey, newDataDirectory, type Product, startProduct } from '../kit/product.ts';

const SETTINGS = { OWNKEY_WORKERS: '2' };
const PROVIDER = 'openai';
let directory: string;
let product: Product;

beforeAll(async () => {
  directory = newDataDirectory();
  product = await startProduct(SETTINGS, directory);
});
afterAll(() => product.stop());
beforeEach(() => control('DELETE'));

async function control(method: 'PUT' | 'DELETE', settings: object = {}): Promise<void> {
  const response = await fetch(`${product.dev().sandbox.url}/_control`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(method === 'PUT' ? { body: JSON.stringify(settings) } : {}),
  });
  expect(response.ok).toBe(true);
}

/** Rows as the database's superuser sees them. */
async function rowsOf(statement: string): Promise<Record<string, unknown>[]> {
  const cluster = findCluster(directory) ?? '';
  const port = readPostmasterFile(cluster)?.port ?? 0;
  const password = readFileSync(join(directory, 'pg.password'), 'utf8').trim();
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', password, database: 'ownkey' });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

const openRows = () => rowsOf(`SELECT id FROM ownkey.requests WHERE state = 'reserved'`);

function chat(stream: boolean): Promise<Response> {
  const { gateway_url, companies, sandbox } = product.dev();
  return fetch(`${gateway_url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${companies[0]?.gateway_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: `${PROVIDER}/${sandbox.providers[PROVIDER]?.model}`,
      stream,
      messages: [{ role: 'user', content: 'Say hello.' }],
    }),
  });
}

/** Streams that stand still after their first chunks, each with the text that is still to come. */
async function heldStreams(count: number): Promise<Promise<string>[]> {
  await control('PUT', { hold_after_chunks: 2 });
  const answers = await Promise.all(Array.from({ length: count }, () => chat(true)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  return answers.map((answer) => answer.text().catch(() => 'broken off'));
}

/** Of an `ownkey` command on the data folder. */
function exitCodeOf(...command: string[]): number | null {
  const cli = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
  const { PATH = '', HOME = '' } = process.env;
  return spawnSync(process.execPath, [cli, ...command], { env: { PATH, HOME, OWNKEY_DATA_DIR: directory } }).status;
}

async function connect(): Promise<string> {
  const key = product.dev().sandbox.providers[PROVIDER]?.keys.valid ?? '';
  const answer = await connectKey(product, PROVIDER, key);
  expect(answer).toMatchObject({ status: 201, body: { status: 'valid' } });
  return String(answer.body.id);
}

test('a key removed while no worker hears notifications still ends its streams, and no next call uses it', async () => {
  const key = await connect();
  const streams = await heldStreams(6);
  await rowsOf(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ownkey-worker-listen'`,
  );
  expect((await api(product, 'DELETE', `/api/keys/${key}`)).status).toBe(200);
  const next = await Promise.all(Array.from({ length: 6 }, () => chat(false)));
  expect(next.map(({ headers }) => headers.get('x-ownkey-key-source'))).not.toContain('own');
  for (const text of await Promise.all(streams)) expect(text).toContain('key.removed');
  expect(await openRows()).toEqual([]);
});

test('calls while the database is down are answered or refused with 503, and succeed again once it is back', async () => {
  await connect();
  const before = product.dev().pids.database;
  process.kill(before, 'SIGKILL');
  const statuses = new Set<number>();
  const backAgain = async (): Promise<boolean> => {
    const { status } = await chat(false);
    statuses.add(status);
    return status === 200 && product.dev().pids.database !== before;
  };
  await expect.poll(backAgain, { timeout: 30_000 }).toBe(true);
  expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
  await expect.poll(openRows, { timeout: 10_000 }).toEqual([]);
});

test('what killed workers left open is booked as lost, and the keys still serve', async () => {
  await connect();
  const streams = await heldStreams(6);
  for (const worker of product.dev().pids.workers) process.kill(worker, 'SIGKILL');
  for (const text of await Promise.all(streams)) expect(text).toBe('broken off');
  await control('DELETE');
  const left = await openRows();
  expect(left).toHaveLength(6);
  expect((await chat(false)).status).toBe(200);
  // A minute passes.
  await rowsOf(`UPDATE ownkey.reservations SET lease_until = now() - interval '1 second'`);
  await expect.poll(openRows, { timeout: 30_000 }).toEqual([]);
  const lost = await rowsOf(`SELECT id FROM ownkey.requests WHERE state = 'expired' AND error_code = 'call.lost'`);
  expect(lost).toHaveLength(6);
});

test('after kill -9 of every process in the middle of streams and of a connection, the next start and the audit find all whole', async () => {
  await connect();
  await heldStreams(4);
  await control('PUT', { hold_first_byte: true });
  const slow = product.dev().sandbox.providers[PROVIDER]?.keys.slow ?? '';
  const connecting = connectKey(product, PROVIDER, slow).catch(() => null);
  const running = `SELECT id FROM ownkey.worker_jobs WHERE state = 'running'`;
  await expect.poll(() => rowsOf(running), { timeout: 10_000 }).toHaveLength(1);
  const { pids } = product.dev();
  const all = [product.process.pid ?? 0, pids.server, ...pids.workers, pids.database, pids.sandbox];
  for (const pid of all) process.kill(pid, 'SIGKILL');
  await product.stop({ keepData: true });
  expect(await connecting).toBeNull();
  await expect.poll(() => all.some(isAlive)).toBe(false);

  product = await startProduct(SETTINGS, directory);
  await expect.poll(() => product.output(), { timeout: 60_000 }).toContain('Ownkey is running');
  const now = product.dev().pids;
  expect([now.server, ...now.workers, now.database, now.sandbox].every(isAlive)).toBe(true);
  expect((await chat(false)).status).toBe(200);
  await rowsOf(`UPDATE ownkey.reservations SET lease_until = now() - interval '1 second'`);
  await rowsOf(`UPDATE ownkey.worker_jobs SET taken_at = now() - interval '1 minute' WHERE state = 'running'`);
  await expect.poll(openRows, { timeout: 30_000 }).toEqual([]);
  await expect.poll(() => rowsOf(running), { timeout: 30_000 }).toEqual([]);
  expect(
    await rowsOf(`SELECT k.id FROM ownkey.keys k FULL JOIN ownkey.envelopes e ON e.key_id = k.id
      WHERE e.key_id IS NULL OR k.id IS NULL OR e.version <> k.version`),
  ).toEqual([]);
  expect(await product.stop({ keepData: true })).toBe(0);
  expect(exitCodeOf('audit', 'verify')).toBe(0);
});
