import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  connect,
  connectPayload,
  type KeyWorker,
  runJob,
  sealFor,
  startKeyWorker,
} from '../../../../tests/kit/key-jobs.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { useSandbox } from '../../../../tests/kit/sandbox.ts';
import { mintKey, PROVIDERS } from '../../../../tests/kit/sandbox-keys.ts';
import { seedCompany, seedUser } from '../../../../tests/kit/worker-rows.ts';

const database = useTestDatabase();
const sandbox = useSandbox();
let owner: Client;
let worker: KeyWorker;
let company: string;
const PROVIDER = 'openai';

beforeAll(async () => {
  owner = await database.connect('owner');
  worker = await startKeyWorker(database.workerUrl, {
    baseUrls: new Map(Object.entries(sandbox().keys.providers).map(([id, { base_url }]) => [id, base_url])),
    listed: new URL(sandbox().url).host,
  });
  sandbox().control({ slow_ms: 50 });
});
afterAll(() => worker.close());
beforeEach(async () => {
  company = await seedCompany(owner);
  sandbox().clear();
});

async function rowsOf(table: string, where = 'true', values: unknown[] = []) {
  return (await owner.query(`SELECT * FROM ownkey.${table} WHERE ${where}`, values)).rows;
}

describe('what a test finds', () => {
  const EXPECTED: Readonly<Record<string, string>> = {
    valid: 'valid',
    invalid: 'invalid',
    rate_limited: 'rate_limited',
    no_credit: 'no_credit',
    restricted: 'limited',
    slow: 'valid',
    outage: 'pending',
    cut: 'valid',
  };
  const cases = PROVIDERS.flatMap((provider) =>
    Object.entries(EXPECTED).map(([outcome, status]) => [provider, outcome, status] as const),
  );
  test.each(cases)('%s, %s key: %s', async (provider, outcome, status) => {
    const clearKey = mintKey(provider, outcome as 'valid');
    const payload = connectPayload(provider, { keep: true });
    const job = await connect(worker, owner, company, clearKey, payload);
    expect(job.failure).toBeNull();
    expect([job.result?.probe.status, job.result?.last4]).toEqual([status, clearKey.slice(-4)]);
    const [row] = await rowsOf('keys', 'id = $1', [payload.key_id]);
    expect([row.status, row.last4, row.company_id]).toEqual([status, clearKey.slice(-4), company]);
    expect(JSON.stringify(job)).not.toContain(clearKey.slice(12, 28));
  });
});

test('a connected key is stored with its envelope, source, list and events, and every call of its test has a row', async () => {
  const clearKey = mintKey(PROVIDER, 'valid');
  const payload = connectPayload(PROVIDER);
  const job = await connect(worker, owner, company, `  "${clearKey}"\n`, payload);
  expect(job.steps.map(({ step, state }) => `${step} ${state}`)).toEqual([
    'open done',
    'shape done',
    'list done',
    'generate done',
    'store done',
  ]);
  expect(job.sealed).toBeNull();
  expect(await rowsOf('envelopes', 'key_id = $1', [payload.key_id])).toHaveLength(1);
  expect(await rowsOf('sources', 'company_id = $1', [company])).toMatchObject([
    { provider: PROVIDER, source: 'own', on_failure: 'platform' },
  ]);
  const [list] = await rowsOf('model_lists', 'key_id = $1', [payload.key_id]);
  expect(list.models.length).toBe(job.result?.probe.models_count);
  const calls = await rowsOf('requests', 'company_id = $1 ORDER BY created_at', [company]);
  expect(calls.map(({ kind, state, key_id, last4 }) => [kind, state, key_id, last4])).toEqual([
    ['models', 'settled', payload.key_id, clearKey.slice(-4)],
    ['probe', 'settled', payload.key_id, clearKey.slice(-4)],
  ]);
  expect(Number(calls[1].output_tokens)).toBeGreaterThan(0);
  expect(sandbox().calls()).toHaveLength(2);
  const events = await rowsOf('audit_events', "company_id = $1 AND kind LIKE '%.%ed' ORDER BY seq", [company]);
  expect(events.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['key.connected', 'source.changed', 'probe.settled']),
  );
});

