import type { IncomingMessage } from 'node:http';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CATALOGUE, open, send } from '../../../../tests/kit/gateway.ts';
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

type Outcome = keyof RealGateway['sandbox']['keys']['providers'][string]['keys'];
const PROVIDERS = [...CATALOGUE.entries.keys()];

async function connect(
  provider: string,
  outcome: Outcome = 'valid',
): Promise<{ keyId: string; last4: string; model: string }> {
  const made = gateway.sandbox.keys.providers[provider];
  if (!made) throw new Error(`the sandbox has no ${provider}`);
  const clearKey = made.keys[outcome];
  const keyId = await gateway.storeKey(owner, clearKey, { companyId, provider });
  return { keyId, last4: clearKey.slice(-4), model: `${provider}/${made.model}` };
}

const ask = (model: string, more: object = {}, path = '/v1/chat/completions') =>
  send('POST', `${gateway.url}${path}`, {
    token,
    body: { model, messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 64, ...more },
  });
const lastRow = async () =>
  (await owner.query('SELECT * FROM requests WHERE company_id = $1 ORDER BY created_at DESC LIMIT 1', [companyId]))
    .rows[0];

describe.each(PROVIDERS)('%s', (provider) => {
  test('answers on the stored key, and the tokens it reports are booked', async () => {
    const { last4, model } = await connect(provider);
    const answer = await ask(model);
    expect(answer).toMatchObject({ status: 200, json: { choices: [{ message: { role: 'assistant' } }] } });
    const [reached] = gateway.sandbox.calls();
    expect(reached).toMatchObject({ provider, last4, status: 200 });
    expect(await lastRow()).toMatchObject({
      state: 'settled',
      cost_basis: 'reported',
      input_tokens: String(reached?.usage?.input),
      output_tokens: String(reached?.usage?.output),
    });
  });

  test('streams as events of the wire spoken, to its end, with the same accounting', async () => {
    const { model } = await connect(provider);
    const answer = await ask(model, { stream: true });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toContain('text/event-stream');
    expect(answer.text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    const [reached] = gateway.sandbox.calls();
    expect(await lastRow()).toMatchObject({
      state: 'settled',
      streaming: true,
      cost_basis: 'reported',
      output_tokens: String(reached?.usage?.output),
    });
  });

  test('rejecting the key passes on as its own error, without the key', async () => {
    const clearKey = gateway.sandbox.keys.providers[provider]?.keys.invalid ?? '';
    const { model } = await connect(provider, 'invalid');
    const answer = await ask(model);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(404);
    expect(answer.headers['x-ownkey-error-code']).toBe('provider.error');
    expect(answer.json).toMatchObject({ error: { message: expect.any(String) } });
    expect(answer.text).not.toContain(clearKey);
    expect(await lastRow()).toMatchObject({ error_code: expect.stringMatching(/^provider\.key_/) });
  });

  test('cut in the middle of a stream ends with an error, and what came is counted', async () => {
    const { model } = await connect(provider, 'cut');
    const answer = await ask(model, { stream: true });
    expect(answer.text).toContain('"error"');
    expect(await lastRow()).toMatchObject({ state: 'settled', error_code: 'provider.cut' });
  });
});

/** A stream that the provider holds after its first chunks. */
async function heldStream() {
  const { keyId, model } = await connect('openai');
  gateway.sandbox.control({ hold_after_chunks: 2 });
  const messages = [{ role: 'user', content: 'Say hello.' }];
  const request = open('POST', `${gateway.url}/v1/chat/completions`, {
    token,
    body: { model, stream: true, messages },
  });
  const response = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
  const pieces = response[Symbol.asyncIterator]();
  await pieces.next();
  return { keyId, request, pieces };
}

test('a running stream on a removed key ends, and the provider sees its caller leave', async () => {
  const { keyId, pieces } = await heldStream();
  await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
  let text = '';
  for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) text += piece.value;
  expect(text).toContain('key.removed');
  await expect.poll(() => gateway.sandbox.calls()[0]?.aborted).toBe(true);
});

test('a caller that leaves ends the call at the provider, and what came is counted', async () => {
  const { request } = await heldStream();
  request.destroy();
  await expect.poll(() => gateway.sandbox.calls()[0]?.aborted).toBe(true);
  await expect.poll(async () => (await lastRow()).error_code).toBe('caller.gone');
  expect(Number((await lastRow()).output_tokens)).toBeGreaterThan(0);
});

test('the Messages wire is spoken natively where the provider speaks it', async () => {
  const { model } = await connect('anthropic');
  const answer = await ask(model, {}, '/v1/messages');
  expect(answer).toMatchObject({ status: 200, json: { type: 'message', role: 'assistant' } });
  expect(gateway.sandbox.calls()[0]).toMatchObject({ path: '/messages' });
});

test('a key whose envelope was moved to another company is sent nowhere', async () => {
  const { keyId } = await connect('openai');
  const other = await seedCompany(owner);
  await owner.query('UPDATE keys SET company_id = $2 WHERE id = $1', [keyId, other]);
  ({ token } = await seedToken(owner, other, ['inference']));
  expect(await ask('openai/gpt-4o')).toMatchObject({ status: 424, json: { error: { code: 'key.undecryptable' } } });
  expect(gateway.sandbox.calls()).toEqual([]);
});
