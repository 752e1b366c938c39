import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  awaitJob,
  connect,
  connectPayload,
  type KeyWorker,
  orderJob,
  runJob,
  sealFor,
  startKeyWorker,
} from '../../../../tests/kit/key-jobs.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { useSandbox } from '../../../../tests/kit/sandbox.ts';
import { mintKey } from '../../../../tests/kit/sandbox-keys.ts';
import { seedCompany } from '../../../../tests/kit/worker-rows.ts';

const database = useTestDatabase();
const sandbox = useSandbox();
let owner: Client;
let worker: KeyWorker;
let company: string;
const PROVIDER = 'openai';
const OTHER = 'groq';

beforeAll(async () => {
  owner = await database.connect('owner');
  worker = await startKeyWorker(database.workerUrl, {
    baseUrls: new Map(Object.entries(sandbox().keys.providers).map(([id, { base_url }]) => [id, base_url])),
    listed: new URL(sandbox().url).host,
  });
});
afterAll(() => worker.close());
beforeEach(async () => {
  company = await seedCompany(owner);
  sandbox().clear();
});

async function stored(provider = PROVIDER, ofCompany = company): Promise<string> {
  const payload = connectPayload(provider);
  const job = await connect(worker, owner, ofCompany, mintKey(provider, 'valid'), payload);
  if (!job.result) throw new Error(JSON.stringify(job.failure));
  sandbox().clear();
  return payload.key_id;
}

async function row(id: string) {
  const { rows } = await owner.query(
    'SELECT k.*, e.version AS envelope_version, e.body FROM ownkey.keys k LEFT JOIN ownkey.envelopes e ON e.key_id = k.id WHERE k.id = $1',
    [id],
  );
  return rows[0];
}

async function replace(id: string, clearKey: string, version: number, keep = false, provider = PROVIDER) {
  const sealed = await sealFor(owner, clearKey, { company, provider, key_id: id, version });
  return runJob(worker, owner, 'key.replace', company, { key_id: id, keep }, sealed);
}

describe('replacing', () => {
  test('swaps in the tested key: same id, next version, the old ciphertext gone', async () => {
    const id = await stored();
    const before = await row(id);
    const clearKey = mintKey(PROVIDER, 'valid');
    const job = await replace(id, clearKey, 2);
    expect(job.result).toMatchObject({ key_id: id, swapped: true, version: 2, last4: clearKey.slice(-4) });
    const after = await row(id);
    expect([after.version, after.envelope_version, after.last4]).toEqual([2, 2, clearKey.slice(-4)]);
    expect(Number(after.row_version)).toBe(Number(before.row_version) + 1);
    expect(after.body.equals(before.body)).toBe(false);
    expect((await runJob(worker, owner, 'key.test', company, { key_id: id })).result?.probe.status).toBe('valid');
    expect(
      sandbox()
        .calls()
        .every(({ last4 }) => last4 === clearKey.slice(-4)),
    ).toBe(true);
  });

  test('with a rejected key leaves the old one as it was', async () => {
    const id = await stored();
    const before = await row(id);
    const job = await replace(id, mintKey(PROVIDER, 'invalid'), 2);
    expect(job.failure).toMatchObject({ code: 'key.rejected', probe: { status: 'invalid' } });
    expect(await row(id)).toEqual(before);
  });

  test('twice with the same sealed key, or for an old version, changes nothing', async () => {
    const id = await stored();
    const sealed = await sealFor(owner, mintKey(PROVIDER, 'valid'), {
      company,
      provider: PROVIDER,
      key_id: id,
      version: 2,
    });
    const order = () => runJob(worker, owner, 'key.replace', company, { key_id: id, keep: false }, sealed);
    expect((await order()).state).toBe('done');
    const after = await row(id);
    expect((await order()).failure?.code).toBe('conflict.changed');
    expect(await row(id)).toEqual(after);
  });

  test('at the same time lets one win', async () => {
    const id = await stored();
    const jobs = await Promise.all([
      replace(id, mintKey(PROVIDER, 'valid'), 2),
      replace(id, mintKey(PROVIDER, 'valid'), 2),
    ]);
    expect(jobs.map(({ state, failure }) => failure?.code ?? state).sort()).toEqual(['conflict.changed', 'done']);
    expect((await row(id)).version).toBe(2);
  });

  test("another company's key is like one that is not there", async () => {
    const id = await stored(PROVIDER, await seedCompany(owner));
    const job = await replace(id, mintKey(PROVIDER, 'valid'), 2);
    expect(job.failure?.code).toBe('not_found');
    expect((await row(id)).version).toBe(1);
  });

  test('works for a key that does not open any more', async () => {
    const id = await stored();
    await owner.query('DELETE FROM ownkey.envelopes WHERE key_id = $1', [id]);
    worker.envelopes.forget(id);
    expect((await runJob(worker, owner, 'key.test', company, { key_id: id })).result?.probe.status).toBe(
      'undecryptable',
    );
    expect((await replace(id, mintKey(PROVIDER, 'valid'), 2)).result?.probe.status).toBe('valid');
    expect((await row(id)).status).toBe('valid');
  });
});

