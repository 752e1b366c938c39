import type { Client } from 'pg';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { seedKey, seedPrice } from '../../../../../tests/kit/worker-rows.ts';

const plane = useControlPlane();
let owner: Client;
let company: TestCompany;

/** 1 USD per million tokens in, 2 out. */
const MODEL = 'test-model-1';
const NAME = `openai/${MODEL}`;
const USD = 1_000_000_000;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  await seedPrice(owner, { slug: 'openai', model: MODEL });
  await seedPrice(owner, { slug: 'groq', model: MODEL });
  await seedKey(owner, { provider: 'groq' });
});
beforeEach(async () => {
  company = await plane.createCompany();
  await seedKey(owner, { companyId: company.id, provider: 'openai' });
});

type Headers = Readonly<Record<string, string>>;
const MESSAGES = [{ role: 'user', content: 'Hello, world!' }];
const ask = (body: Record<string, unknown> = {}, who: Headers = company.admin, path = '/api/estimate') =>
  plane.call('POST', path, who, { model: NAME, messages: MESSAGES, ...body });
const estimate = async (body: Record<string, unknown> = {}, who: Headers = company.admin) => {
  const answer = await ask(body, who);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
};
const setCaps = (body: unknown) => plane.call('PUT', '/api/caps', company.admin, body);

/** What the ledger holds now for a meter of the running day or month. */
async function setSum(meter: string, kind: 'day' | 'month', sums: { settled?: number; reserved?: number }) {
  await owner.query(
    `INSERT INTO meters (company_id, meter, kind, start, settled, reserved)
     VALUES ($1, $2, $3, date_trunc($3, now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', $4, $5)`,
    [company.id, meter, kind, sums.settled ?? 0, sums.reserved ?? 0],
  );
}

const blocked = async (body: Record<string, unknown> = {}, who?: Headers) => (await estimate(body, who)).would_block;
/** About 0.2 USD at worst. */
const dear = { max_tokens: 100_000 };

test('what would block: a cap on one request', async () => {
  await setCaps({ company: { per_request_usd: '0.1' } });
  expect(await blocked(dear)).toEqual({
    code: 'spend.request_cap_reached',
    cap_usd: '0.1',
    resets_at: null,
    meter: 'company',
    feature: null,
  });
  expect(await blocked({ max_tokens: 10 })).toBeNull();
});

test('what would block: a cap of a day, counting what is settled and what is held', async () => {
  await setSum('', 'day', { settled: 9.5 * USD, reserved: 0.4 * USD });
  const answer = await estimate(dear);
  expect(answer.would_block).toMatchObject({ code: 'spend.day_cap_reached', cap_usd: '10', meter: 'company' });
  expect(answer.would_block.resets_at).toMatch(/T00:00:00\.000Z$/);
  expect(answer.remaining.day_usd).toBe('0.1');
  expect(await blocked({ max_tokens: 10 })).toBeNull();
});

test('what would block: the cap of a person, for that person alone', async () => {
  await setCaps({ users: { [company.memberId]: { per_day_usd: '0.1' } } });
  expect(await blocked(dear, company.member)).toMatchObject({ code: 'spend.day_cap_reached', meter: 'user' });
  expect((await estimate(dear, company.member)).remaining.day_usd).toBe('0.1');
  expect(await blocked(dear)).toBeNull();
});

test('what would block: a pause, whatever the call costs', async () => {
  await setCaps({ company: { per_month_usd: 0 } });
  expect(await blocked({ max_tokens: 1 })).toMatchObject({ code: 'spend.month_cap_reached', cap_usd: '0' });
  expect(await blocked({ model: 'openai/unpriced-model' })).toMatchObject({ code: 'spend.month_cap_reached' });
});

test('what would block: only where lowering the limit of the answer does not help, where none was stated', async () => {
  await setCaps({ company: { per_request_usd: '0.005' } });
  const open = await estimate();
  expect([Number(open.worst_usd) > 0.005, open.would_block]).toEqual([true, null]);
  expect(await blocked({ max_tokens: 4096 })).toMatchObject({ code: 'spend.request_cap_reached' });
  await setCaps({ company: { per_request_usd: '0.0011' } });
  expect(await blocked()).toMatchObject({ code: 'spend.request_cap_reached' });
});

test('what would block: features without a bound under a cap, by name; without any cap nothing', async () => {
  const search = { tools: [{ type: 'web_search' }] };
  expect(await estimate(search)).toMatchObject({
    worst_usd: null,
    would_block: { code: 'spend.unbounded_feature', feature: 'web_search' },
  });
  await setCaps({ company: { per_request_usd: null, per_day_usd: null, per_month_usd: null } });
  const answer = await estimate(search);
  expect([answer.would_block, answer.remaining.day_usd]).toEqual([null, null]);
});

test('what would block: models without a price on own keys, only where the company chose so', async () => {
  const unpriced = await estimate({ model: 'openai/unpriced-model' });
  expect(unpriced).toMatchObject({
    low_usd: null,
    likely_usd: null,
    worst_usd: null,
    price_known: false,
    price: null,
    price_confidence: 'unknown',
    would_block: null,
  });
  await setCaps({ block_unpriced: true });
  expect(await blocked({ model: 'openai/unpriced-model' })).toMatchObject({ code: 'price.unknown' });
  expect(await blocked()).toBeNull();
});

test('what would block: models without a price on shared keys, always', async () => {
  expect(await blocked({ model: 'groq/unpriced-model' })).toMatchObject({ code: 'price.unknown', cap_usd: null });
});

test('what would block: credits, on shared keys alone', async () => {
  await setSum('credits', 'month', { settled: 99.9 * USD });
  const shared = await estimate({ ...dear, model: `groq/${MODEL}` });
  expect(shared).toMatchObject({
    key_source: 'platform',
    would_block: { code: 'credits.exhausted', cap_usd: '100', meter: 'credits' },
    remaining: { credits_usd: '0.1', month_usd: '100' },
  });
  expect(await blocked(dear)).toBeNull();
});

test("the company's own price counts for the company alone", async () => {
  await seedPrice(owner, { slug: 'openai', model: MODEL, companyId: company.id, output: 200 * USD });
  expect(await estimate(dear)).toMatchObject({
    price: { origin: 'company' },
    would_block: { code: 'spend.request_cap_reached' },
  });
  const other = await plane.createCompany();
  await seedKey(owner, { companyId: other.id, provider: 'openai' });
  expect(await blocked(dear, other.admin)).toBeNull();
});
