import type { ClientRequest, IncomingMessage } from 'node:http';
import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type GatewayUnderTest, open, send, startGateway } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { seedCompany, seedKey, seedToken } from '../../../../tests/kit/worker-rows.ts';

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

async function responseOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
}

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

describe('a stream', () => {
  async function stream(gateway: GatewayUnderTest, headers: Record<string, string> = {}) {
    gateway.egress.respond = () => {};
    const called = gateway.egress.next();
    const request = open('POST', `${gateway.url}/v1/chat/completions`, {
      token,
      headers,
      body: chat({ stream: true }),
    });
    const upstream = await called;
    upstream.head(200, { 'content-type': 'text/event-stream' });
    const response = await responseOf(request);
    response.setEncoding('utf8');
    const events = response[Symbol.asyncIterator]() as AsyncIterator<string>;
    return {
      request,
      response,
      upstream,
      next: async () => (await events.next()).value,
      rest: async () => {
        let text = '';
        for (let piece = await events.next(); !piece.done; piece = await events.next()) text += piece.value;
        return text;
      },
    };
  }

  test('reaches the caller piece by piece, as it came', async () => {
    const { upstream, next, rest } = await stream(first);
    upstream.data('data: one\n\n');
    expect(await next()).toBe('data: one\n\n');
    upstream.data('data: two\n\n');
    expect(await next()).toBe('data: two\n\n');
    upstream.end();
    expect(await rest()).toBe('');
    expect(await rows()).toMatchObject([{ state: 'settled', streaming: true, http_status: 200 }]);
  });

  test('ends with its usage as a comment when that was asked for', async () => {
    const { upstream, rest } = await stream(first, { 'x-ownkey-usage': '1' });
    upstream.data('data: {"usage":{"in":2,"out":4}}\n\n');
    upstream.end();
    expect(await rest()).toContain(
      ': x-ownkey-usage {"input_tokens":2,"output_tokens":4,"cached_tokens":0,"basis":"reported"}\n\n',
    );
  });

  test('is ended at the provider when the caller leaves, and what was generated is counted', async () => {
    const { request, upstream, next } = await stream(first);
    upstream.data('x'.repeat(400));
    await next();
    request.destroy();
    await expect.poll(async () => (await rows())[0]?.state).toBe('settled');
    expect(upstream.aborted).toBe(true);
    expect(await rows()).toMatchObject([{ error_code: 'caller.gone', output_tokens: '100', cost_basis: 'counted' }]);
  });

  test('waits for a caller that does not read, and goes on when it does', async () => {
    const { response, upstream, rest } = await stream(first);
    response.pause();
    let sent = 0;
    const piece = 'y'.repeat(65_536);
    while (upstream.pauses === 0 && sent < 14) {
      upstream.data(piece);
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(upstream.pauses).toBeGreaterThan(0);
    const reading = rest();
    await expect.poll(() => upstream.resumes).toBeGreaterThan(0);
    upstream.end();
    expect((await reading).length).toBe(sent * piece.length);
  });

  test('that breaks at the provider ends with an error in it, not as if it were whole', async () => {
    const { upstream, rest } = await stream(first);
    upstream.data('data: one\n\n');
    upstream.error('provider.cut');
    expect(await rest()).toContain('"code":"provider.cut"');
    expect(await rows()).toMatchObject([{ state: 'settled', error_code: 'provider.cut' }]);
  });

  test.each([
    ['removed', 'DELETE FROM keys WHERE id = $1'],
    ['turned off', 'UPDATE keys SET enabled = false WHERE id = $1'],
    ['replaced', 'UPDATE keys SET version = version + 1 WHERE id = $1'],
  ])('on a key that is %s ends on every worker', async (_, statement) => {
    const streams = await Promise.all([stream(first), stream(second)]);
    for (const { upstream, next } of streams) {
      upstream.data('data: one\n\n');
      await next();
    }
    await owner.query(statement, [keyId]);
    for (const { rest } of streams) expect(await rest()).toContain('"code":"key.removed"');
  });

  test('on a removed key ends although the notification was lost with its connection', async () => {
    const { upstream, next, rest } = await stream(first);
    upstream.data('data: one\n\n');
    await next();
    await owner.query('BEGIN');
    await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
    const admin = await database.connect('superuser');
    await admin.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ownkey-worker-listen' AND datname = current_database()",
    );
    await owner.query('COMMIT');
    expect(await rest()).toContain('"code":"key.removed"');
    await expect.poll(() => first.gateway.listener.isSure && second.gateway.listener.isSure).toBe(true);
  });
});

