import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { send } from '../kit/gateway.ts';
import { connectPayload, type KeyWorker, runJob, sealFor, startKeyWorker } from '../kit/key-jobs.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { answer, type ProviderServer, startProvider } from '../kit/provider-server.ts';
import { type RealGateway, startRealGateway } from '../kit/real-gateway.ts';
import { seedCompany, seedToken } from '../kit/worker-rows.ts';

/**
 * Threat 5: the address of a stored key is changed in the database. The new place is one that the worker may call (the operator
 * allows it), so that nothing but the binding holds the key back; it counts its connections.
 */
const database = useTestDatabase();
const CLEAR_KEY = 'bound-to-the-first-address-0123456789';
const MODELS = answer('{"object":"list","data":[{"id":"m","object":"model"}]}');
const CHAT = answer(
  '{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}',
);
let owner: Client;
let control: Client;
let gateway: RealGateway;
let worker: KeyWorker;
let first: ProviderServer;
let second: ProviderServer;
let company: string;
let token: string;
let keyId: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  control = await database.connect('control');
  for (const client of [owner, control]) await client.query('SET search_path = ownkey');
  await control.query("SET ownkey.company = '*'");
  [first, second] = (await Promise.all(
    [1, 2].map(() => startProvider((socket, { head }) => socket.write(head.startsWith('GET') ? MODELS : CHAT))),
  )) as [ProviderServer, ProviderServer];
  const listed = [first.listed, second.listed];
  gateway = await startRealGateway(database.workerUrl, { envelopesFreshMs: 0, listed });
  worker = await startKeyWorker(database.workerUrl, { listed: listed.join(','), ring: gateway.kekRing });
});
afterAll(async () => {
  await worker.close();
  await gateway.close();
  await Promise.all([first.close(), second.close()]);
});
beforeEach(async () => {
  company = await seedCompany(owner);
  ({ token } = await seedToken(owner, company, ['inference']));
  keyId = await gateway.storeKey(owner, CLEAR_KEY, {
    companyId: company,
    provider: 'custom',
    slug: 'mine',
    baseUrl: `${first.origin}/v1`,
  });
  expect((await call()).status).toBe(200);
  expect(first.arrived.at(-1)?.head).toContain(CLEAR_KEY);
});
afterEach(() => {
  expect(second.arrived.filter(({ head }) => head.includes(CLEAR_KEY))).toEqual([]);
});

const call = () =>
  send('POST', `${gateway.url}/v1/chat/completions`, {
    token,
    body: { model: 'mine/m', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 16 },
  });
const codeOf = (json: unknown): unknown => Object(Object(json).error).code;

describe('the address changed in the database:', () => {
  test.each<[string, (to: ProviderServer) => [string, unknown[]], string]>([
    [
      'the base URL alone',
      (to) => ['UPDATE keys SET base_url = $2 WHERE id = $1', [`${to.origin}/v1`]],
      'key.destination_changed',
    ],
    [
      'the destination alone',
      (to) => ['UPDATE keys SET destination = $2 WHERE id = $1', [to.origin]],
      'key.destination_changed',
    ],
    [
      'base URL and destination',
      (to) => ['UPDATE keys SET base_url = $2, destination = $3 WHERE id = $1', [`${to.origin}/v1`, to.origin]],
      'key.undecryptable',
    ],
    [
      'the destination made one of the catalogue',
      () => [
        "UPDATE keys SET provider = 'openai', slug = NULL, base_url = NULL, destination = 'catalogue:openai' WHERE id = $1",
        [],
      ],
      'key.undecryptable',
    ],
  ])('%s: a call is refused by name, and the new place gets no connection', async (what, change, code) => {
    const before = second.connections;
    const [statement, values] = change(second);
    await owner.query(statement, [keyId, ...values]);
    const catalogue = what.includes('catalogue');
    const model = catalogue ? `openai/${gateway.sandbox.keys.providers.openai?.model}` : 'mine/m';
    const refused = await send('POST', `${gateway.url}/v1/chat/completions`, {
      token,
      body: { model, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 16 },
    });
    expect([refused.status, codeOf(refused.json)]).toEqual([424, code]);
    expect(second.connections).toBe(before);
    expect(gateway.sandbox.calls()).toEqual([]);
  });

  test('neither a test of the key nor its list of models goes to the new place', async () => {
    const before = second.connections;
    await owner.query('UPDATE keys SET base_url = $2, destination = $3 WHERE id = $1', [
      keyId,
      `${second.origin}/v1`,
      second.origin,
    ]);
    const tested = await runJob(worker, owner, 'key.test', company, { key_id: keyId });
    expect(tested.result?.probe.status).toBe('undecryptable');
    await runJob(worker, owner, 'models.refresh', company, { key_id: keyId });
    expect(second.connections).toBe(before);
  });
});

describe('through the role of the control plane', () => {
  test.each([
    ['the base URL', 'UPDATE keys SET base_url = $2 WHERE id = $1'],
    ['the destination', 'UPDATE keys SET destination = $2 WHERE id = $1'],
    ['the provider', 'UPDATE keys SET provider = $2 WHERE id = $1'],
    ['the name in model names', 'UPDATE keys SET slug = $2 WHERE id = $1'],
    ['the company', 'UPDATE keys SET company_id = $2 WHERE id = $1'],
  ])('%s of a stored key cannot be written', async (_, statement) => {
    await expect(control.query(statement, [keyId, second.origin])).rejects.toMatchObject({ code: '42501' });
  });

  test('a job cannot bring a stored key elsewhere: its id is taken, and there is no seal for the new place', async () => {
    const before = second.connections;
    const payload = connectPayload('custom', { key_id: keyId, slug: 'mine', base_url: `${second.origin}/v1` });
    expect((await runJob(worker, owner, 'key.connect', company, payload)).failure?.code).toBe('conflict.exists');
    const fresh = connectPayload('custom', { slug: 'other', base_url: `${second.origin}/v1` });
    expect((await runJob(worker, owner, 'key.connect', company, fresh)).failure?.code).toBe('seal.invalid');
    expect(second.connections).toBe(before);
    expect((await call()).status).toBe(200);
  });

  test('a sealed key that was pasted for one address does not open for another', async () => {
    const before = second.connections;
    const payload = connectPayload('custom', { slug: 'late', base_url: `${second.origin}/v1` });
    const context = { company, provider: 'custom', key_id: payload.key_id, destination: first.origin };
    const sealed = await sealFor(owner, CLEAR_KEY, context);
    const job = await runJob(worker, owner, 'key.connect', company, payload, sealed);
    expect(job.failure).toMatchObject({
      code: 'seal.invalid',
      facts: { problem: 'it was sealed for another destination' },
    });
    expect(second.connections).toBe(before);
  });
});

test('a shared key is for providers of the catalogue: none is stored with an address of its own', async () => {
  const before = second.connections;
  const payload = connectPayload('custom', { owner: 'platform', slug: 'shared', base_url: `${second.origin}/v1` });
  const context = { company: 'platform', provider: 'custom', key_id: payload.key_id, destination: second.origin };
  const sealed = await sealFor(owner, CLEAR_KEY, context);
  const job = await runJob(worker, owner, 'key.connect', null, payload, sealed);
  expect(job.failure?.code).toBe('request.invalid');
  expect(second.connections).toBe(before);
});
