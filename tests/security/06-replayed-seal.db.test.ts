import type { SealContext } from '@ownkey/vault/context';
import { newKeyId } from '@ownkey/vault/mint';
import { sqlOf } from '@ownkey/worker/database';
import { purgeJobs } from '@ownkey/worker/jobs/job-store';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testRing } from '../kit/egress.ts';
import {
  awaitJob,
  connectPayload,
  type KeyWorker,
  orderJob,
  runJob,
  sealFor,
  startKeyWorker,
} from '../kit/key-jobs.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { useSandbox } from '../kit/sandbox.ts';
import { mintKey } from '../kit/sandbox-keys.ts';
import { seedCompany, seedUser } from '../kit/worker-rows.ts';

/** Threat 6: a sealed key that somebody kept is brought again. Two workers share database and master key, as in production. */
const database = useTestDatabase();
const sandbox = useSandbox();
const PROVIDER = 'openai';
let owner: Client;
let workers: [KeyWorker, KeyWorker];
let company: string;
let payload: ReturnType<typeof connectPayload>;
let sealed: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  const ring = testRing();
  const start = (): Promise<KeyWorker> =>
    startKeyWorker(database.workerUrl, {
      baseUrls: new Map(Object.entries(sandbox().keys.providers).map(([id, { base_url }]) => [id, base_url])),
      listed: new URL(sandbox().url).host,
      ring,
    });
  workers = [await start(), await start()];
});
afterAll(() => Promise.all(workers.map((worker) => worker.close())));
beforeEach(async () => {
  company = await seedCompany(owner);
  payload = connectPayload(PROVIDER);
  sealed = await seal({});
  sandbox().clear();
});

function seal(change: Partial<SealContext>): Promise<string> {
  const context = { company, provider: PROVIDER, key_id: payload.key_id, ...change };
  return sealFor(owner, mintKey(PROVIDER, 'valid'), context);
}

const connect = (more: Partial<typeof payload> = {}, ofCompany = company) =>
  runJob(workers[0], owner, 'key.connect', ofCompany, { ...payload, ...more }, sealed);

/** The refusals on record of a company: code, key, and whether anything was stored. */
async function refusals(ofCompany = company): Promise<unknown[]> {
  const { rows } = await owner.query(
    `SELECT data ->> 'code' AS code, key_id, data ->> 'stored' AS stored, actor FROM audit_events
     WHERE company_id = $1 AND kind = 'key.refused' ORDER BY seq`,
    [ofCompany],
  );
  return rows;
}

const refused = (code: string, key_id = payload.key_id) => ({ code, key_id, stored: 'false', actor: 'usr_test' });

async function storedKeys(): Promise<number> {
  return (await owner.query('SELECT 1 FROM keys WHERE company_id = $1', [company])).rows.length;
}

describe('a sealed key brought somewhere else is refused with its code, put on record, and reaches no provider:', () => {
  test('at another company', async () => {
    const other = await seedCompany(owner);
    expect((await connect({}, other)).failure).toMatchObject({
      code: 'seal.invalid',
      facts: { problem: 'it was sealed for another company' },
    });
    expect(await refusals(other)).toEqual([refused('seal.invalid')]);
    expect(sandbox().calls()).toEqual([]);
  });

  test('for another user', async () => {
    const user = await seedUser(owner, company);
    expect((await connect({ owner: 'user', user_id: user })).failure).toMatchObject({
      code: 'seal.invalid',
      facts: { problem: 'it was sealed for another user' },
    });
    expect(await refusals()).toEqual([refused('seal.invalid')]);
    expect(sandbox().calls()).toEqual([]);
  });

  test('for another provider', async () => {
    expect((await connect({ provider: 'groq' })).failure).toMatchObject({
      code: 'seal.invalid',
      facts: { problem: 'it was sealed for another provider' },
    });
    expect(await refusals()).toEqual([refused('seal.invalid')]);
    expect(sandbox().calls()).toEqual([]);
  });

  test('for another key id', async () => {
    const other = newKeyId();
    expect((await connect({ key_id: other })).failure).toMatchObject({
      code: 'seal.invalid',
      facts: { problem: 'it was sealed for another key' },
    });
    expect(await refusals()).toEqual([refused('seal.invalid', other)]);
    expect(sandbox().calls()).toEqual([]);
  });

  test('as a replacement of the key it was made for', async () => {
    expect((await connect()).state).toBe('done');
    sandbox().clear();
    const job = await runJob(
      workers[1],
      owner,
      'key.replace',
      company,
      { key_id: payload.key_id, keep: false },
      sealed,
    );
    expect(job.failure?.code).toBe('conflict.changed');
    expect(sandbox().calls()).toEqual([]);
  });
});

