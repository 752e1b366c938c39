import { OwnkeyError } from '@ownkey/contract/errors';
import type { Client, Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { awaitJob, orderJob } from '../../../../tests/kit/key-jobs.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { quiet } from '../../../../tests/kit/quiet-log.ts';
import { seedCompany } from '../../../../tests/kit/worker-rows.ts';
import { createPool, sqlOf } from '../database.ts';
import { type JobHandlers, JobRunner } from './job-runner.ts';
import { purgeJobs, sweepJobs } from './job-store.ts';

const database = useTestDatabase();
let owner: Client;
let pool: Pool;
let company: string;
const runners: JobRunner[] = [];

beforeAll(async () => {
  owner = await database.connect('owner');
  pool = createPool({ connectionString: database.workerUrl, name: 'jobs', connectionsMax: 4, log: quiet });
});
afterAll(() => pool.end());
beforeEach(async () => {
  await owner.query('TRUNCATE ownkey.worker_jobs');
  company = await seedCompany(owner);
});
afterEach(async () => {
  for (const runner of runners.splice(0)) await runner.stop(2_000);
});

const refuse = () => Promise.reject(new OwnkeyError('not_found'));
const nothing: JobHandlers = {
  'key.connect': refuse,
  'key.replace': refuse,
  'key.test': refuse,
  'models.refresh': refuse,
  'audit.verify': refuse,
};

function runner(handlers: Partial<JobHandlers>, options: { concurrency?: number } = {}): JobRunner {
  const made = new JobRunner({ sql: sqlOf(pool), log: quiet, handlers: { ...nothing, ...handlers }, ...options });
  runners.push(made);
  return made;
}

const refresh = (n: number) => orderJob(owner, 'models.refresh', company, { key_id: `key_${n}` });

test('every job is run by exactly one of several workers', async () => {
  const ran: string[] = [];
  const handlers: Partial<JobHandlers> = {
    'models.refresh': async (job) => {
      ran.push(job.id);
      await new Promise((resolve) => setImmediate(resolve));
      return { key_id: job.payload.key_id, models_count: null };
    },
  };
  const ids = await Promise.all(Array.from({ length: 40 }, (_, n) => refresh(n)));
  for (const one of [runner(handlers), runner(handlers), runner(handlers)]) one.start();
  for (const id of ids) expect((await awaitJob(owner, id)).state).toBe('done');
  expect(ran.sort()).toEqual(ids.sort());
});

test('no more jobs run at once than allowed, and the rest follow', async () => {
  let now = 0;
  let most = 0;
  const one = runner(
    {
      'models.refresh': async (job) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now--;
        return { key_id: job.payload.key_id, models_count: 1 };
      },
    },
    { concurrency: 3 },
  );
  const ids = await Promise.all(Array.from({ length: 10 }, (_, n) => refresh(n)));
  one.start();
  for (const id of ids) expect((await awaitJob(owner, id)).state).toBe('done');
  expect(most).toBe(3);
});

test('a sealed key is gone from the database before its job begins, and is with its handler alone', async () => {
  let column: unknown;
  let given: string | null = null;
  const one = runner({
    'key.replace': async (job) => {
      given = job.sealed;
      column = (await owner.query('SELECT sealed FROM ownkey.worker_jobs WHERE id = $1', [job.id])).rows[0].sealed;
      return refuse();
    },
  });
  const id = await orderJob(owner, 'key.replace', company, { key_id: 'key_x', keep: false }, 'the sealed blob');
  one.start();
  expect((await awaitJob(owner, id)).failure).toEqual({ code: 'not_found', facts: {} });
  expect([given, column]).toEqual(['the sealed blob', null]);
});

