import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open, send } from '../kit/gateway.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { answer, type ProviderServer, startProvider } from '../kit/provider-server.ts';
import { storeKey } from '../kit/stored-key.ts';
import { useWorkerFarm } from '../kit/worker-farm.ts';
import { seedCompany, seedToken } from '../kit/worker-rows.ts';
import { ENDLESS, HOSTILE } from './fixtures/hostile-answers.ts';

/**
 * Threat 12: endpoints that misbehave in every way at once, through a real worker process: each call ends with an error of ours and
 * its row, its connection is destroyed, memory stays bounded, and the calls of other companies are answered meanwhile.
 */
const RSS_MAX_BYTES = 512 * 1024 * 1024;
const COPIES = 2;
const GOOD_CALLS = 100;

const modelOf = (body: string): string => /"model":\s*"([^"]+)"/.exec(body)?.[1] ?? '';
const said = (text: string) =>
  `{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"${text}"}}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`;

const hostile = await startProvider((socket, { body }) => {
  const model = modelOf(body);
  if (model === 'twice') socket.write(answer(said('mine')) + answer(said('STRAY')));
  else (HOSTILE[model]?.act ?? ENDLESS[model])?.(socket);
});
const good = await startProvider((socket) => socket.write(answer(said('good'), '200 OK', FORGED)));
const FORGED = [
  'set-cookie: session=1',
  'x-ownkey-key-source: platform',
  'x-ownkey-cost-usd: 1000000',
  'access-control-allow-origin: *',
  'content-security-policy: none',
  'location: https://example.com/',
  'keep-alive: timeout=1000000',
];
/** Takes connections and never says a word, not even of TLS. */
const stalled = await startProvider(() => {});

const database = useTestDatabase();
const farm = useWorkerFarm(1, () => ({
  databaseUrl: database.workerUrl,
  env: {
    OWNKEY_EGRESS_ALLOW: [hostile, good, stalled].map(({ listed }) => listed).join(),
    OWNKEY_CONNECT_TIMEOUT_MS: '3000',
    OWNKEY_HEADERS_TIMEOUT_MS: '6000',
    OWNKEY_BODY_TIMEOUT_MS: '6000',
  },
}));
let owner: Client;
let victim: { token: string; companyId: string };
let attacker: { token: string; companyId: string };
let url: string;

async function companyAt(server: ProviderServer, scheme = 'http'): Promise<{ token: string; companyId: string }> {
  const companyId = await seedCompany(owner);
  const { token } = await seedToken(owner, companyId, ['inference']);
  const baseUrl = `${scheme}://127.0.0.1:${server.port}/v1`;
  const id = await storeKey(owner, farm.ring, 'a-clear-key-of-an-endpoint', {
    companyId,
    provider: 'custom',
    slug: 'mine',
    baseUrl,
  });
  await owner.query(`UPDATE ownkey.keys SET preset = 'openai-compatible' WHERE id = $1`, [id]);
  await owner.query(
    `INSERT INTO ownkey.sources (company_id, provider, account, source, on_failure) VALUES ($1, 'mine', '', 'own', 'stop')`,
    [companyId],
  );
  return { token, companyId };
}

beforeAll(async () => {
  owner = await database.connect('owner');
  [victim, attacker] = [await companyAt(good), await companyAt(hostile)];
  url = farm.workers[0]?.url ?? '';
});
afterAll(async () => {
  for (const server of [hostile, good, stalled]) await server.close();
});

function request(model: string, token: string, { stream = false, translated = false } = {}) {
  const path = translated ? '/v1/messages' : '/v1/chat/completions';
  const body = { model: `mine/${model}`, max_tokens: 8, stream, messages: [{ role: 'user', content: 'Hello' }] };
  return { path, options: { token, body } };
}
const call = (model: string, token: string, how: { stream?: boolean; translated?: boolean } = {}) => {
  const { path, options } = request(model, token, how);
  return send('POST', url + path, options);
};
const rowsOf = async (companyId: string) =>
  (
    await owner.query<{ model: string; state: string; error_code: string | null }>(
      `SELECT model, state, error_code FROM ownkey.requests WHERE company_id = $1 AND kind = 'call' ORDER BY created_at`,
      [companyId],
    )
  ).rows;
const noneOpen = async (companyId: string) =>
  expect
    .poll(async () => (await rowsOf(companyId)).filter(({ state }) => state === 'reserved'), { timeout: 20_000 })
    .toEqual([]);
