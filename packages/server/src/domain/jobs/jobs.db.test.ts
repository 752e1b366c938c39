import { afterAll, beforeAll, expect, test } from 'vitest';
import { runFakeJobs } from '../../../../../tests/kit/fake-jobs.ts';
import { useTestDatabase } from '../../../../../tests/kit/postgres.ts';
import { type Database, openDatabase } from '../../storage/database.ts';
import { type JobSignals, listenForJobs } from '../../storage/job-signals.ts';
import { awaitJob, findJob, orderJob } from './jobs.ts';

const postgres = useTestDatabase();
let database: Database;
let signals: JobSignals;

beforeAll(() => {
  database = openDatabase(postgres.controlUrl, 4);
  signals = listenForJobs(postgres.controlUrl);
});
afterAll(async () => {
  await signals.close();
  await database.close();
});

const order = (idempotencyKey: string | null, keyId = 'key_1', actor = 'usr_1') =>
  database.everywhere((sql) =>
    orderJob(sql, {
      kind: 'key.test',
      companyId: null,
      payload: { key_id: keyId },
      sealed: null,
      actor,
      idempotencyKey,
    }),
  );
const gone = () => new AbortController().signal;

test('the same request made many times at once under one key is one job', async () => {
  const ids = await Promise.all(Array.from({ length: 8 }, () => order('same')));
  expect(new Set(ids).size).toBe(1);
});

test('without a key every request is a job', async () => {
  expect(await order(null)).not.toBe(await order(null));
});

test('another request under the same key is refused', async () => {
  await order('taken', 'key_1');
  await expect(order('taken', 'key_2')).rejects.toMatchObject({ code: 'conflict.exists' });
});

test('a wait ends when the job does, with its result and steps', async () => {
  const id = await order(null);
  const waiting = awaitJob(database, signals, null, id, gone());
  const worker = await postgres.connect('worker');
  const fake = await runFakeJobs(worker, async () => ({ failed: { code: 'key.undecryptable', facts: {} } }));
  expect(await waiting).toMatchObject({
    id,
    state: 'failed',
    error_code: 'key.undecryptable',
    steps: [{ step: 'open' }],
  });
  await fake.stop();
});

test('a wait that nobody needs any more ends at once, and says that no worker took the job', async () => {
  const id = await order(null);
  const left = new AbortController();
  const waiting = awaitJob(database, signals, null, id, left.signal);
  left.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'worker.unavailable' });
});

test('a job of one company is out of sight of every other and of none', async () => {
  await database.everywhere((sql) =>
    sql.rows("INSERT INTO companies (id, name, plan) VALUES ('co_a', 'a', 'free'), ('co_b', 'b', 'free')"),
  );
  const id = await database.tenant('co_a', (sql) =>
    orderJob(sql, {
      kind: 'key.test',
      companyId: 'co_a',
      payload: { key_id: 'k' },
      sealed: 'x',
      actor: 'a',
      idempotencyKey: null,
    }),
  );
  expect((await database.tenant('co_a', (sql) => findJob(sql, id)))?.id).toBe(id);
  expect(await database.tenant('co_b', (sql) => findJob(sql, id))).toBeNull();
  expect(await findJob(database.outside, id)).toBeNull();
});

test('work for a company needs its id', () => {
  for (const company of ['', '*']) expect(() => database.tenant(company, async () => null)).toThrow('needs the id');
});
