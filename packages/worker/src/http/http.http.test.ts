import net from 'node:net';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type GatewayUnderTest, send, startGateway } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { seedCompany, seedKey, seedToken } from '../../../../tests/kit/worker-rows.ts';
import { BodyBudget } from './body.ts';

const database = useTestDatabase();
const BODY_MAX = 100_000;
let owner: Client;
let gateway: GatewayUnderTest;
let token: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  gateway = await startGateway(database.workerUrl, { bodyBytesMax: BODY_MAX });
  const companyId = await seedCompany(owner);
  ({ token } = await seedToken(owner, companyId, ['inference']));
  await seedKey(owner, { companyId, provider: 'openai' });
  gateway.egress.respond = (call) => call.answer(200, {});
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.egress.calls.length = 0;
});

const GOOD = '{"model":"openai/gpt-4o","messages":[]}';
const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  send('POST', `${gateway.url}${path}`, { token, body, headers });
/** A good body of exactly this many bytes. */
const padded = (bytes: number) => GOOD.replace('[]', `[],"pad":"${'p'.repeat(bytes - GOOD.length - 9)}"`);

describe('a request that cannot be served is answered in the wire of its path, with a code, and nothing is sent', () => {
  test.each<[string, string, string | Buffer, Record<string, string>, number, string]>([
    ['no JSON', '/v1/chat/completions', 'hello', {}, 400, 'request.invalid_json'],
    ['an empty body', '/v1/chat/completions', '', {}, 400, 'request.invalid_json'],
    ['data behind the object', '/v1/chat/completions', `${GOOD}{}`, {}, 400, 'request.invalid_json'],
    ['an array', '/v1/chat/completions', '[]', {}, 400, 'request.invalid_json'],
    [
      'text that is not UTF-8',
      '/v1/chat/completions',
      Buffer.from('{"model":"\u00ff"}', 'latin1'),
      {},
      400,
      'request.invalid_json',
    ],
    ['a model named twice', '/v1/chat/completions', '{"model":"a","model":"b"}', {}, 400, 'request.duplicate_key'],
    [
      'deep nesting',
      '/v1/chat/completions',
      `{"model":"a","x":${'['.repeat(5000)}${']'.repeat(5000)}}`,
      {},
      400,
      'request.too_deep',
    ],
    ['no model', '/v1/chat/completions', '{"messages":[]}', {}, 400, 'request.invalid'],
    ['a stream flag of no kind', '/v1/chat/completions', '{"model":"a","stream":"yes"}', {}, 400, 'request.invalid'],
    ['an unknown provider', '/v1/chat/completions', '{"model":"nobody/m"}', {}, 400, 'provider.unknown'],
    ['an unknown model', '/v1/chat/completions', '{"model":"no-such-model"}', {}, 400, 'model.unknown'],
    ['a model with control characters', '/v1/chat/completions', '{"model":"openai/\\u0000"}', {}, 400, 'model.unknown'],
    [
      'an endless model name',
      '/v1/chat/completions',
      `{"model":"openai/${'m'.repeat(300)}"}`,
      {},
      400,
      'model.unknown',
    ],
    [
      'another type',
      '/v1/chat/completions',
      GOOD,
      { 'content-type': 'text/plain' },
      415,
      'request.unsupported_media_type',
    ],
    [
      'a compressed body',
      '/v1/chat/completions',
      GOOD,
      { 'content-encoding': 'gzip' },
      415,
      'request.unsupported_media_type',
    ],
    ['one byte over the limit', '/v1/chat/completions', padded(BODY_MAX + 1), {}, 413, 'request.too_large'],
    [
      'an operation of another form',
      '/v1/chat/completions',
      GOOD,
      { 'x-ownkey-operation': 'a'.repeat(129) },
      400,
      'request.invalid',
    ],
    ['an unknown path', '/v1/nothing', GOOD, {}, 404, 'not_found'],
    ['an unknown model of embeddings', '/v1/embeddings', '{"model":"no-such-model"}', {}, 400, 'model.unknown'],
    ['no JSON to count', '/v1/messages/count_tokens', 'hello', {}, 400, 'request.invalid_json'],
    ['clear keys, turned off', '/keys', '{}', {}, 404, 'clear_keys.off'],
    ['no JSON on the other wire', '/v1/messages', 'hello', {}, 400, 'request.invalid_json'],
  ])('%s', async (_, path, body, headers, status, code) => {
    const answer = await post(path, body, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({ 'x-ownkey-error-code': code, 'x-ownkey-request-id': expect.any(String) });
    const error = path.startsWith('/v1/messages') ? { type: 'error', error: { code } } : { error: { code } };
    expect(answer.json).toMatchObject(error);
    expect(callsMade()).toEqual([]);
  });
});

/** Calls of AI, without the model lists that bare names ask for. */
const callsMade = () => gateway.egress.calls.filter(({ call }) => call.request.method === 'POST');

describe('the size of a body', () => {
  test('exactly at the limit passes', async () => {
    expect(Buffer.byteLength(padded(BODY_MAX))).toBe(BODY_MAX);
    expect((await post('/v1/chat/completions', padded(BODY_MAX))).status).toBe(200);
  });

  test('one byte over it is refused also when the length is not declared', async () => {
    const chunked = { 'transfer-encoding': 'chunked' };
    expect((await post('/v1/chat/completions', padded(BODY_MAX), chunked)).status).toBe(200);
    expect((await post('/v1/chat/completions', padded(BODY_MAX + 1), chunked)).status).toBe(413);
  });

  test('is asked for with 100-continue before it is sent, and refused before that where it is too large', async () => {
    expect((await post('/v1/chat/completions', GOOD, { expect: '100-continue' })).status).toBe(200);
    const refused = await post('/v1/chat/completions', padded(BODY_MAX + 1), { expect: '100-continue' });
    expect(refused.status).toBe(413);
  });

  test('of all callers together is bounded: the next one is told to come again', async () => {
    const budget = new BodyBudget(100);
    expect(budget.take(60)).toBe(true);
    expect(budget.take(41)).toBe(false);
    expect(budget.take(40)).toBe(true);
    budget.give(60);
    expect(budget.bytes).toBe(40);
  });

  test('is given back to the budget whatever became of the call', async () => {
    await post('/v1/chat/completions', GOOD);
    await post('/v1/chat/completions', 'hello');
    await post('/v1/chat/completions', padded(BODY_MAX + 1), { 'transfer-encoding': 'chunked' });
    const metrics = await send('GET', `${gateway.url}/metrics`);
    expect(metrics.text).toContain('ownkey_gateway_body_bytes 0\n');
    expect(metrics.text).toContain('ownkey_ledger_open 0\n');
  });
});

test.each([
  ['that stops in the middle', { bodyIdleMs: 30 }, 0],
  ['that drips', { bodyMs: 60 }, 10],
])('a body %s is given up and answered 408', async (_, limits, everyMs) => {
  const impatient = await startGateway(database.workerUrl, { limits });
  const { port, hostname } = new URL(impatient.url);
  const socket = net.connect(Number(port), hostname);
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n{`,
  );
  const drip = everyMs > 0 ? setInterval(() => socket.write(' '), everyMs) : undefined;
  const answer = await new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())));
  clearInterval(drip);
  socket.destroy();
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
  expect(answer).toContain('request.time_out');
  await impatient.close();
});

describe('who calls', () => {
  const chat = (headers: Record<string, string>) =>
    send('POST', `${gateway.url}/v1/chat/completions`, { headers, body: GOOD });

  test.each([
    ['nothing', {}, 'auth.missing'],
    ['an unknown token', { authorization: 'Bearer oky_nobody' }, 'auth.invalid'],
    ['quotes and SQL', { authorization: "Bearer oky_' OR '1'='1" }, 'auth.invalid'],
    ['an endless token', { authorization: `Bearer oky_${'x'.repeat(5000)}` }, 'auth.invalid'],
    ['a key of a provider', { authorization: 'Bearer sk-ant-api03-placeholder' }, 'auth.invalid'],
    ['basic credentials', { authorization: 'Basic b2t5OnBhc3M=' }, 'auth.missing'],
  ])('%s is answered with one constant sentence of %s', async (_, headers, code) => {
    const answer = await chat(headers);
    expect(answer).toMatchObject({ status: 401, json: { error: { code, type: 'authentication_error' } } });
    expect(answer.text).not.toContain('oky_nobody');
    expect(callsMade()).toEqual([]);
  });

  test('a cookie is never looked at', async () => {
    expect((await chat({ cookie: `token=${token}; authorization=Bearer ${token}` })).status).toBe(401);
  });

  test('x-api-key is as good as a bearer, also beside a placeholder an SDK insists on', async () => {
    expect((await chat({ 'x-api-key': token })).status).toBe(200);
    expect((await chat({ 'x-api-key': token, authorization: 'Bearer placeholder' })).status).toBe(200);
    expect((await chat({ 'x-api-key': 'placeholder', authorization: `Bearer ${token}` })).status).toBe(200);
  });
});

test.each([
  ['GET', '/v1/chat/completions', 'POST'],
  ['DELETE', '/v1/models', 'GET'],
  ['POST', '/healthz', 'GET'],
])('%s %s is not allowed, and what is allowed is said', async (method, path, allow) => {
  const answer = await send(method, `${gateway.url}${path}`, { token });
  expect(answer).toMatchObject({ status: 405, json: { error: { code: 'method_not_allowed' } } });
  expect(answer.headers.allow).toBe(allow);
});

test('health, readiness and metrics are told without a token and name no company', async () => {
  expect((await send('GET', `${gateway.url}/healthz`)).status).toBe(200);
  expect((await send('GET', `${gateway.url}/readyz`)).status).toBe(200);
  await post('/v1/chat/completions', GOOD);
  const metrics = (await send('GET', `${gateway.url}/metrics`)).text;
  expect(metrics).toMatch(/ownkey_gateway_requests_total\{route="\/v1\/chat\/completions",status="200"\} \d+/);
  expect(metrics).not.toContain('co_');
});

describe('what is hardly HTTP', () => {
  function exchange(bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const { port, hostname } = new URL(gateway.url);
      const socket = net.connect(Number(port), hostname, () => socket.write(bytes));
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
    });
  }

  test.each([
    ['another protocol', '\u0016\u0003\u0001\r\n\r\n', '400'],
    ['headers over the limit', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'h'.repeat(40_000)}\r\n\r\n`, '431'],
    [
      'two lengths',
      'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n',
      '400',
    ],
  ])('%s is answered %s and cut', async (_, bytes, status) => {
    expect(await exchange(bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  test('a caller that leaves in the middle of its body leaves nothing behind', async () => {
    const { port, hostname } = new URL(gateway.url);
    const socket = net.connect(Number(port), hostname);
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"mod`,
    );
    await expect
      .poll(async () => (await send('GET', `${gateway.url}/metrics`)).text)
      .toContain('ownkey_gateway_body_bytes 50\n');
    socket.destroy();
    await expect
      .poll(async () => (await send('GET', `${gateway.url}/metrics`)).text)
      .toContain('ownkey_gateway_body_bytes 0\n');
  });
});