/** The most the worker ever had in memory. */
const peakBytes = () =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${farm.workers[0]?.pid}/status`, 'latin1'))?.[1]) * 1024;

test('each way of misbehaving ends its call with our error and its row, while another company is answered every time', async () => {
  const names = Object.keys(HOSTILE);
  const codes: Record<string, string[]> = {};
  const attacks = names.flatMap((name) =>
    Array.from({ length: COPIES }, async () => {
      const { headers, status, text } = await call(name, attacker.token, HOSTILE[name]);
      // In a stream that has begun, the code is in its last event.
      const code =
        headers['x-ownkey-error-code'] ?? /provider\.[a-z_]+/.exec(text)?.[0] ?? `${status} ${text.slice(0, 80)}`;
      codes[name] = [...new Set([...(codes[name] ?? []), String(code)])];
    }),
  );
  let answered = 0;
  for (let i = 0; i < GOOD_CALLS; i++) {
    const { status, text } = await call('m', victim.token);
    if (status === 200 && text.includes('"good"')) answered += 1;
  }
  expect(answered).toBe(GOOD_CALLS);
  await Promise.all(attacks.map((attack) => attack.catch((error: unknown) => error)));
  expect(codes).toEqual(Object.fromEntries(names.map((name) => [name, [HOSTILE[name]?.code]])));
  await noneOpen(attacker.companyId);
  const rows = await rowsOf(attacker.companyId);
  expect(rows).toHaveLength(names.length * COPIES);
  // What no caller can do anything about is told as an error of the provider's, and noted as what it was.
  const noted = (model: string) => HOSTILE[model]?.code.replace('provider.error', 'provider.unreadable');
  expect(rows.filter(({ model, error_code }) => error_code !== noted(model))).toEqual([]);
  await expect.poll(() => hostile.open, { timeout: 10_000 }).toBe(0);
});

test('what does not end and is handed on ends with its caller', async () => {
  for (const name of Object.keys(ENDLESS)) {
    const { path, options } = request(name, attacker.token, { stream: true });
    const asked = open('POST', url + path, options);
    asked.on('error', () => {});
    const [response]: IncomingMessage[] = await once(asked, 'response');
    let bytes = 0;
    for await (const piece of response ?? []) {
      bytes += piece.length;
      if (bytes > (name.startsWith('dripped') ? 100 : 8_000_000)) break;
    }
    asked.destroy();
    await expect.poll(() => hostile.open, { timeout: 10_000 }).toBe(0);
  }
  await noneOpen(attacker.companyId);
  const ended = (await rowsOf(attacker.companyId)).filter(({ model }) => model in ENDLESS);
  expect(ended.map(({ state, error_code }) => `${state} ${error_code}`)).toEqual(
    Object.keys(ENDLESS).map(() => 'settled caller.gone'),
  );
});

test('a second answer on a connection reaches nobody: not the same company, and not another on the same endpoint', async () => {
  const other = await companyAt(hostile);
  const texts: string[] = [];
  for (let i = 0; i < 20; i++) texts.push((await call('twice', i % 2 === 0 ? attacker.token : other.token)).text);
  expect(texts.filter((text) => text.includes('"mine"'))).toHaveLength(20);
  expect(texts.join()).not.toContain('STRAY');
});

test('TLS that never comes to be is an endpoint that cannot be reached', async () => {
  const { token, companyId } = await companyAt(stalled, 'https');
  const { status, headers } = await call('m', token);
  expect([status, headers['x-ownkey-error-code']]).toEqual([502, 'provider.unreachable']);
  await noneOpen(companyId);
  expect((await rowsOf(companyId)).map(({ state }) => state)).toEqual(['released']);
  await expect.poll(() => stalled.open, { timeout: 10_000 }).toBe(0);
});

test('heads of an answer that are ours, or the browser’s to obey, are not handed on', async () => {
  const { headers } = await call('m', victim.token);
  expect(headers).toMatchObject({ 'x-ownkey-key-source': 'own' });
  expect(headers['x-ownkey-cost-usd']).not.toBe('1000000');
  for (const name of ['set-cookie', 'access-control-allow-origin', 'content-security-policy', 'location'])
    expect(headers, name).not.toHaveProperty(name);
});

test('after all of it nothing is held, and memory never passed its bound', async () => {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  for (const name of [
    'ownkey_egress_calls',
    'ownkey_gateway_answer_bytes',
    'ownkey_ledger_open',
    'ownkey_ledger_unsettled',
  ])
    expect(metrics).toContain(`${name} 0\n`);
  expect(peakBytes()).toBeGreaterThan(50 * 1024 * 1024);
  expect(peakBytes()).toBeLessThan(RSS_MAX_BYTES);
});
