import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { open, send } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { type RealGateway, startRealGateway } from '../../../../tests/kit/real-gateway.ts';
import { seedCompany, seedPrice, seedToken, seedUser } from '../../../../tests/kit/worker-rows.ts';

const PROVIDER = 'openai';
const EMBEDDINGS = 'text-embedding-3-small';

const database = useTestDatabase();
let owner: Client;
let gateway: RealGateway;
let model: string;
let companyId: string;
let token: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  gateway = await startRealGateway(database.workerUrl);
  model = gateway.sandbox.keys.providers[PROVIDER]?.model ?? '';
  await seedPrice(owner, { slug: PROVIDER, model });
  await seedPrice(owner, { slug: PROVIDER, model: EMBEDDINGS });
  await seedPrice(owner, { slug: 'anthropic', model: gateway.sandbox.keys.providers.anthropic?.model ?? '' });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  await owner.query("DELETE FROM keys WHERE owner = 'platform'");
  companyId = await seedCompany(owner);
  ({ token } = await seedToken(owner, companyId, ['inference', 'act_as_user']));
  gateway.sandbox.clear();
  gateway.sandbox.control();
  gateway.sandbox.control({ retry_after: 0 });
  await connect('valid', { companyId: null });
});

async function connect(
  outcome: string,
  more: { companyId?: string | null; userId?: string; provider?: string; slug?: string; baseUrl?: string } = {},
): Promise<{ keyId: string; last4: string }> {
  const { provider = PROVIDER } = more;
  const keys: Record<string, string> = {
    ...gateway.sandbox.keys.providers[provider === 'custom' ? PROVIDER : provider]?.keys,
  };
  const clearKey = keys[outcome] ?? '';
  const keyId = await gateway.storeKey(owner, clearKey, { companyId, ...more, provider });
  return { keyId, last4: clearKey.slice(-4) };
}

const ask = (more: object = {}, path = '/v1/chat/completions', headers: Record<string, string> = {}) =>
  send('POST', `${gateway.url}${path}`, {
    token,
    headers,
    body: { model: `${PROVIDER}/${model}`, messages: [{ role: 'user', content: 'Hi.' }], max_tokens: 64, ...more },
  });
const reached = () => gateway.sandbox.calls().map((call) => call.last4);
const notices = async () =>
  (
    await owner.query(
      'SELECT kind, key_id, reason, user_id, resolution FROM notices WHERE company_id = $1 ORDER BY kind, started_at',
      [companyId],
    )
  ).rows;

describe('nobody else pays', () => {
  test.each([
    ['a request that is not valid', 'sandbox-error-400', 400],
    ['a model that is not there', 'sandbox-error-404', 404],
    ['a request that is too large', 'sandbox-error-413', 413],
    ['text that is too long for the model', 'sandbox-error-context-length', 400],
    ['an answer the model declines', 'sandbox-refusal', 200],
  ])('for %s', async (_name, scenario, status) => {
    const { last4 } = await connect('valid');
    await seedPrice(owner, { slug: PROVIDER, model: scenario });
    const answer = await ask({ model: `${PROVIDER}/${scenario}` });
    expect(answer.status).toBe(status);
    expect(answer.headers['x-ownkey-key-source']).toBe('own');
    expect(answer.headers['x-ownkey-fallback']).toBeUndefined();
    expect(reached()).toEqual([last4]);
    expect(await notices()).toEqual([]);
  });

  test.each(['invalid', 'no_credit', 'rate_limited', 'outage'])(
    'for a custom endpoint that answers %s',
    async (outcome) => {
      const baseUrl = gateway.sandbox.keys.providers[PROVIDER]?.base_url ?? '';
      const { last4 } = await connect(outcome, { provider: 'custom', slug: 'lab', baseUrl });
      const answer = await ask({ model: `lab/${model}` });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.headers).toMatchObject({ 'x-ownkey-key-source': 'own', 'x-ownkey-provider': 'lab' });
      expect(reached()).toEqual([last4]);
      expect(await notices()).toEqual(expect.not.arrayContaining([expect.objectContaining({ kind: 'fallback' })]));
    },
  );

  test('for a key that cannot be opened', async () => {
    const { keyId } = await connect('valid');
    await owner.query("UPDATE envelopes SET body = '\\x00' WHERE key_id = $1", [keyId]);
    const answer = await ask();
    expect(answer.headers['x-ownkey-error-code']).toBe('key.undecryptable');
    expect(reached()).toEqual([]);
  });

  test('for a model whose price on the shared key is not known', async () => {
    const { last4 } = await connect('invalid');
    const answer = await ask({ model: `${PROVIDER}/nobody-prices-this` });
    expect(answer.headers['x-ownkey-key-source']).toBe('own');
    expect(reached()).toEqual([last4]);
  });

  test('past the cap of fallbacks, and the own key’s failure is the answer', async () => {
    await connect('invalid');
    await owner.query(
      "INSERT INTO caps (company_id, subject, period, amount_nano_usd) VALUES ($1, 'fallback', 'month', 1)",
      [companyId],
    );
    const answer = await ask();
    expect(answer.status).toBe(401);
    expect(answer.headers['x-ownkey-key-source']).toBe('own');
    expect(await notices()).toEqual([]);
  });

  test('where the plan does not include the model', async () => {
    await owner.query(
      "INSERT INTO plans (id, name, byok, platform_models) VALUES ('other', 'Other', true, '{openai/else}') ON CONFLICT DO NOTHING",
    );
    await owner.query("UPDATE companies SET plan = 'other' WHERE id = $1", [companyId]);
    await connect('invalid');
    expect((await ask()).headers['x-ownkey-key-source']).toBe('own');
  });
});