test('a rejected key is not stored, the nonce stays unused, and the refusal is on record', async () => {
  const payload = connectPayload(PROVIDER);
  const job = await connect(worker, owner, company, mintKey(PROVIDER, 'invalid'), payload);
  expect(job.failure).toMatchObject({ code: 'key.rejected', probe: { status: 'invalid' } });
  expect(job.failure?.facts.provider_message).toBeTruthy();
  for (const table of ['keys', 'sources']) expect(await rowsOf(table, 'company_id = $1', [company])).toEqual([]);
  expect(await rowsOf('envelopes', 'key_id = $1', [payload.key_id])).toEqual([]);
  const refused = await rowsOf('audit_events', "company_id = $1 AND kind = 'key.refused'", [company]);
  expect(refused).toMatchObject([{ key_id: payload.key_id, data: { stored: false } }]);
});

test('save: false tests and stores nothing', async () => {
  const payload = connectPayload(PROVIDER, { save: false });
  const job = await connect(worker, owner, company, mintKey(PROVIDER, 'valid'), payload);
  expect(job.result).toMatchObject({ key_id: null, probe: { status: 'valid' } });
  expect(await rowsOf('keys', 'company_id = $1', [company])).toEqual([]);
  expect(await rowsOf('sources', 'company_id = $1', [company])).toEqual([]);
});

describe('a sealed key is refused, and nothing reaches a provider,', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['for another company', { company: 'co_other' }, 'it was sealed for another company'],
    ['for a user', { user: 'usr_x' }, 'it was sealed for another user'],
    ['for another provider', { provider: 'anthropic' }, 'it was sealed for another provider'],
    ['for another key', { key_id: 'key_00000000000000000000000000' }, 'it was sealed for another key'],
    ['for another version', { version: 2 }, 'it was sealed for another version'],
    ['for another address', { destination: 'https://evil.example.com' }, 'it was sealed for another destination'],
  ])('%s', async (_, change, problem) => {
    const job = await connect(worker, owner, company, mintKey(PROVIDER, 'valid'), connectPayload(PROVIDER), change);
    expect(job.failure).toMatchObject({ code: 'seal.invalid', facts: { problem } });
    expect(sandbox().calls()).toEqual([]);
    expect(job.steps.at(-1)).toMatchObject({ step: 'open', state: 'failed' });
  });

  test('after its end', async () => {
    const exp = Math.floor(Date.now() / 1000) - 1;
    const job = await connect(worker, owner, company, mintKey(PROVIDER, 'valid'), connectPayload(PROVIDER), { exp });
    expect(job.failure?.code).toBe('seal.expired');
    expect(sandbox().calls()).toEqual([]);
  });

  test('twice, also when the key was removed in between', async () => {
    const payload = connectPayload(PROVIDER);
    const sealed = await sealFor(owner, mintKey(PROVIDER, 'valid'), {
      company,
      provider: PROVIDER,
      key_id: payload.key_id,
    });
    expect((await runJob(worker, owner, 'key.connect', company, payload, sealed)).state).toBe('done');
    sandbox().clear();
    expect((await runJob(worker, owner, 'key.connect', company, payload, sealed)).failure?.code).toBe('seal.replayed');
    await owner.query('DELETE FROM ownkey.keys WHERE id = $1', [payload.key_id]);
    expect((await runJob(worker, owner, 'key.connect', company, payload, sealed)).failure?.code).toBe('seal.replayed');
    expect(sandbox().calls()).toEqual([]);
    expect(await rowsOf('keys', 'company_id = $1', [company])).toEqual([]);
  });

  test('when it is altered, or is not one', async () => {
    const payload = connectPayload(PROVIDER);
    const sealed = await sealFor(owner, 'sk-x', { company, provider: PROVIDER, key_id: payload.key_id });
    const wire = JSON.parse(Buffer.from(sealed, 'base64url').toString());
    const ct = Buffer.from(wire.ct, 'base64url');
    ct[3] = (ct[3] ?? 0) ^ 1;
    const altered = Buffer.from(JSON.stringify({ ...wire, ct: ct.toString('base64url') })).toString('base64url');
    for (const blob of [altered, 'nonsense', '']) {
      const job = await runJob(worker, owner, 'key.connect', company, payload, blob);
      expect([blob.slice(0, 8), job.failure?.code]).toEqual([blob.slice(0, 8), 'seal.invalid']);
    }
    expect(sandbox().calls()).toEqual([]);
  });
});

test('a repeated job whose first answer was lost finds its key stored', async () => {
  const payload = connectPayload(PROVIDER);
  const first = await connect(worker, owner, company, mintKey(PROVIDER, 'valid'), payload);
  await owner.query("UPDATE ownkey.worker_jobs SET state = 'failed', error_code = 'worker.unavailable' WHERE id = $1", [
    first.id,
  ]);
  sandbox().clear();
  const again = await runJob(worker, owner, 'key.connect', company, payload, 'whatever it was');
  expect(again.result).toMatchObject({
    key_id: payload.key_id,
    last4: first.result?.last4,
    probe: { status: 'valid' },
  });
  expect(sandbox().calls()).toEqual([]);
  expect(await rowsOf('keys', 'company_id = $1', [company])).toHaveLength(1);
});

