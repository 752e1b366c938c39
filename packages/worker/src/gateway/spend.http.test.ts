import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type GatewayUnderTest, open, send, startGateway } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { seedCompany, seedKey, seedPrice, seedToken, seedUser } from '../../../../tests/kit/worker-rows.ts';

const database = useTestDatabase();
const USD = 1_000_000_000;
/** 2 USD per million tokens of an answer, 1 USD per million of input. */
const PRICED = 'openai/gpt-4o';
let owner: Client;
let gateway: GatewayUnderTest;
let companyId: string;
let tokenId: string;
let token: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  await seedPrice(owner, { slug: 'openai', model: 'gpt-4o' });
  await seedPrice(owner, { slug: 'openai', model: 'no-limit-known' });
  gateway = await startGateway(database.workerUrl);
});
afterAll(() => gateway.close());
beforeEach(async () => {
  companyId = await seedCompany(owner);
  ({ id: tokenId, token } = await seedToken(owner, companyId, ['inference', 'act_as_user']));
  await seedKey(owner, { companyId, provider: 'openai' });
  gateway.egress.calls.length = 0;
  gateway.egress.respond = (call) => call.answer(200, { said: 'hello', usage: { in: 1_000, out: 500 } });
});

const chat = (more: Record<string, unknown> = {}) => ({ model: PRICED, max_tokens: 1_000, messages: [], ...more });
const call = (more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  send('POST', `${gateway.url}/v1/chat/completions`, { token, headers, body: chat(more) });
const setCap = (period: string, amount: number | null, subject = 'company') =>
  owner.query(
    `INSERT INTO caps (company_id, subject, period, amount_nano_usd) VALUES ($1, $2, $3, $4)
     ON CONFLICT (company_id, subject, period) DO UPDATE SET amount_nano_usd = excluded.amount_nano_usd`,
    [companyId, subject, period, amount],
  );
const lastRow = async () =>
  (await owner.query('SELECT * FROM requests WHERE company_id = $1 ORDER BY created_at DESC LIMIT 1', [companyId]))
    .rows[0];
const sentBody = () => JSON.parse(gateway.egress.calls.at(-1)?.body ?? '{}');

describe('an answer', () => {
  test('says what it cost, what is left of the smallest cap, and stands in the record at that price', async () => {
    await setCap('day', 5 * USD);
    const answer = await call();
    expect(answer.status).toBe(200);
    expect(answer.headers['x-ownkey-cost-usd']).toBe('0.002');
    // What is left counts the reservation: 1,000 tokens of answer, and every byte of the body as a token of input.
    const left = Number(answer.headers['x-ownkey-cap-remaining-usd']);
    expect(left).toBeLessThan(5 - 0.002);
    expect(left).toBeGreaterThan(5 - 0.004);
    const row = await lastRow();
    expect(row).toMatchObject({ cost_nano_usd: '2000000', cost_basis: 'reported', state: 'settled' });
    expect(row.price_id).toMatch(/^price_/);
    expect(BigInt(row.reserved_nano_usd)).toBeGreaterThanOrEqual(2_000_000n);
  });

  test('without any cap says nothing of caps', async () => {
    for (const period of ['request', 'day', 'month']) await setCap(period, null);
    expect((await call()).headers['x-ownkey-cap-remaining-usd']).toBeUndefined();
  });

  test('of a stream says its cost in the comment that was asked for', async () => {
    gateway.egress.respond = (upstream) => {
      upstream.head(200, { 'content-type': 'text/event-stream' });
      upstream.data('data: {"usage":{"in":1000,"out":500}}\n\n');
      upstream.end();
    };
    const answer = await call({ stream: true }, { 'x-ownkey-usage': '1' });
    expect(answer.headers['x-ownkey-cost-usd']).toBeUndefined();
    expect(answer.text).toContain('"cost_usd":"0.002"');
  });

  test('of a model without a price is let through on an own key, uncounted and unmarked as free', async () => {
    await setCap('day', 1);
    const answer = await call({ model: 'openai/nobody-prices-this' });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-ownkey-cost-usd']).toBeUndefined();
    expect(await lastRow()).toMatchObject({ cost_nano_usd: null, price_id: null, reserved_nano_usd: '0' });
  });

  test('whose usage passes the reservation is booked in full and marked', async () => {
    gateway.egress.respond = (upstream) => upstream.answer(200, { usage: { in: 1_000, out: 1_000_000 } });
    await call();
    expect(await lastRow()).toMatchObject({ over_reservation: true, cost_nano_usd: String(1_000_000 + 2 * USD) });
  });
});

describe('a refusal', () => {
  test.each([
    ['request', 'spend.request_cap_reached'],
    ['day', 'spend.day_cap_reached'],
    ['month', 'spend.month_cap_reached'],
  ])('by a cap on one %s is 402, names cap and cost, and nothing is sent', async (period, code) => {
    await setCap(period, 1_000_000);
    const answer = await call();
    expect(answer.status).toBe(402);
    expect(answer.headers).toMatchObject({ 'x-should-retry': 'false', 'x-ownkey-error-code': code });
    expect(answer.headers['retry-after']).toBeUndefined();
    expect(answer.json).toMatchObject({ error: { code, type: 'insufficient_quota', cap_usd: '0.001' } });
    const resets = answer.headers['x-ownkey-cap-resets-at'];
    if (period === 'request') expect(resets).toBeUndefined();
    else expect(resets).toMatch(/^\d{4}-\d\d-\d\dT00:00:00Z$/);
    expect(gateway.egress.calls).toEqual([]);
    expect(await lastRow()).toBeUndefined();
  });

  test('comes in the wire of the caller', async () => {
    await setCap('day', 0);
    const body = chat();
    const messages = await send('POST', `${gateway.url}/v1/messages`, { token, body });
    expect(messages).toMatchObject({
      status: 402,
      json: { type: 'error', error: { type: 'billing_error', code: 'spend.day_cap_reached', cap_usd: '0' } },
    });
    const responses = await send('POST', `${gateway.url}/v1/responses`, {
      token,
      body: { model: PRICED, input: 'hi' },
    });
    expect(responses).toMatchObject({ status: 402, json: { error: { code: 'spend.day_cap_reached' } } });
    const embeddings = await send('POST', `${gateway.url}/v1/embeddings`, {
      token,
      body: { model: PRICED, input: 'hi' },
    });
    expect(embeddings).toMatchObject({ status: 402, json: { error: { code: 'spend.day_cap_reached' } } });
  });

  test('by the cap of a user hits this user alone', async () => {
    const [ana, ben] = [await seedUser(owner, companyId, 'ana'), await seedUser(owner, companyId, 'ben')];
    await setCap('day', 0, ana);
    expect(await call({}, { 'x-ownkey-user': 'ana' })).toMatchObject({
      status: 402,
      json: { error: { whose: 'user' } },
    });
    expect((await call({}, { 'x-ownkey-user': ben })).status).toBe(200);
  });

  test('says what is left of the smallest cap, as answers do', async () => {
    await setCap('day', 1_000_000);
    await setCap('month', 900_000);
    for (const period of ['request', 'day']) {
      if (period === 'request') await setCap('request', 1);
      else await setCap('request', null);
      expect((await call()).headers['x-ownkey-cap-remaining-usd']).toBe('0.0009');
    }
  });

  test.each<[string, string, object]>([
    ['the Responses name', '/v1/chat/completions', { max_output_tokens: 1 }],
    ['the chat name', '/v1/responses', { input: 'hi', max_tokens: 1, max_completion_tokens: 1 }],
    ['a number whose beginning is small', '/v1/chat/completions', { max_tokens: 'LONG' }],
  ])('is not talked out of by %s for a limit', async (_, path, more) => {
    await setCap('request', 2_000_000);
    const { max_tokens: _limit, ...unlimited } = chat();
    const body = JSON.stringify({ ...unlimited, model: 'openai/no-limit-known', n: 1, ...more });
    const long = body.replace('"LONG"', `1.${'0'.repeat(40)}e5`);
    const answer = await send('POST', `${gateway.url}${path}`, { token, body: Buffer.from(long) });
    if (path.endsWith('chat/completions') && long !== body) {
      expect(answer).toMatchObject({ status: 402, json: { error: { code: 'spend.request_cap_reached' } } });
      return;
    }
    // No limit is stated: one is sent that the cap pays for.
    expect(answer.status).toBe(200);
    expect(Number(answer.headers['x-ownkey-max-tokens'])).toBeGreaterThan(256);
    expect(BigInt((await lastRow()).reserved_nano_usd)).toBeLessThanOrEqual(2_000_000n);
  });

  test('of credits by a plan without own keys does not offer them', async () => {
    await owner.query(`INSERT INTO plans (id, name, byok, credits_nano_usd) VALUES ('tiny', 'Tiny', false, 0)
      ON CONFLICT (id) DO NOTHING`);
    const other = await seedCompany(owner, { plan: 'tiny' });
    const { token: others } = await seedToken(owner, other, ['inference']);
    const platform = await seedKey(owner, { provider: 'openai' });
    const answer = await send('POST', `${gateway.url}/v1/chat/completions`, { token: others, body: chat() });
    await owner.query('DELETE FROM keys WHERE id = $1', [platform]);
    expect(answer).toMatchObject({ status: 402, json: { error: { code: 'credits.exhausted', whose: 'credits' } } });
    expect(answer.text).toContain('Ask your administrator for a larger plan.');
    expect(answer.text).not.toContain('own key');
  });

  test('on the shared key goes by the operator’s price, whatever the company says its models cost', async () => {
    const other = await seedCompany(owner);
    const { token: others } = await seedToken(owner, other, ['inference']);
    await seedPrice(owner, { companyId: other, slug: 'openai', model: 'gpt-4o', input: 0, output: 0 });
    await seedPrice(owner, { companyId: other, slug: 'openai', model: 'nobody-prices-this', input: 0, output: 0 });
    const platform = await seedKey(owner, { provider: 'openai' });
    const ask = (model: string) =>
      send('POST', `${gateway.url}/v1/chat/completions`, { token: others, body: chat({ model }) });
    const [priced, unpriced] = [await ask(PRICED), await ask('openai/nobody-prices-this')];
    await owner.query('DELETE FROM keys WHERE id = $1', [platform]);
    expect(priced.headers).toMatchObject({ 'x-ownkey-key-source': 'platform', 'x-ownkey-cost-usd': '0.002' });
    expect(unpriced).toMatchObject({ status: 402, json: { error: { code: 'price.unknown' } } });
    // On its own key the company's price counts.
    await seedKey(owner, { companyId: other, provider: 'openai' });
    expect((await ask(PRICED)).headers['x-ownkey-cost-usd']).toBe('0');
  });

  test('of a model without a price: always on a platform key, on an own key where the company says so', async () => {
    const other = await seedCompany(owner);
    const { token: others } = await seedToken(owner, other, ['inference']);
    const platform = await seedKey(owner, { provider: 'openai' });
    const body = { model: 'openai/nobody-prices-this', messages: [] };
    const onPlatform = await send('POST', `${gateway.url}/v1/chat/completions`, { token: others, body });
    expect(onPlatform).toMatchObject({ status: 402, json: { error: { code: 'price.unknown' } } });
    await owner.query('DELETE FROM keys WHERE id = $1', [platform]);
    await owner.query(`UPDATE companies SET settings = '{"block_unpriced_models": true}' WHERE id = $1`, [companyId]);
    expect(await call({ model: 'openai/nobody-prices-this' })).toMatchObject({
      status: 402,
      json: { error: { code: 'price.unknown' } },
    });
    expect(gateway.egress.calls).toEqual([]);
  });

  test.each([
    ['service_tier priority', { service_tier: 'priority' }],
    ['web_search', { tools: [{ type: 'web_search' }] }],
    ['files', { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] }],
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['files', { messages: [{ role: 'user', content: [{ type: 'f\\u0069le', file: { file_id: 'f' } }] }] }],
  ])('under a cap names what has no bound: %s', async (feature, more) => {
    // A sign written with escapes is found all the same.
    const body = Buffer.from(JSON.stringify(chat(more)).replaceAll('\\\\u', '\\u'));
    const ask = () => send('POST', `${gateway.url}/v1/chat/completions`, { token, body });
    expect(await ask()).toMatchObject({ status: 402, json: { error: { code: 'spend.unbounded_feature', feature } } });
    for (const period of ['request', 'day', 'month']) await setCap(period, null);
    expect((await ask()).status).toBe(200);
  });

  test('by the plan or the token for too many requests is 429 and says when', async () => {
    await owner.query('UPDATE tokens SET requests_per_minute = 1 WHERE id = $1', [tokenId]);
    await owner.query('UPDATE companies SET config_version = config_version + 1 WHERE id = $1', [companyId]);
    expect((await call()).status).toBe(200);
    const answer = await call();
    expect(answer).toMatchObject({ status: 429, json: { error: { code: 'rate.limited' } } });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('by too many requests at once ends with the first of them', async () => {
    await owner.query('UPDATE tokens SET concurrent_requests = 1 WHERE id = $1', [tokenId]);
    await owner.query('UPDATE companies SET config_version = config_version + 1 WHERE id = $1', [companyId]);
    gateway.egress.respond = () => {};
    const reached = gateway.egress.next();
    const first = call();
    const upstream = await reached;
    expect(await call()).toMatchObject({ status: 429, json: { error: { code: 'rate.concurrency' } } });
    gateway.egress.respond = (other) => other.answer(200, {});
    upstream.answer(200, {});
    expect((await first).status).toBe(200);
    expect((await call()).status).toBe(200);
  });
});

describe('the limit of an answer', () => {
  test('that the caller stated is sent as stated, and refused rather than lowered', async () => {
    await setCap('day', 2_000_000);
    expect((await call({ max_tokens: 1_000 })).status).toBe(402);
    const answer = await call({ max_tokens: 500 });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-ownkey-max-tokens']).toBeUndefined();
    expect(sentBody()).toMatchObject({ max_tokens: 500 });
  });

  test('that nobody stated is lowered to what is left, said, and never below the least', async () => {
    await setCap('day', 4_000_000);
    const open = { max_tokens: undefined, model: 'openai/no-limit-known' };
    const first = await call(open);
    const sent = Number(first.headers['x-ownkey-max-tokens']);
    expect(first.status).toBe(200);
    expect(sent).toBeGreaterThan(256);
    expect(sent).toBeLessThan(4_096);
    expect(sentBody()).toMatchObject({ max_completion_tokens: sent });
    expect(await lastRow()).toMatchObject({ reserved_nano_usd: '4000000', cost_nano_usd: '2000000' });
    // 2,000,000 are left: the body, and less than 1,000 tokens.
    const second = await call(open);
    expect(Number(second.headers['x-ownkey-max-tokens'])).toBeLessThan(1_000);
    expect(await call(open)).toMatchObject({ status: 402, json: { error: { code: 'spend.day_cap_reached' } } });
  });

  test('that nobody knows is sent under a cap, in the place of a null too, and not without one', async () => {
    const open = { max_tokens: null, model: 'openai/no-limit-known' };
    expect((await call(open)).headers['x-ownkey-max-tokens']).toBe('4096');
    expect(sentBody()).toMatchObject({ max_tokens: 4_096 });
    for (const period of ['request', 'day', 'month']) await setCap(period, null);
    expect((await call(open)).headers['x-ownkey-max-tokens']).toBeUndefined();
    expect(sentBody().max_tokens).toBeNull();
  });

  test.each([[0], [-1], [1e12], ['many']])('of %s is refused as what it is', async (maxTokens) => {
    expect(await call({ max_tokens: maxTokens })).toMatchObject({
      status: 400,
      json: { error: { code: 'request.invalid' } },
    });
  });

  test('times a thousand answers is counted a thousand times', async () => {
    expect((await call({ n: 1_000 })).status).toBe(200);
    expect(BigInt((await lastRow()).reserved_nano_usd)).toBeGreaterThanOrEqual(2n * BigInt(USD));
    await setCap('request', USD);
    expect(await call({ n: 1_000 })).toMatchObject({ status: 402 });
  });
});

describe('a call that breaks off', () => {
  const streamed = async () => {
    gateway.egress.respond = () => {};
    const reached = gateway.egress.next();
    const request = open('POST', `${gateway.url}/v1/chat/completions`, { token, body: chat({ stream: true }) });
    request.on('error', () => {});
    return { request, upstream: await reached };
  };
  const settled = () => expect.poll(async () => (await lastRow())?.state).toBe('settled');

  test('because its caller left before the first byte is estimated, within what was reserved', async () => {
    const { request } = await streamed();
    request.destroy();
    await settled();
    const row = await lastRow();
    expect(row).toMatchObject({ error_code: 'caller.gone', cost_basis: 'estimated' });
    expect(BigInt(row.cost_nano_usd)).toBeGreaterThan(0n);
    expect(BigInt(row.cost_nano_usd)).toBeLessThanOrEqual(BigInt(row.reserved_nano_usd));
  });

  test('because its caller left in the middle is counted by what was generated', async () => {
    const { request, upstream } = await streamed();
    const response = new Promise<import('node:http').IncomingMessage>((resolve) => request.once('response', resolve));
    upstream.head(200, { 'content-type': 'text/event-stream' });
    upstream.data('x'.repeat(400));
    for await (const _ of await response) break;
    await settled();
    expect(await lastRow()).toMatchObject({ cost_basis: 'counted', output_tokens: '100' });
  });

  test('because its caller left after the usage costs that usage', async () => {
    const { request, upstream } = await streamed();
    const response = new Promise<import('node:http').IncomingMessage>((resolve) => request.once('response', resolve));
    upstream.head(200, { 'content-type': 'text/event-stream' });
    upstream.data('data: {"usage":{"in":1000,"out":500}}\n\n');
    for await (const _ of await response) break;
    await settled();
    expect(await lastRow()).toMatchObject({ cost_basis: 'reported', cost_nano_usd: '2000000' });
  });

  test('because its provider left in the middle is counted, before the first byte estimated', async () => {
    const middle = await streamed();
    middle.upstream.head(200, { 'content-type': 'text/event-stream' });
    middle.upstream.data('x'.repeat(400));
    middle.upstream.error('provider.cut');
    await settled();
    expect(await lastRow()).toMatchObject({ error_code: 'provider.cut', cost_basis: 'counted', output_tokens: '100' });
    const before = await streamed();
    before.upstream.error('provider.cut');
    await expect.poll(async () => (await lastRow()).error_code).toBe('provider.cut');
    await expect.poll(async () => (await lastRow()).cost_basis).toBe('estimated');
  });

  test('with a whole answer that holds neither text nor usage is booked at its worst', async () => {
    gateway.egress.respond = (upstream) => {
      upstream.head(200, {});
      upstream.end();
    };
    await call();
    const row = await lastRow();
    expect(row).toMatchObject({ cost_basis: 'estimated' });
    expect(BigInt(row.cost_nano_usd)).toBeGreaterThanOrEqual(2_000_000n);
  });

  test('with an error of the provider’s before any text costs nothing', async () => {
    gateway.egress.respond = (upstream) => upstream.answer(400, { error: 'no' });
    await call();
    expect(await lastRow()).toMatchObject({ state: 'settled', cost_nano_usd: '0', cost_basis: null });
  });

  test('before it was sent gives its reservation back', async () => {
    gateway.egress.respond = (upstream) => upstream.error('provider.unreachable', false);
    expect((await call()).status).toBe(502);
    expect(await lastRow()).toMatchObject({ state: 'released', cost_nano_usd: null });
    const { rows } = await owner.query('SELECT sum(reserved)::int AS held FROM meters WHERE company_id = $1', [
      companyId,
    ]);
    expect(rows).toEqual([{ held: 0 }]);
  });
});
