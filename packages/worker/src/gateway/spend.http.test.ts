import { describe, expect, test } from 'vitest';
import { send } from '../../../../tests/kit/gateway.ts';
import { chat, NO_LIMIT_KNOWN, PRICED, USD, usePricedGateway } from '../../../../tests/kit/priced-gateway.ts';
import { seedCompany, seedKey, seedPrice, seedToken, seedUser } from '../../../../tests/kit/worker-rows.ts';

const kit = usePricedGateway();

describe('an answer', () => {
  test('says what it cost, what is left of the smallest cap, and stands in the record at that price', async () => {
    await kit.setCap('day', 5 * USD);
    const answer = await kit.call();
    expect(answer.status).toBe(200);
    expect(answer.headers['x-ownkey-cost-usd']).toBe('0.002');
    // What is left counts the reservation: 1,000 tokens of answer, and every byte of the body as a token of input.
    const left = Number(answer.headers['x-ownkey-cap-remaining-usd']);
    expect(left).toBeLessThan(5 - 0.002);
    expect(left).toBeGreaterThan(5 - 0.004);
    const row = await kit.lastRow();
    expect(row).toMatchObject({ cost_nano_usd: '2000000', cost_basis: 'reported', state: 'settled' });
    expect(row.price_id).toMatch(/^price_/);
    expect(BigInt(row.reserved_nano_usd)).toBeGreaterThanOrEqual(2_000_000n);
  });

  test('without any cap says nothing of caps', async () => {
    for (const period of ['request', 'day', 'month']) await kit.setCap(period, null);
    expect((await kit.call()).headers['x-ownkey-cap-remaining-usd']).toBeUndefined();
  });

  test('of a stream says its cost in the comment that was asked for', async () => {
    kit.gateway.egress.respond = (upstream) => {
      upstream.head(200, { 'content-type': 'text/event-stream' });
      upstream.data('data: {"usage":{"in":1000,"out":500}}\n\n');
      upstream.end();
    };
    const answer = await kit.call({ stream: true }, { 'x-ownkey-usage': '1' });
    expect(answer.headers['x-ownkey-cost-usd']).toBeUndefined();
    expect(answer.text).toContain('"cost_usd":"0.002"');
  });

  test('of a model without a price is let through on an own key, uncounted and unmarked as free', async () => {
    await kit.setCap('day', 1);
    const answer = await kit.call({ model: 'openai/nobody-prices-this' });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-ownkey-cost-usd']).toBeUndefined();
    expect(await kit.lastRow()).toMatchObject({ cost_nano_usd: null, price_id: null, reserved_nano_usd: '0' });
  });

  test('whose usage passes the reservation is booked in full and marked', async () => {
    kit.gateway.egress.respond = (upstream) => upstream.answer(200, { usage: { in: 1_000, out: 1_000_000 } });
    await kit.call();
    expect(await kit.lastRow()).toMatchObject({ over_reservation: true, cost_nano_usd: String(1_000_000 + 2 * USD) });
  });
});