describe('bad keys are refused before anything is sent:', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['blanks alone', ' \n ', 'key.shape'],
    ['a letter beyond ASCII', 'sk-proj-abcdéfghijklmnopqrstuvwxyz0123456789abcdefghij', 'key.shape'],
    ['a line break inside', 'sk-proj-abcdefghij\nklmnopqrstuvwxyz0123456789abcdef', 'key.shape'],
    ['a header smuggled behind it', `sk-proj-${'a'.repeat(60)}\r\nx-evil: 1`, 'key.shape'],
    ['a zero byte inside', `sk-proj-${'a'.repeat(40)}\0${'a'.repeat(20)}`, 'key.shape'],
    ['a zero byte at its end', `sk-proj-${'a'.repeat(60)}\0`, 'key.shape'],
    ['cut off', 'sk-proj-abc', 'key.shape'],
    ["another provider's", mintKey('anthropic', 'valid'), 'key.other_provider'],
    ['a token of ours', `oky_${'a'.repeat(40)}`, 'key.shape'],
  ])('%s', async (_, text, code) => {
    const job = await connect(worker, owner, company, text, connectPayload(PROVIDER));
    expect(job.failure?.code).toBe(code);
    expect(sandbox().calls()).toEqual([]);
    expect(JSON.stringify(job)).not.toContain('klmnopqrstuvwxyz');
  });
});

test('while AI is off no generation is made for a company: the list alone judges the key', async () => {
  const off = await seedCompany(owner, { aiEnabled: false });
  const job = await connect(worker, owner, off, mintKey(PROVIDER, 'valid'), connectPayload(PROVIDER));
  expect(job.result?.probe).toMatchObject({ status: 'valid', permissions: { list_models: true } });
  expect(job.steps.find(({ step }) => step === 'generate')).toMatchObject({
    state: 'skipped',
    detail: { code: 'ai.consent_off' },
  });
  expect(
    sandbox()
      .calls()
      .map(({ model }) => model),
  ).toEqual([null]);
});

test('personal and platform keys belong to their owners and leave the company source alone', async () => {
  const user = await seedUser(owner, company);
  const personal = connectPayload(PROVIDER, { owner: 'user', user_id: user });
  expect((await connect(worker, owner, company, mintKey(PROVIDER, 'valid'), personal)).state).toBe('done');
  const platform = connectPayload(PROVIDER, { owner: 'platform' });
  expect((await connect(worker, owner, null, mintKey(PROVIDER, 'valid'), platform)).state).toBe('done');
  expect(await rowsOf('sources', 'company_id = $1', [company])).toEqual([]);
  expect(await rowsOf('keys', 'id = ANY($1)', [[personal.key_id, platform.key_id]])).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ owner: 'user', user_id: user, company_id: company }),
      expect.objectContaining({ owner: 'platform', user_id: null, company_id: null }),
    ]),
  );
});

test("another company's user cannot own a key", async () => {
  const stranger = await seedUser(owner, await seedCompany(owner));
  const payload = connectPayload(PROVIDER, { owner: 'user', user_id: stranger });
  const job = await connect(worker, owner, company, mintKey(PROVIDER, 'valid'), payload);
  expect(job.failure?.code).toBe('not_found');
  expect(await rowsOf('keys', 'id = $1', [payload.key_id])).toEqual([]);
});

test('keys connected at once get positions of their own', async () => {
  await Promise.all(
    Array.from({ length: 4 }, () =>
      connect(worker, owner, company, mintKey(PROVIDER, 'valid'), connectPayload(PROVIDER)),
    ),
  );
  const keys = await rowsOf('keys', 'company_id = $1 ORDER BY position', [company]);
  expect(keys.map(({ position }) => position)).toEqual([0, 1, 2, 3]);
});

test('connecting again keeps what was set to happen on failure', async () => {
  await owner.query(
    "INSERT INTO ownkey.sources (company_id, provider, source, on_failure) VALUES ($1, $2, 'platform', 'stop')",
    [company, PROVIDER],
  );
  await connect(worker, owner, company, mintKey(PROVIDER, 'valid'), connectPayload(PROVIDER));
  expect(await rowsOf('sources', 'company_id = $1', [company])).toMatchObject([{ source: 'own', on_failure: 'stop' }]);
});
