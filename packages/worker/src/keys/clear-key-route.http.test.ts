import { createServer, type Server } from 'node:http';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type KeyWorker, startKeyWorker } from '../../../../tests/kit/key-jobs.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { useSandbox } from '../../../../tests/kit/sandbox.ts';
import { mintKey } from '../../../../tests/kit/sandbox-keys.ts';
import { seedCompany, seedToken, seedUser } from '../../../../tests/kit/worker-rows.ts';
import { createCallerReader } from '../access/caller.ts';
import { Configurations } from '../access/configurations.ts';
import { createUser } from '../access/load.ts';
import { sqlOf } from '../database.ts';
import type { Route } from '../http/serve.ts';

const database = useTestDatabase();
const sandbox = useSandbox();
const PROVIDER = 'openai';
let owner: Client;
let worker: KeyWorker;
let server: Server;
let url: string;
let company: string;
let token: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  worker = await startKeyWorker(database.workerUrl, {
    baseUrls: new Map(Object.entries(sandbox().keys.providers).map(([id, { base_url }]) => [id, base_url])),
    listed: new URL(sandbox().url).host,
  });
  const sql = sqlOf(worker.pool);
  const route: Route = worker.keys.clearKeyRoute(
    createCallerReader({
      configurations: new Configurations(sql),
      createUser: (companyId, externalId) => createUser(sql, companyId, externalId),
      expiredUse: () => {},
      now: Date.now,
    }),
  );
  server = createServer((request, response) => {
    const call = { requestId: 'req_test', expectsContinue: false, rest: '', asAnswered: (error: unknown) => error };
    route(request, response, call).catch((error: unknown) => {
      response.statusCode = error instanceof OwnkeyError ? error.status : 500;
      response.end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/keys`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await worker.close();
});
beforeEach(async () => {
  company = await seedCompany(owner);
  ({ token } = await seedToken(owner, company, ['company:admin']));
  sandbox().clear();
});

async function post(body: unknown, headers: Record<string, string> = { authorization: `Bearer ${token}` }) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(url, { method: 'POST', headers, body: text });
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) };
}

test('a clear key is tested, stored and answered as the API answers it, and never comes back', async () => {
  const clearKey = mintKey(PROVIDER, 'valid');
  const { status, body } = await post({ provider: 'OPENAI', key: `${clearKey}\n`, label: 'script' });
  expect(status).toBe(201);
  expect(body).toMatchObject({
    provider: PROVIDER,
    label: 'script',
    status: 'valid',
    last4: clearKey.slice(-4),
    stored: true,
  });
  expect(body.steps.map(({ step }: { step: string }) => step)).toEqual(['open', 'shape', 'list', 'generate', 'store']);
  expect(JSON.stringify(body)).not.toContain(clearKey.slice(10, 30));
  const { rows } = await owner.query('SELECT company_id, status FROM ownkey.keys WHERE id = $1', [body.id]);
  expect(rows).toEqual([{ company_id: company, status: 'valid' }]);
  const job = await owner.query('SELECT state, payload, result FROM ownkey.worker_jobs WHERE company_id = $1', [
    company,
  ]);
  expect(job.rows).toMatchObject([{ state: 'done' }]);
  expect(JSON.stringify(job.rows)).not.toContain(clearKey.slice(10, 30));
});

test('a rejected key is a problem with what the provider said, and is not stored', async () => {
  const { status, headers, body } = await post({ provider: PROVIDER, key: mintKey(PROVIDER, 'invalid') });
  expect([status, headers.get('content-type'), body.code]).toEqual([422, 'application/problem+json', 'key.rejected']);
  expect(body.probe.status).toBe('invalid');
  expect((await owner.query('SELECT 1 FROM ownkey.keys WHERE company_id = $1', [company])).rows).toEqual([]);
});

test('save: false with a key that its provider rejects answers what was found, not a refusal', async () => {
  const { status, body } = await post({ provider: PROVIDER, key: mintKey(PROVIDER, 'invalid'), save: false });
  expect({ status, body }).toMatchObject({ status: 200, body: { status: 'invalid', stored: false } });
});

test('save: false answers what was found and stores nothing', async () => {
  const { status, body } = await post({ provider: PROVIDER, key: mintKey(PROVIDER, 'no_credit'), save: false });
  expect([status, body.id, body.stored, body.status]).toEqual([200, null, false, 'no_credit']);
});

describe('refused before anything is sent to a provider:', () => {
  test.each<[string, unknown, number, string]>([
    ['no JSON', '{"provider"', 400, 'request.invalid_json'],
    ['no provider', { key: 'sk-x' }, 400, 'request.invalid'],
    ['an unknown provider', { provider: 'nobody', key: 'sk-x' }, 400, 'provider.unknown'],
    ['no key', { provider: PROVIDER }, 400, 'request.invalid'],
    ['an unknown field', { provider: PROVIDER, key: 'sk-x', api_base: 'https://evil.dev' }, 400, 'request.invalid'],
    ["another provider's key", { provider: PROVIDER, key: mintKey('anthropic', 'valid') }, 400, 'key.other_provider'],
    ['an empty key', { provider: PROVIDER, key: '""' }, 400, 'key.shape'],
    [
      'a header smuggled behind the key',
      { provider: PROVIDER, key: `sk-${'a'.repeat(40)}\r\nx-evil: 1` },
      400,
      'key.shape',
    ],
    ['a zero byte', { provider: PROVIDER, key: `sk-${'a'.repeat(20)}\0${'a'.repeat(20)}` }, 400, 'key.shape'],
    ['a zero byte, escaped', `{"provider":"${PROVIDER}","key":"sk-${'a'.repeat(40)}\\u0000"}`, 400, 'key.shape'],
    ['a letter beyond ASCII', { provider: PROVIDER, key: `sk-${'a'.repeat(40)}é` }, 400, 'key.shape'],
    ['8 KB', { provider: PROVIDER, key: `sk-${'a'.repeat(8192)}` }, 400, 'key.shape'],
    ['two keys', `{"provider":"${PROVIDER}","key":"a","key":"b"}`, 400, 'request.duplicate_key'],
    [
      'a private base URL',
      { provider: 'custom', slug: 'x', base_url: 'http://127.0.0.1:1', key: 'abcdefgh' },
      400,
      'base_url.refused',
    ],
    ['10 MB', { provider: PROVIDER, key: 'x'.repeat(10_000_000) }, 413, 'request.too_large'],
  ])('%s', async (_, body, status, code) => {
    const refused = await post(body);
    expect([refused.status, refused.body.code]).toEqual([status, code]);
    expect(sandbox().calls()).toEqual([]);
    const { rows } = await owner.query('SELECT id FROM ownkey.keys WHERE company_id = $1', [company]);
    expect(rows).toEqual([]);
  });

  test('a token without the right, of nobody, or none at all', async () => {
    const { token: weak } = await seedToken(owner, company, ['inference']);
    const body = { provider: PROVIDER, key: mintKey(PROVIDER, 'valid') };
    expect((await post(body, { authorization: `Bearer ${weak}` })).body.code).toBe('auth.scope');
    expect((await post(body, { authorization: 'Bearer oky_nobody' })).body.code).toBe('auth.invalid');
    expect((await post(body, {})).body.code).toBe('auth.missing');
    expect(sandbox().calls()).toEqual([]);
  });

  test('a plan without own keys, AI turned off, a member for the company', async () => {
    const body = { provider: PROVIDER, key: mintKey(PROVIDER, 'valid') };
    const free = await seedToken(owner, await seedCompany(owner, { plan: 'free' }), ['company:admin']);
    expect((await post(body, { 'x-api-key': free.token })).body.code).toBe('plan.upgrade_required');
    const off = await seedToken(owner, await seedCompany(owner, { aiEnabled: false }), ['company:admin']);
    expect((await post(body, { 'x-api-key': off.token })).body.code).toBe('ai.consent_off');
    const userId = await seedUser(owner, company);
    const member = await seedToken(owner, company, ['keys:write'], { userId });
    expect((await post(body, { 'x-api-key': member.token })).body.code).toBe('auth.role');
    expect(sandbox().calls()).toEqual([]);
    const own = await post({ ...body, scope: 'user' }, { 'x-api-key': member.token });
    expect(own.body).toMatchObject({ scope: 'user', user: userId, stored: true });
  });
});