describe('the very next call on any worker obeys', () => {
  beforeEach(async () => {
    // Both workers know everything about this company.
    expect((await call(first)).status).toBe(200);
    expect((await call(second)).status).toBe(200);
    for (const { egress } of [first, second]) egress.calls.length = 0;
  });

  async function bothAnswer(status: number, code?: string) {
    for (const gateway of [first, second]) {
      const answer = await call(gateway);
      expect(answer.status).toBe(status);
      if (code !== undefined) {
        expect(answer.headers['x-ownkey-error-code']).toBe(code);
        expect(gateway.egress.calls).toEqual([]);
      }
    }
  }

  test('consent turned off, and on again', async () => {
    await owner.query('UPDATE companies SET ai_enabled = false WHERE id = $1', [companyId]);
    await bothAnswer(403, 'ai.consent_off');
    await owner.query('UPDATE companies SET ai_enabled = true WHERE id = $1', [companyId]);
    await bothAnswer(200);
  });

  test('a removed key', async () => {
    await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
    await bothAnswer(424, 'key.missing');
  });

  test('a source switched to a platform that has no key', async () => {
    await owner.query(`INSERT INTO sources (company_id, provider, source) VALUES ($1, 'openai', 'platform')`, [
      companyId,
    ]);
    await bothAnswer(424, 'key.missing');
  });

  test('a key allowed for other models only', async () => {
    await owner.query(`UPDATE keys SET allowed_models = '{gpt-4o-mini}' WHERE id = $1`, [keyId]);
    await bothAnswer(403, 'model.not_allowed');
  });

  test('a plan without own keys', async () => {
    await owner.query(`UPDATE companies SET plan = 'free' WHERE id = $1`, [companyId]);
    await bothAnswer(402, 'plan.upgrade_required');
  });

  test('a revoked token', async () => {
    await owner.query('DELETE FROM tokens WHERE company_id = $1', [companyId]);
    await bothAnswer(401, 'auth.invalid');
  });

  test('a revoked token although another token of the company keeps the memory warm', async () => {
    const other = await seedToken(owner, companyId, ['inference']);
    const body = chat();
    expect((await send('POST', `${first.url}/v1/chat/completions`, { token: other.token, body })).status).toBe(200);
    await owner.query('DELETE FROM tokens WHERE id = $1', [other.id]);
    expect((await call(first)).status).toBe(200);
    expect((await send('POST', `${first.url}/v1/chat/completions`, { token: other.token, body })).status).toBe(401);
  });

  test('a company that is gone', async () => {
    await owner.query('DELETE FROM companies WHERE id = $1', [companyId]);
    await bothAnswer(401, 'auth.invalid');
  });

  test('a new key', async () => {
    await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
    await bothAnswer(424, 'key.missing');
    const replaced = await seedKey(owner, { companyId, provider: 'openai' });
    await bothAnswer(200);
    expect(second.egress.calls[0]?.call.key.id).toBe(replaced);
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

  test('in the middle of an unstreamed answer never passes for a whole one', async () => {
    first.egress.respond = (upstream) => {
      upstream.head(200, {});
      upstream.data('{"half":');
      upstream.data('"of');
      upstream.error('provider.cut');
    };
    await expect(call(first)).rejects.toThrow();
    await expect.poll(async () => (await rows())[0]?.state).toBe('settled');
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
