import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, connectPayload, type KeyWorker, runJob, startKeyWorker } from '../../../../tests/kit/key-jobs.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { answer, type ProviderServer, startProvider } from '../../../../tests/kit/provider-server.ts';
import { seedCompany } from '../../../../tests/kit/worker-rows.ts';

const database = useTestDatabase();
const CLEAR_KEY = 'my-own-endpoint-key-0123456789';
let owner: Client;
let worker: KeyWorker | null = null;
let server: ProviderServer;
let company: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  server = await startProvider((socket, { head }) => {
    if (head.startsWith('GET')) socket.write(answer('{"data":[{"id":"my-model"}]}'));
    else {
      const usage = '{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}';
      const choice = '{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"ok"}}';
      socket.write(
        answer(`{"id":"x","object":"chat.completion","model":"my-model","choices":[${choice}],"usage":${usage}}`),
      );
    }
  });
});
afterAll(() => server.close());
beforeEach(async () => {
  company = await seedCompany(owner);
  server.arrived.length = 0;
});
afterEach(async () => {
  await worker?.close();
  worker = null;
});

async function start(listed: string, unreachableMs = 150): Promise<KeyWorker> {
  worker = await startKeyWorker(database.workerUrl, { listed, unreachableMs });
  // Each worker of this file has a master key of its own.
  return worker;
}
beforeEach(() => owner.query('TRUNCATE ownkey.sealing_keys, ownkey.envelopes'));

function endpoint(base_url: string, slug: string, change: Partial<ReturnType<typeof connectPayload>> = {}) {
  return connectPayload('custom', { base_url, slug, preset: 'openai-compatible', ...change });
}

test('several endpoints of a company are stored, each with its own name, address and key', async () => {
  const own = await start(server.listed);
  for (const slug of ['first', 'second']) {
    const job = await connect(own, owner, company, CLEAR_KEY, endpoint(`${server.origin}/v1`, slug));
    expect(job.result?.probe).toMatchObject({ status: 'valid', models_count: 1 });
  }
  const { rows } = await owner.query(
    'SELECT slug, base_url, destination, last4 FROM ownkey.keys WHERE company_id = $1 ORDER BY slug',
    [company],
  );
  const place = { base_url: `${server.origin}/v1`, destination: server.origin, last4: '6789' };
  expect(rows).toEqual([
    { slug: 'first', ...place },
    { slug: 'second', ...place },
  ]);
  expect(server.arrived.every(({ head }) => head.includes(`Bearer ${CLEAR_KEY}`))).toBe(true);
  const sources = await owner.query('SELECT provider, on_failure FROM ownkey.sources WHERE company_id = $1', [company]);
  expect(sources.rows).toContainEqual({ provider: 'first', on_failure: 'stop' });
});

test('an endpoint without a key is stored without an envelope and called without a header', async () => {
  const own = await start(server.listed);
  const job = await runJob(
    own,
    owner,
    'key.connect',
    company,
    endpoint(`${server.origin}/v1`, 'open', { keyless: true }),
  );
  expect(job.result?.probe.status).toBe('valid');
  expect(server.arrived.some(({ head }) => /authorization/i.test(head))).toBe(false);
});

test.each([
  ['taken', 'first', 'slug.taken'],
  ['of a provider', 'openai', 'slug.taken'],
  ['of an alias', 'claude', 'slug.taken'],
  ['that is not one', 'Not A Slug', 'request.invalid'],
])('a name %s is refused before anything is sent', async (_, slug, code) => {
  const own = await start(server.listed);
  await connect(own, owner, company, CLEAR_KEY, endpoint(`${server.origin}/v1`, 'first'));
  server.arrived.length = 0;
  const job = await connect(own, owner, company, CLEAR_KEY, endpoint(`${server.origin}/v1`, slug));
  expect(job.failure?.code).toBe(code);
  expect(server.arrived).toEqual([]);
});

test('a base URL that may not be called is refused on saving, and its listener gets no connection', async () => {
  const own = await start('');
  const before = server.connections;
  for (const url of [
    server.origin,
    `https://127.0.0.1:${server.port}`,
    `https://[::1]:${server.port}`,
    'ftp://x.dev',
  ]) {
    const job = await runJob(own, owner, 'key.connect', company, endpoint(url, 'mine', { keyless: true }));
    expect([url, job.failure?.code]).toEqual([url, 'base_url.refused']);
  }
  expect(server.connections).toBe(before);
});

test('a base URL changed in the database gets nothing: not from a test, and the stored key does not open for it', async () => {
  const other = await startProvider((socket) => socket.write(answer('{"data":[]}')));
  try {
    const own = await start(`${server.listed},${other.listed}`);
    const payload = endpoint(`${server.origin}/v1`, 'mine');
    await connect(own, owner, company, CLEAR_KEY, payload);
    const repoint = (more: string) =>
      owner.query(`UPDATE ownkey.keys SET base_url = $2 ${more} WHERE id = $1`, [payload.key_id, `${other.origin}/v1`]);
    const check = async () =>
      (await runJob(own, owner, 'key.test', company, { key_id: payload.key_id })).result?.probe.status;
    await repoint('');
    expect(await check()).toBe('undecryptable');
    expect(other.connections).toBe(0);
    await repoint(`, destination = '${other.origin}'`);
    expect(await check()).toBe('undecryptable');
    expect(other.connections).toBe(0);
  } finally {
    await other.close();
  }
});

describe('to their owner, endpoints that cannot be reached look alike,', () => {
  test('closed, silent, not speaking HTTP: one outcome, in one time', async () => {
    const silent = await startProvider(() => {});
    const mail = await startProvider((socket) => socket.end('220 mail.example ESMTP\r\n'));
    const closed = await startProvider(() => {});
    await closed.close();
    const ports = [closed.port, silent.port, mail.port];
    const own = await start(ports.map((port) => `127.0.0.1:${port}`).join(), 300);
    const seen: unknown[] = [];
    const times: number[] = [];
    for (const [i, port] of ports.entries()) {
      const payload = endpoint(`http://127.0.0.1:${port}`, `e${i}`, { keyless: true, save: false });
      const startedAt = performance.now();
      const job = await runJob(own, owner, 'key.connect', company, payload);
      times.push(performance.now() - startedAt);
      const { status, status_detail } = job.result?.probe ?? {};
      seen.push({ status, code: status_detail?.code, steps: job.steps.map(({ step, state }) => `${step} ${state}`) });
    }
    expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(seen[0]).toMatchObject({ status: 'unreachable', code: 'provider.unreachable' });
    expect(Math.min(...times)).toBeGreaterThan(290);
    await Promise.all([silent.close(), mail.close()]);
  });

  test('and only five tests a minute of them are made', async () => {
    const own = await start(server.listed);
    const order = (i: number) =>
      runJob(
        own,
        owner,
        'key.connect',
        company,
        endpoint(`${server.origin}/v1`, `e${i}`, { keyless: true, save: false }),
      );
    for (let i = 0; i < 5; i++) expect((await order(i)).state).toBe('done');
    server.arrived.length = 0;
    expect((await order(5)).failure?.code).toBe('probe.limited');
    expect(server.arrived).toEqual([]);
  });
});