describe('the shared key', () => {
  test('that fails as well gives its own failure, marked as a fallback, and no third payer is looked for', async () => {
    await owner.query("DELETE FROM keys WHERE owner = 'platform'");
    const platform = await connect('no_credit', { companyId: null });
    const own = await connect('invalid');
    const answer = await ask();
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers).toMatchObject({ 'x-ownkey-key-source': 'platform', 'x-ownkey-fallback': 'key_rejected' });
    expect(reached()).toEqual([own.last4, platform.last4]);
  });

  test.each([
    [
      'embeddings',
      '/v1/embeddings',
      { model: `${PROVIDER}/${EMBEDDINGS}`, input: 'Hi.', messages: undefined, max_tokens: undefined },
    ],
    [
      'the Responses wire',
      '/v1/responses',
      { input: 'Hi.', messages: undefined, max_tokens: undefined, max_output_tokens: 64 },
    ],
    ['the Messages wire', '/v1/messages', {}],
  ])('answers %s by the same rule', async (_name, path, more) => {
    const { last4 } = await connect('invalid');
    const answer = await ask(more, path, { 'anthropic-version': '2023-06-01' });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-ownkey-fallback']).toBe('key_rejected');
    expect(reached()[0]).toBe(last4);
  });

  test('answers for a personal key, and the notice is its owner’s', async () => {
    const userId = await seedUser(owner, companyId, 'ana');
    const { keyId } = await connect('invalid', { userId });
    const answer = await ask({}, undefined, { 'x-ownkey-user': 'ana' });
    expect(answer.headers['x-ownkey-fallback']).toBe('key_rejected');
    expect(await notices()).toEqual([
      { kind: 'fallback', key_id: keyId, reason: 'key_rejected', user_id: userId, resolution: null },
    ]);
  });

  test('never shows its last four to the company', async () => {
    await connect('invalid');
    const answer = await ask();
    expect(answer.headers['x-ownkey-key-last4']).toBeUndefined();
  });
});

