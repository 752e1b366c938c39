import { formatUsd } from '@ownkey/contract/money';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ExtraWorker, startExtraWorker } from '../kit/extra-worker.ts';
import { api, connectKey, type Product, startProduct } from '../kit/product.ts';
import { rowsOf } from '../kit/product-database.ts';
import { type BarrierAnswer, sendAtOnce } from '../kit/start-barrier.ts';

/**
 * Every call here costs exactly what was reserved for it: its model is priced by the request alone. So a cap of N calls admits N,
 * and one call more at the provider is a cap that was passed.
 */
const COST_USD = 0.01;
const CALLS = 2_000;
const PROVIDER = 'openai';
const MODEL = 'gpt-4o-mini';

let product: Product;
let companies = 0;
let company: string;

beforeAll(async () => {
  product = await startProduct({ OWNKEY_WORKERS: '3' });
  const rates = { input: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 0, request: COST_USD * 1e9 };
  await rowsOf(
    product.directory,
    `INSERT INTO prices (id, origin, slug, model, rates) VALUES ('price_race', 'operator', $1, $2, $3)`,
    [PROVIDER, MODEL, JSON.stringify({ base: rates, tiers: [], windows: [], unbounded: [] })],
  );
});
afterAll(() => product.stop());
beforeEach(async () => {
  companies += 1;
  company = `race-${companies}`;
  const made = await asHost('PUT', `/api/companies/${company}`, { name: company, plan: 'business' });
  expect(made.status).toBe(201);
  await fetch(`${product.dev().sandbox.url}/_calls`, { method: 'DELETE' });
});

function asHost(method: string, path: string, body: unknown) {
  const token = product.dev().operator.api_token;
  return api(product, method, path, { token, body, headers: { 'x-ownkey-company': company } });
}

/** The sums are there before the race: making their rows would order the first groups, and hide a missing lock. */
async function callOnce(): Promise<void> {
  expect(countOf(await callAtOnce(1))).toEqual({ '200': 1 });
  await fetch(`${product.dev().sandbox.url}/_calls`, { method: 'DELETE' });
}

async function setCaps(caps: object): Promise<void> {
  const answer = await asHost('PUT', '/api/caps', caps);
  expect(answer).toMatchObject({ status: 200 });
}

/** So many calls at once, each for the next of the users (null = for nobody), on the next of the gateways. */
function callAtOnce(
  count: number,
  users: readonly (string | null)[] = [null],
  gateways: readonly string[] = [product.dev().gateway_url],
): Promise<BarrierAnswer[]> {
  const token = product.dev().operator.api_token;
  return sendAtOnce(
    Array.from({ length: count }, (_, i) => {
      const user = users[i % users.length];
      return {
        url: `${gateways[i % gateways.length]}/v1/chat/completions`,
        headers: {
          authorization: `Bearer ${token}`,
          'x-ownkey-company': company,
          ...(typeof user === 'string' ? { 'x-ownkey-user': user } : {}),
        },
        body: { model: `${PROVIDER}/${MODEL}`, max_tokens: 8, messages: [{ role: 'user', content: 'Say hello.' }] },
      };
    }),
  );
}