describe('testing', () => {
  test('writes what was found, with events, and keeps the key', async () => {
    const id = await stored();
    sandbox().control({ outcomes: { [PROVIDER]: 'no_credit' } });
    const job = await runJob(worker, owner, 'key.test', company, { key_id: id });
    sandbox().control();
    expect(job.result?.probe.status).toBe('no_credit');
    expect((await row(id)).status).toBe('no_credit');
    const { rows } = await owner.query(
      "SELECT kind, data FROM ownkey.audit_events WHERE key_id = $1 AND kind LIKE 'key.%' ORDER BY seq",
      [id],
    );
    expect(rows.map(({ kind }) => kind)).toEqual(['key.connected', 'key.failing', 'key.tested', 'key.status_changed']);
    expect(rows[3].data).toEqual({ from: 'valid', to: 'no_credit' });
  });

  test('the last good list of models stays when the newest cannot be read', async () => {
    const id = await stored();
    sandbox().control({ outcomes: { [PROVIDER]: 'outage' } });
    const failed = await runJob(worker, owner, 'models.refresh', company, { key_id: id });
    sandbox().control();
    expect(failed.result).toEqual({ key_id: id, models_count: null });
    const { rows } = await owner.query('SELECT models FROM ownkey.model_lists WHERE key_id = $1', [id]);
    expect(rows[0].models.length).toBeGreaterThan(0);
    const good = await runJob(worker, owner, 'models.refresh', company, { key_id: id });
    expect(good.result?.models_count).toBe(rows[0].models.length);
  });
});