describe('a key that is known to fail', () => {
  test('is not tried by the next call, which is a fallback from its start', async () => {
    const { last4, keyId } = await connect('invalid');
    await ask();
    const second = await ask();
    expect(second.headers).toMatchObject({ 'x-ownkey-key-source': 'platform', 'x-ownkey-fallback': 'key_rejected' });
    expect(reached().filter((end) => end === last4)).toHaveLength(1);
    const { rows } = await owner.query(
      'SELECT after_id FROM requests WHERE company_id = $1 AND fallback_for = $2 ORDER BY created_at',
      [companyId, keyId],
    );
    expect(rows).toEqual([{ after_id: expect.stringMatching(/^req_/) }, { after_id: null }]);
    expect(await notices()).toHaveLength(1);
  });

  test('is tried all the same where the shared key may not answer: own calls are never blocked by credits', async () => {
    const { last4 } = await connect('invalid');
    await ask();
    await owner.query(
      "INSERT INTO plans (id, name, byok, credits_nano_usd) VALUES ('dry', 'Dry', true, 0) ON CONFLICT DO NOTHING",
    );
    await owner.query("UPDATE companies SET plan = 'dry' WHERE id = $1", [companyId]);
    const second = await ask();
    expect(second.status).toBe(401);
    expect(second.headers['x-ownkey-key-source']).toBe('own');
    expect(reached().filter((end) => end === last4)).toHaveLength(2);
  });

  test('is used again at once when a test found it well, and its notice is over', async () => {
    const { last4, keyId } = await connect('no_credit');
    await ask();
    await expect
      .poll(async () => (await owner.query('SELECT status FROM keys WHERE id = $1', [keyId])).rows[0].status)
      .toBe('no_credit');
    await ask();
    await owner.query("UPDATE keys SET status = 'valid', status_detail = NULL WHERE id = $1", [keyId]);
    gateway.sandbox.control({ outcomes: { [`${PROVIDER}:${last4}`]: 'valid' } });
    const answer = await ask();
    expect(answer.headers).toMatchObject({ 'x-ownkey-key-source': 'own', 'x-ownkey-key-last4': last4 });
    expect(await notices()).toEqual([
      expect.objectContaining({ kind: 'fallback', resolution: 'recovered' }),
      expect.objectContaining({ kind: 'key', reason: 'no_credit', resolution: 'recovered' }),
    ]);
  });
});

test('a key whose status never turned is used again once a test found it well', async () => {
  const { last4, keyId } = await connect('invalid');
  await ask();
  expect((await ask()).headers['x-ownkey-key-source']).toBe('platform');
  gateway.sandbox.control({ outcomes: { [`${PROVIDER}:${last4}`]: 'valid' } });
  await owner.query('UPDATE keys SET tested_at = now() WHERE id = $1', [keyId]);
  expect((await ask()).headers).toMatchObject({ 'x-ownkey-key-source': 'own', 'x-ownkey-key-last4': last4 });
});

test('a key that is kept although it was rejected is in a notice from the start', async () => {
  const { keyId } = await connect('valid');
  await owner.query(
    `INSERT INTO keys (id, owner, company_id, provider, destination, status) VALUES ($1, 'company', $2, 'mistral',
       'catalogue:mistral', 'invalid')`,
    [`${keyId}x`, companyId],
  );
  expect(await notices()).toMatchObject([{ kind: 'key', key_id: `${keyId}x`, reason: 'invalid', resolution: null }]);
});

