import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { FakeCall } from '../../../../tests/kit/fake-egress.ts';
import { CATALOGUE, type GatewayUnderTest, send, startGateway } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { seedCompany, seedKey, seedToken } from '../../../../tests/kit/worker-rows.ts';

const database = useTestDatabase();
let owner: Client;
let gateway: GatewayUnderTest;
let companyId: string;
let token: string;
let lists: Record<string, (call: FakeCall) => void>;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
});
beforeEach(async () => {
  gateway = await startGateway(database.workerUrl);
  companyId = await seedCompany(owner);
  ({ token } = await seedToken(owner, companyId, ['inference']));
  lists = { openai: listing('gpt-4o', 'both'), groq: listing('llama', 'both') };
  gateway.egress.respond = (call) => lists[call.call.key.provider]?.(call);
});
afterEach(() => gateway.close());
afterAll(async () => {
  await owner.query("DELETE FROM keys WHERE owner = 'platform'");
});

const listing =
  (...ids: string[]) =>
  (call: FakeCall) =>
    call.answer(200, { data: ids.map((id) => ({ id, created: 1_700_000_000 })) });
const names = async (headers: Record<string, string> = {}): Promise<string[]> => {
  const answer = await send('GET', `${gateway.url}/v1/models`, { token, headers });
  const body: { data?: { id: string }[] } = answer.json ?? {};
  return (body.data ?? []).map((model) => model.id);
};
const asked = () => gateway.egress.calls.filter((call) => call.call.request.method === 'GET').length;

test('lists what the caller can use now, of own and platform keys, named as calls name it', async () => {
  await seedKey(owner, { companyId, provider: 'openai' });
  const platform = await seedKey(owner, { provider: 'groq' });
  expect(await names()).toEqual(['groq/llama', 'groq/both', 'openai/gpt-4o', 'openai/both']);
  await owner.query('DELETE FROM keys WHERE id = $1', [platform]);
  expect(await names()).toEqual(['openai/gpt-4o', 'openai/both']);
});

test('keeps models out that the key or the plan does not allow', async () => {
  await seedKey(owner, { companyId, provider: 'openai', allowedModels: ['both'] });
  expect(await names()).toEqual(['openai/both']);
});

test('answers in the shape of the wire asked in', async () => {
  await seedKey(owner, { companyId, provider: 'openai' });
  const openai = await send('GET', `${gateway.url}/v1/models`, { token });
  expect(openai.json).toMatchObject({
    object: 'list',
    data: [{ id: 'openai/gpt-4o', object: 'model', created: 1_700_000_000, owned_by: 'openai' }, {}],
  });
  const anthropic = await send('GET', `${gateway.url}/v1/models`, {
    token,
    headers: { 'anthropic-version': '2023-06-01' },
  });
  expect(anthropic.json).toMatchObject({
    data: [{ type: 'model', id: 'openai/gpt-4o', created_at: '2023-11-14T22:13:20.000Z' }, {}],
    has_more: false,
  });
});

test('one model is found by its name, by its bare name, and not otherwise', async () => {
  await seedKey(owner, { companyId, provider: 'openai' });
  await seedKey(owner, { companyId, provider: 'groq' });
  const one = (id: string) => send('GET', `${gateway.url}/v1/models/${id}`, { token });
  expect((await one('openai/gpt-4o')).json).toMatchObject({ id: 'openai/gpt-4o' });
  expect((await one('openai%2Fgpt-4o')).json).toMatchObject({ id: 'openai/gpt-4o' });
  expect((await one('llama')).json).toMatchObject({ id: 'groq/llama' });
  for (const id of ['both', 'nothing', 'openai/nothing', '%E0%A4%A']) expect((await one(id)).status).toBe(404);
});

test('a list is asked for once, however many ask at once, and its call is in the ledger', async () => {
  await seedKey(owner, { companyId, provider: 'openai' });
  await Promise.all(Array.from({ length: 5 }, () => names()));
  expect(asked()).toBe(1);
  const { rows } = await owner.query(`SELECT kind, state, http_status FROM requests WHERE company_id = $1`, [
    companyId,
  ]);
  expect(rows).toEqual([{ kind: 'models', state: 'settled', http_status: 200 }]);
});

test('another worker takes the list from the table instead of asking again', async () => {
  await seedKey(owner, { companyId, provider: 'openai' });
  await names();
  const second = await startGateway(database.workerUrl);
  const answer = await send('GET', `${second.url}/v1/models`, { token });
  expect(answer.json).toMatchObject({ data: [{ id: 'openai/gpt-4o' }, {}] });
  expect(second.egress.calls).toEqual([]);
  await second.close();
});

test.each<[string, (call: FakeCall) => void]>([
  ['answers 500', (call) => call.answer(500, { error: 'broken' })],
  ['cannot be reached', (call) => call.error('provider.unreachable', false)],
  ['sends what cannot be read', (call) => call.answer(200, { nothing: true })],
])('a provider that %s leaves its last good list and does not touch the others', async (_, broken) => {
  const keyId = await seedKey(owner, { companyId, provider: 'openai' });
  await seedKey(owner, { companyId, provider: 'groq' });
  await owner.query(
    `INSERT INTO model_lists (key_id, company_id, models, fetched_at) VALUES ($1, $2, '[{"id": "last-good"}]', now() - interval '1 day')`,
    [keyId, companyId],
  );
  lists.openai = broken;
  expect(await names()).toEqual(['groq/llama', 'groq/both', 'openai/last-good']);
  const { rows } = await owner.query('SELECT models, error IS NOT NULL AS failed FROM model_lists WHERE key_id = $1', [
    keyId,
  ]);
  expect(rows).toEqual([{ models: [{ id: 'last-good' }], failed: true }]);
});

test("a provider that never listed anything leaves the catalogue's list", async () => {
  await seedKey(owner, { companyId, provider: 'openai' });
  lists.openai = (call) => call.answer(403, { error: 'restricted key' });
  const curated = CATALOGUE.entries.get('openai')?.curated_models ?? [];
  expect(curated.length).toBeGreaterThan(0);
  expect(await names()).toEqual(curated.map((id) => `openai/${id}`));
});

test('a bare model name works when exactly one connected provider has it', async () => {
  await seedKey(owner, { companyId, provider: 'openai' });
  await seedKey(owner, { companyId, provider: 'groq' });
  const chat = (model: string) => send('POST', `${gateway.url}/v1/chat/completions`, { token, body: { model } });
  await names();
  gateway.egress.respond = (call) => call.answer(200, {});
  expect((await chat('llama')).headers['x-ownkey-provider']).toBe('groq');
  expect(await chat('both')).toMatchObject({
    status: 400,
    json: { error: { code: 'model.ambiguous', param: 'model' } },
  });
  expect(await chat('neither')).toMatchObject({
    status: 400,
    json: { error: { code: 'model.unknown', param: 'model' } },
  });
});

test('without consent there is no list', async () => {
  await seedKey(owner, { companyId, provider: 'openai' });
  expect(await names()).toHaveLength(2);
  await owner.query('UPDATE companies SET ai_enabled = false WHERE id = $1', [companyId]);
  expect((await send('GET', `${gateway.url}/v1/models`, { token })).status).toBe(403);
});
