import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type BareWorker, sandboxSettings, startBareWorker } from '../kit/bare-worker.ts';
import { api, type Product, startProduct } from '../kit/product.ts';
import { rowsOf } from '../kit/product-database.ts';

/** Two workers, one two days behind and one two days ahead of the database they share. */
const SKEWS_HOURS = [-50, 50];
const PROVIDER = 'openai';
let product: Product;
let workers: BareWorker[];
let companies = 0;
let company: string;

beforeAll(async () => {
  product = await startProduct();
  const settings = await sandboxSettings(product);
  const started = await Promise.all(
    SKEWS_HOURS.map((hours) => {
      const code = `const real=Date.now;Date.now=()=>real()+${hours * 3_600_000}`;
      return startBareWorker(product, settings, ['--import', `data:text/javascript,${encodeURIComponent(code)}`]);
    }),
  );
  workers = started.filter((worker) => worker !== null);
  expect(workers).toHaveLength(2);
});
afterAll(async () => {
  for (const worker of workers) worker.kill();
  await Promise.all(workers.map(({ ended }) => ended));
  await product.stop();
});
beforeEach(async () => {
  companies += 1;
  company = `skew-${companies}`;
  await asHost('PUT', `/api/companies/${company}`, { plan: 'business' });
});

function asHost(method: string, path: string, body: unknown) {
  const token = product.dev().operator.api_token;
  return api(product, method, path, { token, body, headers: { 'x-ownkey-company': company } });
}

async function call(worker: BareWorker): Promise<{ status: number; id: string }> {
  const response = await fetch(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${product.dev().operator.api_token}`,
      'x-ownkey-company': company,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      model: `${PROVIDER}/${product.dev().sandbox.providers[PROVIDER]?.model}`,
      max_tokens: 8,
      messages: [{ role: 'user', content: 'Say hello.' }],
    }),
  });
  await response.text();
  return { status: response.status, id: response.headers.get('x-ownkey-request-id') ?? '' };
}

/** The ledger's clock: a moment, or null for the real one. */
async function setClock(at: string | null): Promise<void> {
  const body = at === null ? 'SELECT now()' : `SELECT '${at}'::timestamptz`;
  await rowsOf(
    product.directory,
    `CREATE OR REPLACE FUNCTION ledger_now() RETURNS timestamptz LANGUAGE sql STABLE SET search_path = ownkey, pg_temp AS $$ ${body} $$`,
  );
}

test('workers two days behind and ahead book the same day, and share its cap', async () => {
  const booked = await Promise.all(workers.map(call));
  expect(booked.map(({ status }) => status)).toEqual([200, 200]);
  const rows = await rowsOf(
    product.directory,
    `SELECT DISTINCT day = (now() AT TIME ZONE 'UTC')::date AS today, price_id IS NOT NULL AS priced FROM requests WHERE id = ANY ($1)`,
    [booked.map(({ id }) => id)],
  );
  expect(rows).toEqual([{ today: true, priced: true }]);
  await asHost('PUT', '/api/caps', { company: { per_day_usd: '0.000000001' } });
  expect((await Promise.all(workers.map(call))).map(({ status }) => status)).toEqual([402, 402]);
});

test('at midnight of a month’s end both begin the new day and the new month with the database', async () => {
  try {
    await setClock('2031-01-31 23:59:59.999Z');
    const before = await Promise.all(workers.map(call));
    await setClock('2031-02-01 00:00:00Z');
    const after = await Promise.all(workers.map(call));
    const rows = await rowsOf<{ name: string; settled: boolean }>(
      product.directory,
      `SELECT m.kind || ' ' || to_char(m.start AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS name, m.settled > 0 AND m.reserved = 0 AS settled
       FROM meters m JOIN companies c ON c.id = m.company_id WHERE c.external_id = $1 AND m.meter = '' ORDER BY 1`,
      [company],
    );
    expect([...before, ...after].map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(rows).toEqual([
      { name: 'day 2031-01-31', settled: true },
      { name: 'day 2031-02-01', settled: true },
      { name: 'month 2031-01-01', settled: true },
      { name: 'month 2031-02-01', settled: true },
    ]);
  } finally {
    await setClock(null);
  }
});

test('a call that is reserved before midnight and ends after it costs the old day', async () => {
  const control = (settings: object | null) =>
    fetch(`${product.dev().sandbox.url}/_control`, {
      method: settings === null ? 'DELETE' : 'PUT',
      headers: { 'content-type': 'application/json' },
      ...(settings === null ? {} : { body: JSON.stringify(settings) }),
    });
  try {
    await setClock('2031-03-31 23:59:59Z');
    await control({ hold_first_byte: true, outcomes: { [PROVIDER]: 'slow' } });
    const [worker] = workers;
    if (worker === undefined) throw new Error('no worker');
    const running = call(worker);
    const open = () =>
      rowsOf(product.directory, `SELECT id FROM requests WHERE state = 'reserved' AND day = '2031-03-31'`);
    await expect.poll(async () => (await open()).length).toBe(1);
    await setClock('2031-04-01 00:00:10Z');
    await control(null);
    const { id } = await running;
    const rows = await rowsOf(
      product.directory,
      `SELECT to_char(r.day, 'YYYY-MM-DD') AS day, r.cost_nano_usd = m.settled AS counted_there FROM requests r
       JOIN meters m ON m.company_id = r.company_id AND m.meter = '' AND m.kind = 'day' AND m.start = '2031-03-31 00:00Z'
       WHERE r.id = $1`,
      [id],
    );
    expect(rows).toEqual([{ day: '2031-03-31', counted_there: true }]);
  } finally {
    await setClock(null);
    await control(null);
  }
});
