import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CATALOGUE, open, send } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { type RealGateway, startRealGateway } from '../../../../tests/kit/real-gateway.ts';
import { seedCompany, seedToken } from '../../../../tests/kit/worker-rows.ts';

/** Every catalogue entry against what any provider may do; text, usage, 401 and cut streams are in sandbox.http.test.ts. */
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

const TOOLS = ['get_weather', 'get_time'].map((name) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
}));

async function connect(provider: string, outcome: 'valid' | 'rate_limited' | 'outage' | 'slow' = 'valid') {
  const made = gateway.sandbox.keys.providers[provider];
  if (!made) throw new Error(`the sandbox has no ${provider}`);
  await gateway.storeKey(owner, made.keys[outcome], { companyId, provider });
  return `${provider}/${made.model}`;
}

const bodyOf = (model: string, content: string, more: object) => ({
  model,
  messages: [{ role: 'user', content }],
  max_tokens: 200,
  ...more,
});
const ask = (model: string, content: string, more: object = {}) =>
  send('POST', `${gateway.url}/v1/chat/completions`, { token, body: bodyOf(model, content, more) });
/** The one choice of a whole answer. */
const choiceOf = (text: string): { finish_reason: string; message: Delta } => JSON.parse(text).choices[0];
const lastRow = async () =>
  (await owner.query('SELECT * FROM requests WHERE company_id = $1 ORDER BY created_at DESC LIMIT 1', [companyId]))
    .rows[0];

interface Delta {
  content?: string;
  tool_calls?: { index: number; id?: string; function: { name?: string; arguments?: string } }[];
}

/** What a client makes of a chat stream: text, tool calls put together by index, finish reasons. */
function assemble(stream: string) {
  const events = stream
    .split('\n')
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line): { choices: { delta: Delta; finish_reason: string | null }[] } => JSON.parse(line.slice(6)));
  let text = '';
  // Some providers say it again beside the usage.
  const finishes = new Set<string>();
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const { choices } of events) {
    for (const { delta, finish_reason } of choices) {
      text += typeof delta.content === 'string' ? delta.content : '';
      if (finish_reason) finishes.add(finish_reason);
      for (const call of delta.tool_calls ?? []) {
        calls[call.index] ??= { id: '', name: '', arguments: '' };
        const made = calls[call.index] ?? { id: '', name: '', arguments: '' };
        made.id ||= call.id ?? '';
        made.name ||= call.function.name ?? '';
        made.arguments += call.function.arguments ?? '';
      }
    }
  }
  return { text, finishes: [...finishes], calls };
}

const ENTRIES = [...CATALOGUE.entries.values()];

test.each(ENTRIES.filter((entry) => entry.abilities.tools).map((entry) => entry.id))(
  '%s calls two tools at once, whole and streamed, with ids, names and arguments',
  async (provider) => {
    const model = await connect(provider);
    const whole = await ask(model, 'sandbox:parallel-tools Ask both tools about Oslo.', { tools: TOOLS });
    const { finish_reason, message } = choiceOf(whole.text);
    expect(finish_reason).toBe('tool_calls');
    const names = message.tool_calls?.map((call) => call.function.name);
    expect(names?.toSorted()).toEqual(['get_time', 'get_weather']);
    const streamed = await ask(model, 'sandbox:parallel-tools Ask both tools about Oslo.', {
      tools: TOOLS,
      stream: true,
    });
    const { finishes, calls } = assemble(streamed.text);
    expect(finishes).toEqual(['tool_calls']);
    expect(calls.map(({ name }) => name).toSorted()).toEqual(['get_time', 'get_weather']);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    for (const call of calls) expect(JSON.parse(call.arguments)).toHaveProperty('city');
  },
);

describe.each(ENTRIES.map((entry) => entry.id))('%s', (provider) => {
  test('streams the same text when every byte comes alone', async () => {
    const model = await connect(provider);
    const whole = await ask(model, 'Hello');
    gateway.sandbox.control({ chunk_bytes: 1 });
    const streamed = await ask(model, 'Hello', { stream: true });
    const { text, finishes } = assemble(streamed.text);
    expect(text).toBe(choiceOf(whole.text).message.content);
    expect(finishes).toEqual(['stop']);
    expect(await lastRow()).toMatchObject({ state: 'settled', cost_basis: 'reported' });
  });

  test('limiting the rate answers 429 in the wire spoken, and is booked as that', async () => {
    const answer = await ask(await connect(provider, 'rate_limited'), 'Hello');
    expect(answer.status).toBe(429);
    expect(answer.json).toMatchObject({ error: { message: expect.any(String) } });
    expect(await lastRow()).toMatchObject({
      http_status: 429,
      error_code: 'provider.rate_limited',
      output_tokens: '0',
    });
  });

  test('being down answers its own 5xx in the wire spoken, and is booked as an outage', async () => {
    const answer = await ask(await connect(provider, 'outage'), 'Hello');
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(answer.json).toMatchObject({ error: { message: expect.any(String) } });
    expect(await lastRow()).toMatchObject({ error_code: 'provider.outage', output_tokens: '0' });
  });

  test('being slow with its first byte keeps the caller waiting, not failing', async () => {
    const model = await connect(provider, 'slow');
    gateway.sandbox.control({ hold_first_byte: true, slow_ms: 0 });
    const request = open('POST', `${gateway.url}/v1/chat/completions`, { token, body: bodyOf(model, 'Hello', {}) });
    const answered = new Promise<number | undefined>((resolve) =>
      request.once('response', (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      }),
    );
    await expect.poll(() => gateway.sandbox.calls().length).toBe(1);
    expect(await lastRow()).toMatchObject({ state: 'reserved' });
    gateway.sandbox.control({ hold_first_byte: false, slow_ms: 0 });
    expect(await answered).toBe(200);
    await expect.poll(async () => (await lastRow()).state).toBe('settled');
  });
});