function countOf(answers: readonly BarrierAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, headers } of answers) {
    const name = `${status} ${headers['x-ownkey-error-code'] ?? ''}`.trim();
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** How many generations reached the simulated provider. */
async function callsSeen(): Promise<number> {
  const response = await fetch(`${product.dev().sandbox.url}/_calls`);
  const { data }: { data: { path: string }[] } = JSON.parse(await response.text());
  return data.filter(({ path }) => path.endsWith('/chat/completions')).length;
}

async function sums(name = company): Promise<Record<string, unknown>[]> {
  return rowsOf(
    product.directory,
    `SELECT sum(coalesce(r.cost_nano_usd, 0))::text AS cost, count(*) FILTER (WHERE r.state = 'settled')::int AS settled,
       count(*) FILTER (WHERE r.state = 'reserved')::int AS open,
       (SELECT m.settled::text FROM meters m WHERE m.company_id = c.id AND m.meter = '' AND m.kind = 'day'
          AND m.start = date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') AS today,
       (SELECT m.reserved::text FROM meters m WHERE m.company_id = c.id AND m.meter = '' AND m.kind = 'day'
          AND m.start = date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') AS held
     FROM companies c LEFT JOIN requests r ON r.company_id = c.id AND r.kind = 'call'
     WHERE c.id = $1 OR c.external_id = $1 GROUP BY c.id`,
    [name],
  );
}

const nano = (calls: number): string => String(calls * COST_USD * 1e9);
const usd = (calls: number): string => (calls * COST_USD).toFixed(2);

async function expectExactly(calls: number, before = 0): Promise<void> {
  expect(await callsSeen()).toBe(calls);
  const all = calls + before;
  expect(await sums()).toEqual([{ cost: nano(all), settled: all, open: 0, today: nano(all), held: '0' }]);
}

describe('2,000 calls at once through three worker processes on one port', () => {
  test.each([
    ['on a day', 'per_day_usd', 'spend.day_cap_reached'],
    ['on a month', 'per_month_usd', 'spend.month_cap_reached'],
  ])('a cap of the company %s admits exactly what it pays for', async (_, field, code) => {
    await callOnce();
    await setCaps({ company: { per_day_usd: 50, per_month_usd: 500, [field]: usd(401) } });
    expect(countOf(await callAtOnce(CALLS))).toEqual({ '200': 400, [`402 ${code}`]: CALLS - 400 });
    await expectExactly(400, 1);
  });

  test.each([
    ['on a day', 'per_day_usd', 'spend.day_cap_reached'],
    ['on a month', 'per_month_usd', 'spend.month_cap_reached'],
  ])('a cap of each user %s admits exactly what it pays for', async (_, field, code) => {
    await setCaps({ users: { default: { [field]: usd(25) } } });
    const answers = await callAtOnce(CALLS, ['ana', 'ben', 'cem', 'dia']);
    expect(countOf(answers)).toEqual({ '200': 100, [`402 ${code}`]: CALLS - 100 });
    for (let user = 0; user < 4; user++) {
      expect(answers.filter((answer, i) => i % 4 === user && answer.status === 200)).toHaveLength(25);
    }
    await expectExactly(100);
  });

  test('a cap on one request refuses every call it does not pay for', async () => {
    await setCaps({ company: { per_request_usd: '0.009999999' } });
    expect(countOf(await callAtOnce(CALLS))).toEqual({ '402 spend.request_cap_reached': CALLS });
    expect(await callsSeen()).toBe(0);
  });

  test('caps of all kinds together: none is passed, and the tightest decides', async () => {
    const users = ['ana', 'ben', 'cem', 'dia'];
    for (const user of users) await asHost('PUT', `/api/companies/${company}/users/${user}`, {});
    await setCaps({
      company: { per_request_usd: usd(1), per_day_usd: usd(100), per_month_usd: usd(80) },
      users: { default: { per_day_usd: usd(30) }, ana: { per_day_usd: usd(5) } },
    });
    const answers = await callAtOnce(CALLS, users);
    const admitted = users.map(
      (_, user) => answers.filter((answer, i) => i % 4 === user && answer.status === 200).length,
    );
    expect(admitted[0]).toBeLessThanOrEqual(5);
    for (const count of admitted.slice(1)) expect(count).toBeLessThanOrEqual(30);
    await expectExactly(80);
  });

  test('credits of a plan are drawn to the last unit, and not beyond', async () => {
    const plan = `race-${companies}`;
    const made = await asHost('PUT', `/api/operator/plans/${plan}`, { name: plan, byok: true, credits_usd: usd(60) });
    expect(made.status).toBe(201);
    await asHost('PUT', `/api/companies/${company}/plan`, { plan });
    await setCaps({ company: { per_day_usd: 50 } });
    expect(countOf(await callAtOnce(CALLS))).toEqual({ '200': 60, '402 credits.exhausted': CALLS - 60 });
    await expectExactly(60);
  });

  describe('with a wait between reading a sum and adding to it, so that groups of all workers meet there', () => {
    const RESERVE = `SELECT pg_get_functiondef('ownkey.reserve_held(jsonb)'::regprocedure) AS text`;
    const LOCK = 'DO UPDATE SET cap = m.cap WHERE false;';
    const AFTER_READING = 'installation_version := (SELECT';
    let whole: string;

    beforeEach(async () => {
      const [row] = await rowsOf<{ text: string }>(product.directory, RESERVE);
      whole = row?.text ?? '';
    });
    afterEach(() => rowsOf(product.directory, whole));

    async function replaceReserve(replacements: Record<string, string>): Promise<void> {
      let text = whole;
      for (const [part, other] of Object.entries(replacements)) {
        expect(text).toContain(part);
        text = text.replace(part, other);
      }
      await rowsOf(product.directory, text);
    }

    async function race(replacements: Record<string, string> = {}): Promise<number> {
      await callOnce();
      await setCaps({ company: { per_day_usd: usd(401) } });
      await replaceReserve({ ...replacements, [AFTER_READING]: `PERFORM pg_sleep(0.2); ${AFTER_READING}` });
      await callAtOnce(CALLS);
      return callsSeen();
    }

    test('the cap admits exactly what it pays for', async () => {
      expect(await race()).toBe(400);
    });

    test('the cap is passed when the lock is taken out: it is what holds it', async () => {
      expect(await race({ [LOCK]: 'DO NOTHING;' })).toBeGreaterThan(400);
    });
  });
});

describe('2,000 calls at once through three starts of `ownkey worker` over one database', () => {
  const workers: ExtraWorker[] = [];
  beforeAll(async () => {
    workers.push(...(await Promise.all(Array.from({ length: 3 }, () => startExtraWorker(product)))));
  });
  afterAll(async () => {
    expect(await Promise.all(workers.map((worker) => worker.stop()))).toEqual([0, 0, 0]);
  });

  test('a cap admits exactly what it pays for, on a key of the company’s own', async () => {
    const [own] = product.dev().companies;
    company = own?.id ?? '';
    const key = product.dev().sandbox.providers[PROVIDER]?.keys.valid ?? '';
    expect((await connectKey(product, PROVIDER, key)).status).toBe(201);
    await fetch(`${product.dev().sandbox.url}/_calls`, { method: 'DELETE' });
    const [before] = await rowsOf<{ settled: string }>(
      product.directory,
      `SELECT coalesce(sum(settled), 0)::text AS settled FROM meters WHERE company_id = $1 AND meter = '' AND kind = 'day'`,
      [company],
    );
    // The test of the key was paid for too.
    const cap = BigInt(nano(100)) + BigInt(before?.settled ?? 0);
    await setCaps({ company: { per_day_usd: formatUsd(cap) } });
    const answers = await callAtOnce(
      CALLS,
      [null],
      workers.map(({ url }) => url),
    );
    expect(countOf(answers)).toEqual({ '200': 100, '402 spend.day_cap_reached': CALLS - 100 });
    expect(
      new Set(answers.filter(({ status }) => status === 200).map(({ headers }) => headers['x-ownkey-key-source'])),
    ).toEqual(new Set(['own']));
    expect(await callsSeen()).toBe(100);
  });
});
