import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type GatewayUnderTest, open, startGateway } from '../../../../tests/kit/gateway.ts';
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
const rows = async () =>
  (await owner.query('SELECT * FROM requests WHERE company_id = $1 ORDER BY created_at', [companyId])).rows;

async function responseOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
}

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
      ': x-ownkey-usage {"input_tokens":2,"output_tokens":4,"cached_tokens":0,"cost_usd":null,"basis":"reported"}\n\n',
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
