import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CATALOGUE, send } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { type RealGateway, startRealGateway } from '../../../../tests/kit/real-gateway.ts';
import { seedCompany, seedToken } from '../../../../tests/kit/worker-rows.ts';

const database = useTestDatabase();
let owner: Client;
let gateway: RealGateway;
let companyId: string;
let token: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  gateway = await startRealGateway(database.workerUrl);
});
afterAll(() => gateway.close());
beforeEach(async () => {
  companyId = await seedCompany(owner);
  ({ token } = await seedToken(owner, companyId, ['inference']));
  gateway.sandbox.clear();
  gateway.sandbox.control();
});

async function connect(provider: string, outcome: 'valid' | 'no_credit' = 'valid'): Promise<string> {
  const made = gateway.sandbox.keys.providers[provider];
  if (!made) throw new Error(`the sandbox has no ${provider}`);
  await gateway.storeKey(owner, made.keys[outcome], { companyId, provider });
  return `${provider}/${made.model}`;
}

const embed = (body: object) => send('POST', `${gateway.url}/v1/embeddings`, { token, body });
const count = (body: object) =>
  send('POST', `${gateway.url}/v1/messages/count_tokens`, {
    token,
    headers: { 'anthropic-version': '2023-06-01' },
    body,
  });
const rows = async () => (await owner.query('SELECT * FROM requests WHERE company_id = $1', [companyId])).rows;

interface Vector {
  index: number;
  embedding: number[] | string;
}
const vectorsOf = (answer: { text: string }): Vector[] => JSON.parse(answer.text).data;
const floatsOf = (text: string): number[] => {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
};

describe('embeddings', () => {
  const MODEL = 'openai/text-embedding-3-small';

  test('of a batch come in order, and the tokens of their input are booked', async () => {
    await connect('openai');
    const answer = await embed({ model: MODEL, input: ['one', 'two', 'three'] });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-ownkey-key-source']).toBe('own');
    expect(vectorsOf(answer).map(({ index }) => index)).toEqual([0, 1, 2]);
    const [reached] = gateway.sandbox.calls();
    expect(reached).toMatchObject({ path: expect.stringMatching(/\/embeddings$/), model: 'text-embedding-3-small' });
    const { usage } = JSON.parse(answer.text);
    expect(usage.prompt_tokens).toBeGreaterThan(0);
    expect(await rows()).toMatchObject([
      {
        state: 'settled',
        model: 'text-embedding-3-small',
        streaming: false,
        http_status: 200,
        input_tokens: String(usage.prompt_tokens),
        output_tokens: '0',
        cost_basis: 'reported',
      },
    ]);
  });

  test('are the same numbers as floats and as base64, with the dimensions asked for', async () => {
    await connect('openai');
    const asked = { model: MODEL, input: 'one text', dimensions: 64 };
    const [floats] = vectorsOf(await embed(asked));
    const [packed] = vectorsOf(await embed({ ...asked, encoding_format: 'base64' }));
    expect(floats?.embedding).toHaveLength(64);
    expect(floatsOf(String(packed?.embedding))).toEqual(floats?.embedding);
  });

  test.each([...CATALOGUE.entries.values()].filter(({ abilities }) => !abilities.embeddings).map(({ id }) => id))(
    'are refused where the provider has none, with its name: %s',
    async (provider) => {
      const answer = await embed({ model: await connect(provider), input: 'x' });
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({
        error: { code: 'request.unsupported', param: 'model', type: 'invalid_request_error' },
      });
      expect(JSON.parse(answer.text).error.message).toContain(
        `${CATALOGUE.entries.get(provider)?.name} has no embeddings.`,
      );
      expect(gateway.sandbox.calls()).toEqual([]);
      expect(await rows()).toEqual([]);
    },
  );

  test('fail as the provider says, in the wire of the caller, and cost nothing', async () => {
    await connect('openai', 'no_credit');
    const answer = await embed({ model: MODEL, input: 'x' });
    expect(answer).toMatchObject({ status: 429, json: { error: { code: 'insufficient_quota' } } });
    expect(await rows()).toMatchObject([{ state: 'settled', error_code: 'provider.no_credit', input_tokens: '0' }]);
  });
});

describe('a count of tokens', () => {
  const MESSAGES = [{ role: 'user', content: 'How long is this?' }];

  test('is the provider’s own, passes unknown fields, and is settled without tokens', async () => {
    const answer = await count({ model: await connect('anthropic'), messages: MESSAGES, not_known_yet: { a: 1 } });
    expect(answer).toMatchObject({ status: 200, json: { input_tokens: expect.any(Number) } });
    expect(gateway.sandbox.calls()).toMatchObject([{ path: expect.stringMatching(/\/messages\/count_tokens$/) }]);
    expect(await rows()).toMatchObject([{ state: 'settled', http_status: 200, input_tokens: '0', cost_basis: null }]);
  });

  test.each([...CATALOGUE.entries.values()].filter(({ dialect }) => dialect !== 'anthropic-messages'))(
    'is refused for $id, whose API cannot tell it',
    async ({ id, name }) => {
      const answer = await count({ model: await connect(id), messages: MESSAGES });
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({
        type: 'error',
        error: { type: 'invalid_request_error', code: 'request.unsupported' },
      });
      expect(JSON.parse(answer.text).error.message).toContain(`${name} cannot count the tokens`);
      expect(gateway.sandbox.calls()).toEqual([]);
    },
  );

  test('fails as the provider says, in the wire of the caller', async () => {
    const answer = await count({ model: await connect('anthropic') });
    expect(answer).toMatchObject({ status: 400, json: { type: 'error', error: { type: 'invalid_request_error' } } });
  });
});