describe('a refusal', () => {
  test.each([
    ['request', 'spend.request_cap_reached'],
    ['day', 'spend.day_cap_reached'],
    ['month', 'spend.month_cap_reached'],
  ])('by a cap on one %s is 402, names cap and cost, and nothing is sent', async (period, code) => {
    await kit.setCap(period, 1_000_000);
    const answer = await kit.call();
    expect(answer.status).toBe(402);
    expect(answer.headers).toMatchObject({ 'x-should-retry': 'false', 'x-ownkey-error-code': code });
    expect(answer.headers['retry-after']).toBeUndefined();
    expect(answer.json).toMatchObject({ error: { code, type: 'insufficient_quota', cap_usd: '0.001' } });
    const resets = answer.headers['x-ownkey-cap-resets-at'];
    if (period === 'request') expect(resets).toBeUndefined();
    else expect(resets).toMatch(/^\d{4}-\d\d-\d\dT00:00:00Z$/);
    expect(kit.gateway.egress.calls).toEqual([]);
    expect(await kit.lastRow()).toBeUndefined();
  });

  test('comes in the wire of the caller', async () => {
    await kit.setCap('day', 0);
    const body = chat();
    const messages = await send('POST', `${kit.gateway.url}/v1/messages`, { token: kit.token, body });
    expect(messages).toMatchObject({
      status: 402,
      json: { type: 'error', error: { type: 'billing_error', code: 'spend.day_cap_reached', cap_usd: '0' } },
    });
    const responses = await send('POST', `${kit.gateway.url}/v1/responses`, {
      token: kit.token,
      body: { model: PRICED, input: 'hi' },
    });
    expect(responses).toMatchObject({ status: 402, json: { error: { code: 'spend.day_cap_reached' } } });
    const embeddings = await send('POST', `${kit.gateway.url}/v1/embeddings`, {
      token: kit.token,
      body: { model: PRICED, input: 'hi' },
    });
    expect(embeddings).toMatchObject({ status: 402, json: { error: { code: 'spend.day_cap_reached' } } });
  });

  test('by the cap of a user hits this user alone', async () => {
    const [ana, ben] = [
      await seedUser(kit.owner, kit.companyId, 'ana'),
      await seedUser(kit.owner, kit.companyId, 'ben'),
    ];
    await kit.setCap('day', 0, ana);
    expect(await kit.call({}, { 'x-ownkey-user': 'ana' })).toMatchObject({
      status: 402,
      json: { error: { whose: 'user' } },
    });
    expect((await kit.call({}, { 'x-ownkey-user': ben })).status).toBe(200);
  });

  test('says what is left of the smallest cap, as answers do', async () => {
    await kit.setCap('day', 1_000_000);
    await kit.setCap('month', 900_000);
    for (const period of ['request', 'day']) {
      if (period === 'request') await kit.setCap('request', 1);
      else await kit.setCap('request', null);
      expect((await kit.call()).headers['x-ownkey-cap-remaining-usd']).toBe('0.0009');
    }
  });

  test.each<[string, string, object]>([
    ['the Responses name', '/v1/chat/completions', { max_output_tokens: 1 }],
    ['the chat name', '/v1/responses', { input: 'hi', max_tokens: 1, max_completion_tokens: 1 }],
    ['a number whose beginning is small', '/v1/chat/completions', { max_tokens: 'LONG' }],
  ])('is not talked out of by %s for a limit', async (_, path, more) => {
    await kit.setCap('request', 2_000_000);
    const { max_tokens: _limit, ...unlimited } = chat();
    const body = JSON.stringify({ ...unlimited, model: NO_LIMIT_KNOWN, n: 1, ...more });
    const long = body.replace('"LONG"', `1.${'0'.repeat(40)}e5`);
    const answer = await send('POST', `${kit.gateway.url}${path}`, { token: kit.token, body: Buffer.from(long) });
    if (path.endsWith('chat/completions') && long !== body) {
      expect(answer).toMatchObject({ status: 402, json: { error: { code: 'spend.request_cap_reached' } } });
      return;
    }
    // No limit is stated: one is sent that the cap pays for.
    expect(answer.status).toBe(200);
    expect(Number(answer.headers['x-ownkey-max-tokens'])).toBeGreaterThan(256);
    expect(BigInt((await kit.lastRow()).reserved_nano_usd)).toBeLessThanOrEqual(2_000_000n);
  });

  test('of credits by a plan without own keys does not offer them', async () => {
    await kit.owner.query(`INSERT INTO plans (id, name, byok, credits_nano_usd) VALUES ('tiny', 'Tiny', false, 0)
      ON CONFLICT (id) DO NOTHING`);
    const other = await seedCompany(kit.owner, { plan: 'tiny' });
    const { token: others } = await seedToken(kit.owner, other, ['inference']);
    const platform = await seedKey(kit.owner, { provider: 'openai' });
    const answer = await send('POST', `${kit.gateway.url}/v1/chat/completions`, { token: others, body: chat() });
    await kit.owner.query('DELETE FROM keys WHERE id = $1', [platform]);
    expect(answer).toMatchObject({ status: 402, json: { error: { code: 'credits.exhausted', whose: 'credits' } } });
    expect(answer.text).toContain('Ask your administrator for a larger plan.');
    expect(answer.text).not.toContain('own key');
  });

  test('on the shared key goes by the operator’s price, whatever the company says its models cost', async () => {
    const other = await seedCompany(kit.owner);
    const { token: others } = await seedToken(kit.owner, other, ['inference']);
    await seedPrice(kit.owner, { companyId: other, slug: 'openai', model: 'gpt-4o', input: 0, output: 0 });
    await seedPrice(kit.owner, { companyId: other, slug: 'openai', model: 'nobody-prices-this', input: 0, output: 0 });
    const platform = await seedKey(kit.owner, { provider: 'openai' });
    const ask = (model: string) =>
      send('POST', `${kit.gateway.url}/v1/chat/completions`, { token: others, body: chat({ model }) });
    const [priced, unpriced] = [await ask(PRICED), await ask('openai/nobody-prices-this')];
    await kit.owner.query('DELETE FROM keys WHERE id = $1', [platform]);
    expect(priced.headers).toMatchObject({ 'x-ownkey-key-source': 'platform', 'x-ownkey-cost-usd': '0.002' });
    expect(unpriced).toMatchObject({ status: 402, json: { error: { code: 'price.unknown' } } });
    // On its own key the company's price counts.
    await seedKey(kit.owner, { companyId: other, provider: 'openai' });
    expect((await ask(PRICED)).headers['x-ownkey-cost-usd']).toBe('0');
  });

  test('of a model without a price: always on a platform key, on an own key where the company says so', async () => {
    const other = await seedCompany(kit.owner);
    const { token: others } = await seedToken(kit.owner, other, ['inference']);
    const platform = await seedKey(kit.owner, { provider: 'openai' });
    const body = { model: 'openai/nobody-prices-this', messages: [] };
    const onPlatform = await send('POST', `${kit.gateway.url}/v1/chat/completions`, { token: others, body });
    expect(onPlatform).toMatchObject({ status: 402, json: { error: { code: 'price.unknown' } } });
    await kit.owner.query('DELETE FROM keys WHERE id = $1', [platform]);
    await kit.owner.query(`UPDATE companies SET settings = '{"block_unpriced_models": true}' WHERE id = $1`, [
      kit.companyId,
    ]);
    expect(await kit.call({ model: 'openai/nobody-prices-this' })).toMatchObject({
      status: 402,
      json: { error: { code: 'price.unknown' } },
    });
    expect(kit.gateway.egress.calls).toEqual([]);
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
    const ask = () => send('POST', `${kit.gateway.url}/v1/chat/completions`, { token: kit.token, body });
    expect(await ask()).toMatchObject({ status: 402, json: { error: { code: 'spend.unbounded_feature', feature } } });
    for (const period of ['request', 'day', 'month']) await kit.setCap(period, null);
    expect((await ask()).status).toBe(200);
  });

  test('by the plan or the token for too many requests is 429 and says when', async () => {
    await kit.owner.query('UPDATE tokens SET requests_per_minute = 1 WHERE id = $1', [kit.tokenId]);
    await kit.owner.query('UPDATE companies SET config_version = config_version + 1 WHERE id = $1', [kit.companyId]);
    expect((await kit.call()).status).toBe(200);
    const answer = await kit.call();
    expect(answer).toMatchObject({ status: 429, json: { error: { code: 'rate.limited' } } });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('by too many requests at once ends with the first of them', async () => {
    await kit.owner.query('UPDATE tokens SET concurrent_requests = 1 WHERE id = $1', [kit.tokenId]);
    await kit.owner.query('UPDATE companies SET config_version = config_version + 1 WHERE id = $1', [kit.companyId]);
    kit.gateway.egress.respond = () => {};
    const reached = kit.gateway.egress.next();
    const first = kit.call();
    const upstream = await reached;
    expect(await kit.call()).toMatchObject({ status: 429, json: { error: { code: 'rate.concurrency' } } });
    kit.gateway.egress.respond = (other) => other.answer(200, {});
    upstream.answer(200, {});
    expect((await first).status).toBe(200);
    expect((await kit.call()).status).toBe(200);
  });
});
