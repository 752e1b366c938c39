import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type GatewayUnderTest, send, startGateway } from '../../../../tests/kit/gateway.ts';
import { plainReader } from '../../../../tests/kit/plain-exchange.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { seedCompany, seedKey, seedPrice, seedToken } from '../../../../tests/kit/worker-rows.ts';

const database = useTestDatabase();
let owner: Client;
let first: GatewayUnderTest;
let second: GatewayUnderTest;
let companyId: string;
let token: string;
let keyId: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  [first, second] = await Promise.all([startGateway(database.workerUrl), startGateway(database.workerUrl)]);
});
afterAll(async () => {
  await Promise.all([first.close(), second.close()]);
});
beforeEach(async () => {
  companyId = await seedCompany(owner);
  ({ token } = await seedToken(owner, companyId, ['inference', 'act_as_user']));
  keyId = await seedKey(owner, { companyId, provider: 'openai' });
  for (const { egress } of [first, second]) {
    egress.calls.length = 0;
    egress.respond = (call) => call.answer(200, { said: 'hello', usage: { in: 3, out: 5 } });
  }
});

const chat = (more: Record<string, unknown> = {}) => ({ model: 'openai/gpt-4o', messages: [], ...more });
const call = (gateway: GatewayUnderTest, more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  send('POST', `${gateway.url}/v1/chat/completions`, { token, headers, body: chat(more) });
const rows = async () =>
  (await owner.query('SELECT * FROM requests WHERE company_id = $1 ORDER BY created_at', [companyId])).rows;

describe('an answered call', () => {
  test('goes out on the own key with the model named as the provider names it, and says whose key paid', async () => {
    const answer = await call(first);
    expect(answer).toMatchObject({ status: 200, json: { said: 'hello' } });
    expect(answer.headers).toMatchObject({
      'x-ownkey-key-source': 'own',
      'x-ownkey-key-last4': 'wxyz',
      'x-ownkey-provider': 'openai',
      'x-ownkey-request-id': expect.stringMatching(/^req_/),
    });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(JSON.parse(first.egress.calls[0]?.body ?? '')).toEqual({ model: 'gpt-4o', messages: [] });
    expect(first.egress.calls[0]?.call).toMatchObject({
      key: { id: keyId, version: 1, owner: companyId, destination: 'catalogue:openai' },
      baseUrl: 'https://api.openai.com/v1',
    });
  });

  test('is settled before its last byte leaves', async () => {
    const answer = await call(first, {}, { 'x-ownkey-operation': 'mail.draft', 'x-ownkey-account': 'inbox-1' });
    expect(await rows()).toMatchObject([
      {
        id: answer.headers['x-ownkey-request-id'],
        state: 'settled',
        http_status: 200,
        input_tokens: '3',
        output_tokens: '5',
        cost_basis: 'reported',
        cost_nano_usd: null,
        operation: 'mail.draft',
        account: 'inbox-1',
        key_id: keyId,
        last4: 'wxyz',
        key_source: 'own',
        provider: 'openai',
        model: 'gpt-4o',
      },
    ]);
    expect(answer.headers['x-ownkey-cost-usd']).toBeUndefined();
  });

  test('has its row before the provider is called', async () => {
    const called = first.egress.next();
    first.egress.respond = () => {};
    const answering = call(first);
    const upstream = await called;
    expect(await rows()).toMatchObject([{ state: 'reserved' }]);
    upstream.answer(200, {});
    expect((await answering).status).toBe(200);
  });

  test('on a platform key does not show its last four', async () => {
    await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
    const platform = await seedKey(owner, { provider: 'openai' });
    await seedPrice(owner, { slug: 'openai', model: 'gpt-4o' });
    const answer = await call(first);
    expect(answer.headers['x-ownkey-key-source']).toBe('platform');
    expect(answer.headers['x-ownkey-key-last4']).toBeUndefined();
    expect(first.egress.calls[0]?.call.key).toMatchObject({ id: platform, owner: 'platform' });
    await owner.query('DELETE FROM keys WHERE id = $1', [platform]);
  });

  test('of a custom endpoint goes to the address of its key', async () => {
    await seedKey(owner, { companyId, provider: 'custom', slug: 'my-box', baseUrl: 'https://box.example/v1' });
    expect((await call(first, { model: 'my-box/org/model' })).status).toBe(200);
    expect(first.egress.calls[0]?.call).toMatchObject({
      baseUrl: 'https://box.example/v1',
      key: { destination: 'https://box.example' },
    });
    expect(JSON.parse(first.egress.calls[0]?.body ?? '')).toMatchObject({ model: 'org/model' });
  });
});

test('a key that goes away between the decision and the sending leads to a new decision, not to an error', async () => {
  const replaced = await seedKey(owner, { companyId, provider: 'openai', position: 1 });
  first.egress.respond = (upstream) => {
    if (upstream.call.key.id === replaced) upstream.answer(200, {});
    else {
      void owner.query('DELETE FROM keys WHERE id = $1', [keyId]).then(() => upstream.error('key.removed', false));
    }
  };
  const answer = await call(first);
  expect(answer.status).toBe(200);
  expect(await rows()).toMatchObject([
    { state: 'released', key_id: keyId },
    { state: 'settled', key_id: replaced, id: answer.headers['x-ownkey-request-id'] },
  ]);
});

describe('a failure of the provider', () => {
  test('keeps its status and type, with its words scrubbed', async () => {
    const clearKey = `sk-proj-${'a1B2'.repeat(8)}`;
    first.egress.respond = (upstream) => upstream.answer(401, { message: `Incorrect API key: ${clearKey}` });
    const answer = await call(first);
    expect(answer).toMatchObject({ status: 401, json: { error: { status: 401, type: 'played_error' } } });
    expect(answer.text).not.toContain(clearKey);
    expect(answer.headers['x-ownkey-error-code']).toBe('provider.error');
    expect(await rows()).toMatchObject([
      { state: 'settled', http_status: 401, error_code: 'provider.key_rejected', provider_request_id: 'up-failed' },
    ]);
  });

  test('of a stream before its first byte is an ordinary error', async () => {
    first.egress.respond = (upstream) => upstream.answer(429, { message: 'slow down' });
    const answer = await call(first, { stream: true });
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('2');
  });

  test.each([
    ['provider.unreachable', false, 502, 'released'],
    ['provider.time_out', true, 504, 'settled'],
    ['key.undecryptable', false, 424, 'released'],
    ['key.destination_changed', false, 424, 'released'],
    ['ledger.unavailable', false, 503, 'released'],
  ] as const)('%s (sent: %s) is answered %i and booked as %s', async (code, afterSend, status, state) => {
    first.egress.respond = (upstream) => upstream.error(code, afterSend);
    const answer = await call(first);
    expect(answer).toMatchObject({ status, json: { error: { code } } });
    expect(await rows()).toMatchObject([{ state, error_code: code }]);
  });

  test('in the middle of an unstreamed answer is told in its place', async () => {
    first.egress.respond = (upstream) => {
      upstream.head(200, {});
      upstream.data('{"half":');
      upstream.data('"of');
      upstream.error('provider.cut');
    };
    expect(await call(first)).toMatchObject({ status: 502, json: { error: { code: 'provider.cut' } } });
    await expect.poll(async () => (await rows())[0]?.state).toBe('settled');
  });

  test('in the middle of an unstreamed answer too long to be held never passes for a whole one', async () => {
    const reader = plainReader(4_000_000);
    const gateway = await startGateway(database.workerUrl, { prepareExchange: reader });
    gateway.egress.respond = (upstream) => {
      upstream.head(200, {});
      for (let i = 0; i < 3; i++) upstream.data('z'.repeat(700_000));
      upstream.error('provider.cut');
    };
    await expect(call(gateway)).rejects.toThrow();
    await expect.poll(async () => (await rows())[0]?.state).toBe('settled');
    await gateway.close();
  });

  test('over the size that is held is refused', async () => {
    first.egress.respond = (upstream) => {
      upstream.head(200, {});
      upstream.data('z'.repeat(1_000_001));
    };
    expect(await call(first)).toMatchObject({ status: 502, json: { error: { code: 'provider.answer_too_large' } } });
    expect(first.egress.calls[0]?.aborted).toBe(true);
  });

  test('over a parameter that we added is repeated once without it, and remembered', async () => {
    first.egress.respond = (upstream) => {
      if (JSON.parse(upstream.body).added) upstream.answer(422, { message: 'unknown field: added' });
      else upstream.answer(200, { said: 'without' });
    };
    expect(await call(first, { add: true })).toMatchObject({ status: 200, json: { said: 'without' } });
    expect(first.egress.calls).toHaveLength(2);
    expect(await rows()).toHaveLength(1);
    expect((await call(first, { add: true })).status).toBe(200);
    expect(first.egress.calls).toHaveLength(3);
  });
});

test('without the database nothing is sent and the caller is told to come again', async () => {
  const admin = await database.connect('superuser');
  const own = await startGateway(database.workerUrl);
  own.egress.respond = (upstream) => upstream.answer(200, {});
  expect((await call(own)).status).toBe(200);
  own.egress.calls.length = 0;
  await admin.query(`ALTER DATABASE ${database.name} CONNECTION LIMIT 0`);
  await admin.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ownkey_worker' AND datname = current_database()",
  );
  try {
    for (const answer of [await call(own), await call(own, { stream: true })]) {
      expect(answer).toMatchObject({ status: 503, json: { error: { code: 'ledger.unavailable' } } });
    }
    expect(own.egress.calls).toEqual([]);
    expect((await send('GET', `${own.url}/readyz`)).status).toBe(503);
    expect((await send('GET', `${own.url}/healthz`)).status).toBe(200);
  } finally {
    await admin.query(`ALTER DATABASE ${database.name} CONNECTION LIMIT -1`);
  }
  await expect.poll(async () => (await call(own)).status).toBe(200);
  await own.close();
});

test('a body that cannot be read and a provider that does not exist leave no call in the ledger', async () => {
  expect((await send('POST', `${first.url}/v1/chat/completions`, { token, body: '{"model":' })).status).toBe(400);
  expect((await call(first, { model: `nobody/${newId('key')}` })).status).toBe(400);
  expect((await rows()).filter((row) => row.kind === 'call')).toEqual([]);
});