test.each([
  ['a second ago', -1],
  ['an hour ago', -3600],
])('a sealed key whose time ended %s is refused and put on record', async (_, seconds) => {
  sealed = await seal({ exp: Math.floor(Date.now() / 1000) + seconds });
  expect((await connect()).failure?.code).toBe('seal.expired');
  expect(await refusals()).toEqual([refused('seal.expired')]);
  expect([await storedKeys(), sandbox().calls()]).toEqual([0, []]);
});

test('a sealed key that claims a longer life than an hour is refused: its nonce would have to be kept for ever', async () => {
  sealed = await seal({ exp: Math.floor(Date.now() / 1000) + 3700 });
  expect((await connect()).failure?.code).toBe('seal.expired');
  expect(await refusals()).toEqual([refused('seal.expired')]);
});

test('the second time is refused at either worker and put on record, also after the key was removed', async () => {
  expect((await connect()).state).toBe('done');
  sandbox().clear();
  for (const worker of workers) {
    const again = await runJob(worker, owner, 'key.connect', company, payload, sealed);
    expect(again.failure?.code).toBe('seal.replayed');
  }
  await owner.query('DELETE FROM keys WHERE id = $1', [payload.key_id]);
  for (const worker of workers) {
    const again = await runJob(worker, owner, 'key.connect', company, payload, sealed);
    expect(again.failure?.code).toBe('seal.replayed');
  }
  expect(await refusals()).toEqual(Array.from({ length: 4 }, () => refused('seal.replayed')));
  expect([await storedKeys(), sandbox().calls()]).toEqual([0, []]);
});

test('of many at once, at two workers, one is stored and the others are refused', async () => {
  const ids = await Promise.all(
    Array.from({ length: 8 }, () => orderJob(owner, 'key.connect', company, payload, sealed)),
  );
  for (const worker of workers) worker.keys.jobs.wake();
  const jobs = await Promise.all(ids.map((id) => awaitJob<'key.connect'>(owner, id)));
  const done = jobs.filter(({ state }) => state === 'done');
  expect(done).toHaveLength(1);
  const codes = jobs.flatMap(({ failure }) => (failure ? [failure.code] : []));
  expect(codes).toHaveLength(7);
  for (const code of codes) expect(['seal.replayed', 'conflict.exists']).toContain(code);
  expect(await storedKeys()).toBe(1);
  const envelopes = await owner.query('SELECT version FROM envelopes WHERE key_id = $1', [payload.key_id]);
  expect(envelopes.rows).toEqual([{ version: 1 }]);
});

test('a nonce is kept for all workers until its seal has ended, and an hour longer', async () => {
  expect((await connect()).state).toBe('done');
  const sql = sqlOf(workers[1].pool);
  const kept = async (): Promise<number> => {
    await purgeJobs(sql);
    return (await owner.query('SELECT 1 FROM used_nonces')).rows.length;
  };
  const before = await kept();
  expect(before).toBeGreaterThan(0);
  await owner.query("UPDATE used_nonces SET expires_at = now() - interval '59 minutes'");
  expect(await kept()).toBe(before);
  await owner.query("UPDATE used_nonces SET expires_at = now() - interval '61 minutes'");
  expect(await kept()).toBe(0);
});
