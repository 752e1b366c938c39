import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CATALOGUE, type GatewayUnderTest, send, startGateway } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { quiet } from '../../../../tests/kit/quiet-log.ts';
import { seedCompany } from '../../../../tests/kit/worker-rows.ts';
import { createPool, sqlOf } from '../database.ts';
import { createTargets } from '../gateway/targets.ts';
import type { FieldFiles } from './field-files.ts';
import { createFieldRoute } from './field-route.ts';

const database = useTestDatabase();
const CONSOLE = 'https://keys.example.com';
const KEY = { kid: 'seal_1', public_key: 'AAAA', fingerprint: '4F2A-91CC' };
const files: FieldFiles = {
  page: '<meta name="ownkey-parents" content="%PARENTS%">',
  assets: new Map([['index-1.js', { type: 'text/javascript; charset=utf-8', bytes: Buffer.from('export {}') }]]),
};
let owner: Client;
let gateway: GatewayUnderTest;
let pool: ReturnType<typeof createPool>;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  pool = createPool({ connectionString: database.workerUrl, name: 'field', connectionsMax: 2, log: quiet });
  const parts = {
    sql: sqlOf(pool),
    sealingKeys: { newest: () => KEY },
    catalogue: CATALOGUE,
    targets: createTargets(CATALOGUE, new Map([['openai', 'http://127.0.0.1:8422/openai/v1']])),
    files,
    consoleUrl: `${CONSOLE}/`,
    now: () => 1_000_000_999,
  };
  gateway = await startGateway(database.workerUrl, { field: createFieldRoute(parts) });
});
afterEach(async () => {
  await owner.query("UPDATE installation SET settings = settings - 'policies'");
});
afterAll(async () => {
  await gateway.close();
  await pool.end();
});

const get = (path: string, headers: Record<string, string> = {}) => send('GET', `${gateway.url}${path}`, { headers });
const list = (...parent_origins: string[]) =>
  owner.query("UPDATE installation SET settings = settings || jsonb_build_object('policies', $1::jsonb)", [
    JSON.stringify({ embed: { parent_origins } }),
  ]);
const policyOf = async (): Promise<string[]> =>
  String((await get('/field')).headers['content-security-policy']).split('; ');

describe('the page', () => {
  test('runs its own code alone, sends nothing anywhere else, and is never stored', async () => {
    const { status, headers } = await get('/field');
    expect(status).toBe(200);
    expect(await policyOf()).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "form-action 'none'",
      "base-uri 'none'",
      `frame-ancestors ${CONSOLE}`,
      'sandbox allow-scripts allow-same-origin',
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'cross-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'origin-agent-cluster': '?1',
    });
    expect(headers['permissions-policy']).toContain('clipboard-read=()');
  });

  test('is held by the console and by listed parents, from the next request on, and says them to its own code', async () => {
    await list('https://app.example.com', 'http://localhost:3000');
    expect(await policyOf()).toContain(`frame-ancestors ${CONSOLE} https://app.example.com http://localhost:3000`);
    expect((await get('/field')).text).toContain(`content="${CONSOLE} https://app.example.com http://localhost:3000"`);
    await list();
    expect(await policyOf()).toContain(`frame-ancestors ${CONSOLE}`);
  });

  test('is held by nobody more because of what stands in the database', async () => {
    await list('*', 'https://*.example.com', 'http://app.example.com', "https://a.example; script-src 'unsafe-inline'");
    expect(await policyOf()).toContain(`frame-ancestors ${CONSOLE}`);
    expect((await policyOf()).filter((directive) => directive.startsWith('script-src'))).toEqual(["script-src 'self'"]);
  });
});

test('no answer below the field sets a cookie, lets another origin read it, or depends on who asks', async () => {
  const company = await seedCompany(owner);
  const paths = ['', '/assets/index-1.js', '/sealing-key', '/providers', `/companies/${company}`];
  for (const path of paths) {
    const plain = await get(`/field${path}`);
    const asked = await get(`/field${path}`, {
      cookie: 'a=b',
      origin: 'https://evil.example',
      authorization: 'Bearer x',
    });
    expect([plain.status, asked.text]).toEqual([200, plain.text]);
    for (const { headers } of [plain, asked]) {
      expect(headers['set-cookie']).toBeUndefined();
      expect(headers['access-control-allow-origin']).toBeUndefined();
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
      if (path !== '') expect(headers['cross-origin-resource-policy']).toBe('same-origin');
      if (path !== '') expect(headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'");
    }
  }
});

test('files have their hash in the name and stay in the cache; facts do not', async () => {
  expect((await get('/field/assets/index-1.js')).headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect((await get('/field/sealing-key')).headers['cache-control']).toBe('no-store');
});

describe('what the field asks', () => {
  test("is the worker's own sealing key and clock", async () => {
    expect((await get('/field/sealing-key')).json).toEqual({ ...KEY, server_time: 1_000_000 });
  });

  test("is each provider's host by the worker's own configuration", async () => {
    const { data = [] }: { data?: { id: string; host: string; key: object }[] } =
      (await get('/field/providers')).json ?? {};
    expect(data.map(({ id }) => id)).toEqual([...CATALOGUE.entries.keys()]);
    expect(data.find(({ id }) => id === 'openai')?.host).toBe('127.0.0.1:8422');
    expect(data.find(({ id }) => id === 'anthropic')?.host).toBe('api.anthropic.com');
  });

  test('is the name of a company by its id, and by no name that can be guessed', async () => {
    const id = await seedCompany(owner);
    await owner.query("UPDATE companies SET name = 'Leads Ltd', external_id = 'acme-42' WHERE id = $1", [id]);
    expect((await get(`/field/companies/${id}`)).json).toEqual({ name: 'Leads Ltd' });
    for (const other of [
      'acme-42',
      'platform',
      'co_',
      'co_00000000000000000000000000',
      "co_' OR '1'='1",
      '%00',
      '../keys',
    ])
      expect(await get(`/field/companies/${other}`)).toMatchObject({
        status: 404,
        json: { error: { code: 'not_found' } },
      });
  });
});

test.each([
  ['/field/', 404],
  ['/field/assets/', 404],
  ['/field/assets/index-2.js', 404],
  ['/field/assets/..%2f..%2f..%2fpackage.json', 404],
  ['/field/index.html', 404],
  ['/field/assets/%', 404],
  ['/fields', 404],
])('%s is not there', async (path, status) => {
  expect((await get(path)).status).toBe(status);
});

test.each(['POST', 'PUT', 'DELETE'])('%s is not allowed on any path of the field', async (method) => {
  for (const path of [
    '/field',
    '/field/sealing-key',
    '/field/providers',
    '/field/companies/co_1',
    '/field/assets/x.js',
  ])
    expect(await send(method, `${gateway.url}${path}`)).toMatchObject({
      status: 405,
      json: { error: { code: 'method_not_allowed' } },
    });
});

test('paths are counted without the names in them', async () => {
  await get('/field/companies/co_00000000000000000000000000');
  const { text } = await get('/metrics');
  expect(text).toContain('route="/field/companies/{id}"');
  expect(text).not.toContain('co_0000');
});