test('steps show while the job runs', async () => {
  let go: () => void = () => {};
  const one = runner({
    'key.test': async (job, steps) => {
      steps.begin('list');
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      steps.end('list', 'done', { models: 3 });
      steps.begin('generate');
      throw new OwnkeyError('ledger.unavailable', { key: job.payload.key_id });
    },
  });
  const id = await orderJob(owner, 'key.test', company, { key_id: 'key_x' });
  one.start();
  const stepsNow = async () =>
    (await owner.query('SELECT steps FROM ownkey.worker_jobs WHERE id = $1', [id])).rows[0].steps;
  while ((await stepsNow()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await stepsNow()).toEqual([{ step: 'list', state: 'running' }]);
  go();
  const ended = await awaitJob(owner, id);
  expect(ended.failure).toEqual({ code: 'ledger.unavailable', facts: { key: 'key_x' } });
  expect(ended.steps).toMatchObject([
    { step: 'list', state: 'done', detail: { models: 3 } },
    { step: 'generate', state: 'failed', detail: { code: 'ledger.unavailable' } },
  ]);
});

test('an unexpected error says nothing of itself', async () => {
  const one = runner({ 'key.test': () => Promise.reject(new Error('secret detail')) });
  const id = await orderJob(owner, 'key.test', company, { key_id: 'key_x' });
  one.start();
  expect((await awaitJob(owner, id)).failure).toEqual({ code: 'internal', facts: {} });
});

test.each([
  ['an unknown kind', 'key.steal', {}],
  ['a payload of another shape', 'key.test', { key_id: 7 }],
  ['no payload', 'key.connect', {}],
])('%s fails and runs nothing', async (_, kind, payload) => {
  const one = runner({});
  await owner.query('INSERT INTO ownkey.worker_jobs (id, kind, company_id, payload) VALUES ($1, $2, $3, $4)', [
    'job_bad',
    kind,
    company,
    JSON.stringify(payload),
  ]);
  one.start();
  expect((await awaitJob(owner, 'job_bad')).failure?.code).toBe('internal');
});

test('a job nobody took in time fails and its sealed key is erased', async () => {
  const id = await orderJob(owner, 'key.replace', company, { key_id: 'key_x', keep: false }, 'blob');
  await owner.query("UPDATE ownkey.worker_jobs SET expires_at = now() - interval '1 second' WHERE id = $1", [id]);
  await sweepJobs(sqlOf(pool), 15_000);
  expect(await awaitJob(owner, id)).toMatchObject({
    state: 'failed',
    sealed: null,
    failure: { code: 'worker.unavailable' },
  });
});

test('a job that kills its workers is not run for ever', async () => {
  const id = await refresh(1);
  for (let tries = 1; tries <= 3; tries++) {
    await owner.query(
      "UPDATE ownkey.worker_jobs SET state = 'running', attempts = $2, taken_at = now() - interval '1 hour' WHERE id = $1",
      [id, tries],
    );
    expect(await sweepJobs(sqlOf(pool), 15_000)).toBe(tries < 3 ? 1 : 0);
  }
  expect((await awaitJob(owner, id)).failure?.code).toBe('worker.unavailable');
});

test('a worker whose job was given to another does not write its end over it', async () => {
  let go: () => void = () => {};
  const one = runner({
    'models.refresh': async (job) => {
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      return { key_id: job.payload.key_id, models_count: 99 };
    },
  });
  const id = await refresh(1);
  one.start();
  while (one.running === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await owner.query(
    "UPDATE ownkey.worker_jobs SET attempts = attempts + 1, state = 'failed', result = '{}' WHERE id = $1",
    [id],
  );
  go();
  await one.stop(2_000);
  const { rows } = await owner.query('SELECT state, result FROM ownkey.worker_jobs WHERE id = $1', [id]);
  expect(rows).toEqual([{ state: 'failed', result: {} }]);
});

test('expired nonces and old jobs are purged, others stay', async () => {
  await owner.query(
    "INSERT INTO ownkey.used_nonces VALUES ('old', now() - interval '2 hours'), ('new', now() + interval '1 minute')",
  );
  const [old, young] = [await refresh(1), await refresh(2)];
  await owner.query(
    "UPDATE ownkey.worker_jobs SET state = 'done', finished_at = now() - interval '2 days' WHERE id = $1",
    [old],
  );
  await purgeJobs(sqlOf(pool));
  expect((await owner.query('SELECT nonce FROM ownkey.used_nonces')).rows).toEqual([{ nonce: 'new' }]);
  expect((await owner.query('SELECT id FROM ownkey.worker_jobs')).rows).toEqual([{ id: young }]);
});