describe('an envelope moved or altered in the database does not open, and no provider is called:', () => {
  test.each<[string, (mine: string, theirs: string) => Promise<unknown>]>([
    [
      "another company's",
      (mine, theirs) =>
        owner.query(
          `UPDATE ownkey.envelopes m SET wrapped_dek = t.wrapped_dek, commitment = t.commitment, body = t.body
           FROM ownkey.envelopes t WHERE m.key_id = $1 AND t.key_id = $2`,
          [mine, theirs],
        ),
    ],
    [
      'the row given to another company',
      async (mine) => {
        await owner.query('UPDATE ownkey.keys SET company_id = $2 WHERE id = $1', [mine, await seedCompany(owner)]);
      },
    ],
    [
      'the row given to another provider',
      (mine) =>
        owner.query('UPDATE ownkey.keys SET provider = $2, destination = $3 WHERE id = $1', [
          mine,
          OTHER,
          `catalogue:${OTHER}`,
        ]),
    ],
    [
      'another version',
      async (mine) => {
        await owner.query('UPDATE ownkey.keys SET version = 2 WHERE id = $1', [mine]);
        await owner.query('UPDATE ownkey.envelopes SET version = 2 WHERE key_id = $1', [mine]);
      },
    ],
    [
      'another destination',
      (mine) => owner.query("UPDATE ownkey.keys SET destination = 'https://evil.example.com' WHERE id = $1", [mine]),
    ],
    ['one bit of the body', (mine) => flip(mine, 'body')],
    ['one bit of the wrapped key', (mine) => flip(mine, 'wrapped_dek')],
    ['one bit of the commitment', (mine) => flip(mine, 'commitment')],
    ['none at all', (mine) => owner.query('DELETE FROM ownkey.envelopes WHERE key_id = $1', [mine])],
    [
      'an unknown master key',
      (mine) => owner.query("UPDATE ownkey.envelopes SET kek_id = 'kek_gone00000000' WHERE key_id = $1", [mine]),
    ],
  ])('%s', async (_, tamper) => {
    const mine = await stored();
    const theirs = await stored(PROVIDER, await seedCompany(owner));
    await tamper(mine, theirs);
    const { company_id } = await row(mine);
    const job = await runJob(worker, owner, 'key.test', company_id, { key_id: mine });
    expect(job.result?.probe.status).toBe('undecryptable');
    expect(sandbox().calls()).toEqual([]);
    expect((await row(mine)).status).toBe('undecryptable');
    await owner.query('UPDATE ownkey.envelopes SET kek_id = $2 WHERE key_id = $1', [mine, worker.ring.currentId]);
  });

  function flip(id: string, column: string) {
    return owner.query(
      `UPDATE ownkey.envelopes SET ${column} = set_byte(${column}, 5, get_byte(${column}, 5) # 1) WHERE key_id = $1`,
      [id],
    );
  }
});

test('tests of catalogue keys are limited to 60 a minute and company, whichever jobs they come from', async () => {
  const id = await stored();
  await owner.query(
    `INSERT INTO ownkey.worker_jobs (id, kind, company_id, payload, state)
     SELECT 'job_x' || $1 || n, 'key.test', $1, jsonb_build_object('key_id', $2::text), 'done' FROM generate_series(1, 58) n`,
    [company, id],
  );
  const order = () => runJob(worker, owner, 'key.test', company, { key_id: id });
  expect((await order()).state).toBe('done'); // with the connecting one, number 60
  sandbox().clear();
  const limited = await order();
  expect(limited.failure?.code).toBe('probe.limited');
  expect(Number(limited.failure?.facts.seconds)).toBeGreaterThan(0);
  expect(sandbox().calls()).toEqual([]);
  const elsewhere = await seedCompany(owner);
  expect((await connect(worker, owner, elsewhere, mintKey(PROVIDER, 'valid'), connectPayload(PROVIDER))).state).toBe(
    'done',
  );
});

test('a worker that dies: a job with a sealed key fails, others are run by the next', async () => {
  const id = await stored();
  const lost = await orderJob(owner, 'key.connect', company, connectPayload(PROVIDER), 'sealed');
  const again = await orderJob(owner, 'key.test', company, { key_id: id });
  await owner.query(
    `UPDATE ownkey.worker_jobs SET state = 'running', sealed = NULL, attempts = 1, taken_at = now() - interval '1 hour'
     WHERE id = ANY($1)`,
    [[lost, again]],
  );
  const other = await startKeyWorker(database.workerUrl, {
    baseUrls: new Map(Object.entries(sandbox().keys.providers).map(([name, { base_url }]) => [name, base_url])),
    listed: new URL(sandbox().url).host,
    ring: worker.ring,
    leaseMs: 300,
  });
  try {
    expect((await awaitJob(owner, lost)).failure?.code).toBe('worker.unavailable');
    expect((await awaitJob<'key.test'>(owner, again)).result?.probe.status).toBe('valid');
  } finally {
    await other.close();
  }
});