describe('what calls tell of a key', () => {
  const statusOf = async (keyId: string) =>
    (await owner.query('SELECT status, status_detail FROM keys WHERE id = $1', [keyId])).rows[0];

  test('out of credit shows at once, with the provider’s words', async () => {
    const { keyId } = await connect('no_credit');
    await ask();
    await expect
      .poll(() => statusOf(keyId))
      .toMatchObject({
        status: 'no_credit',
        status_detail: { provider_message: expect.any(String), since: expect.any(String) },
      });
  });

  test('a rejection is no status before a test confirmed it: one is ordered, once for many calls', async () => {
    const { keyId } = await connect('invalid');
    await owner.query("INSERT INTO sources (company_id, provider, source, on_failure) VALUES ($1, $2, 'own', 'stop')", [
      companyId,
      PROVIDER,
    ]);
    await Promise.all(Array.from({ length: 8 }, () => ask()));
    const jobs = async () =>
      (await owner.query('SELECT kind, payload, actor FROM worker_jobs WHERE company_id = $1', [companyId])).rows;
    await expect.poll(jobs).toEqual([{ kind: 'key.test', payload: { key_id: keyId }, actor: 'system' }]);
    expect(await statusOf(keyId)).toMatchObject({ status: 'valid' });
  });

  test('a limit shows, with its end', async () => {
    const { keyId } = await connect('rate_limited');
    await ask();
    await expect
      .poll(() => statusOf(keyId))
      .toMatchObject({
        status: 'rate_limited',
        status_detail: { http_status: 429, until: expect.any(String) },
      });
  });

  test('one outage is a stumble; three in a row show', async () => {
    const { keyId } = await connect('outage');
    await ask();
    await ask();
    expect(await statusOf(keyId)).toMatchObject({ status: 'valid' });
    await ask();
    await expect.poll(() => statusOf(keyId)).toMatchObject({ status: 'unreachable', status_detail: { tries: 3 } });
  });

  test('a stumble that needed the shared key is over with the next good answer', async () => {
    const { last4 } = await connect('outage');
    await ask();
    expect(await notices()).toMatchObject([{ kind: 'fallback', reason: 'outage', resolution: null }]);
    gateway.sandbox.control({ outcomes: { [`${PROVIDER}:${last4}`]: 'valid' } });
    expect((await ask()).headers['x-ownkey-key-source']).toBe('own');
    await expect.poll(notices).toMatchObject([{ kind: 'fallback', resolution: 'recovered' }]);
  });

  test('a good answer proves a key that was pending', async () => {
    const { keyId } = await connect('valid');
    await owner.query("UPDATE keys SET status = 'pending' WHERE id = $1", [keyId]);
    await ask();
    await expect.poll(() => statusOf(keyId)).toMatchObject({ status: 'valid', status_detail: null });
  });

  test('failures of the shared key are told to no company', async () => {
    await owner.query("DELETE FROM keys WHERE owner = 'platform'");
    const { keyId } = await connect('no_credit', { companyId: null });
    await ask();
    await expect.poll(() => statusOf(keyId)).toMatchObject({ status: 'no_credit' });
    expect((await owner.query('SELECT 1 FROM notices WHERE key_id = $1', [keyId])).rows).toEqual([]);
  });
});

describe('a notice ends', () => {
  test.each([
    ['when the key is removed', 'DELETE FROM keys WHERE id = $1', 'removed'],
    ['when it is turned off', 'UPDATE keys SET enabled = false WHERE id = $1', 'off'],
    [
      'when it is replaced by one that works',
      "UPDATE keys SET version = 2, status = 'valid' WHERE id = $1",
      'replaced',
    ],
    [
      'when the company moves to the shared key',
      "INSERT INTO sources (company_id, provider, source) SELECT company_id, provider, 'platform' FROM keys WHERE id = $1",
      'switched',
    ],
    [
      'when the company has calls stop',
      "INSERT INTO sources (company_id, provider, source, on_failure) SELECT company_id, provider, 'own', 'stop' FROM keys WHERE id = $1",
      'switched',
    ],
  ])('%s', async (_name, change, resolution) => {
    const { keyId } = await connect('invalid');
    await ask();
    await owner.query(change, [keyId]);
    expect(await notices()).toMatchObject([{ kind: 'fallback', resolution }]);
    const { rows } = await owner.query(
      "SELECT kind FROM audit_events WHERE company_id = $1 AND kind LIKE 'fallback.%' ORDER BY seq",
      [companyId],
    );
    expect(rows.map(({ kind }) => kind)).toEqual(['fallback.started', 'fallback.ended']);
  });
});

test('a caller that left while the own key failed costs nobody anything more', async () => {
  const { last4 } = await connect('slow');
  gateway.sandbox.control({ slow_ms: 0, hold_first_byte: true });
  const request = open('POST', `${gateway.url}/v1/chat/completions`, {
    token,
    body: { model: `${PROVIDER}/${model}`, messages: [{ role: 'user', content: 'Hi.' }], max_tokens: 64 },
  });
  request.on('error', () => {});
  await expect.poll(() => reached()).toEqual([last4]);
  request.destroy();
  await expect.poll(() => gateway.sandbox.calls()[0]?.aborted).toBe(true);
  await expect
    .poll(
      async () =>
        (await owner.query('SELECT key_source, error_code FROM requests WHERE company_id = $1', [companyId])).rows,
    )
    .toEqual([{ key_source: 'own', error_code: 'caller.gone' }]);
});
