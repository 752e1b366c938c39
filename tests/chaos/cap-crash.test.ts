import { waitUntil } from '@ownkey/cli/wait';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareWorker, sandboxSettings, startBareWorker } from '../kit/bare-worker.ts';
import { api, type Product, startProduct } from '../kit/product.ts';
import { rowsOf } from '../kit/product-database.ts';

/** Rounds of kill -9; every tenth hits the database, the others a worker. */
const ROUNDS = 100;
const WORKERS = 3;
const CALLERS = 12;
/** What a call reserves and costs: its model is priced by the request alone. */
const COST_NANO_USD = 10_000_000n;
const CAP_CALLS = 1_200n;
const PROVIDER = 'openai';
const MODEL = 'gpt-4o-mini';
const COMPANY = 'crash';

let product: Product;
let token: string;
const workers: (BareWorker | null)[] = Array.from({ length: WORKERS }, () => null);
let keepers: Promise<void>[] = [];
const run = { stopping: false, killing: true };

beforeAll(async () => {
  product = await startProduct();
  const rates = { input: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 0 };
  const base = { ...rates, request: Number(COST_NANO_USD) };
  await rowsOf(
    product.directory,
    `INSERT INTO prices (id, origin, slug, model, rates) VALUES ('price_crash', 'operator', $1, $2, $3)`,
    [PROVIDER, MODEL, JSON.stringify({ base, tiers: [], windows: [], unbounded: [] })],
  );
  token = product.dev().operator.api_token;
  await api(product, 'PUT', `/api/companies/${COMPANY}`, { token, body: { plan: 'business' } });
  const body = { company: { per_day_usd: Number(CAP_CALLS) / 100, per_month_usd: 100 } };
  const headers = { 'x-ownkey-company': COMPANY };
  expect(await api(product, 'PUT', '/api/caps', { token, headers, body })).toMatchObject({ status: 200 });
  await fetch(`${product.dev().sandbox.url}/_calls`, { method: 'DELETE' });
  const settings = await sandboxSettings(product);
  keepers = workers.map((_, place) => keepWorker(place, settings));
  expect(await waitUntil(() => workers.every((worker) => worker !== null), 30_000)).toBe(true);
});
afterAll(async () => {
  run.stopping = true;
  for (const worker of workers) worker?.kill();
  await Promise.all(keepers);
  await product.stop();
});

/** Starts a worker in the place of one that ended, at once, for as long as the test runs. */
async function keepWorker(place: number, settings: Record<string, string>): Promise<void> {
  while (!run.stopping) {
    const worker = await startBareWorker(product, settings);
    if (run.stopping) worker?.kill();
    workers[place] = worker;
    await worker?.ended;
    workers[place] = null;
  }
}

/** One call to one of the workers that run; null when there is none, or its connection broke. */
async function call(stream: boolean): Promise<{ status: number; id: string | null } | null> {
  const running = workers.filter((worker) => worker !== null);
  const worker = running[Math.floor(Math.random() * running.length)];
  if (worker === undefined) return null;
  const headers = { authorization: `Bearer ${token}`, 'x-ownkey-company': COMPANY, 'content-type': 'application/json' };
  const body = JSON.stringify({
    model: `${PROVIDER}/${MODEL}`,
    max_tokens: 8,
    stream,
    messages: [{ role: 'user', content: 'Say hello.' }],
  });
  try {
    const response = await fetch(`${worker.url}/v1/chat/completions`, { method: 'POST', headers, body });
    await response.text();
    return { status: response.status, id: response.headers.get('x-ownkey-request-id') };
  } catch {
    return null;
  }
}

/** Kills a worker, or now and then the database; what comes in its place comes while the next calls run. */
async function kill(round: number): Promise<void> {
  if (round % 10 !== 9) {
    workers[round % WORKERS]?.kill();
    return;
  }
  const before = pidOfDatabase();
  process.kill(before, 'SIGKILL');
  await expect.poll(() => ![before, 0].includes(pidOfDatabase()), { timeout: 30_000, interval: 25 }).toBe(true);
}

/** 0 while the file is being replaced. */
function pidOfDatabase(): number {
  try {
    return product.dev().pids.database;
  } catch {
    return 0;
  }
}

test('through 100 kills of workers and of the database no cap is passed, nothing settled is lost, and every call has its row', {
  timeout: 240_000,
}, async () => {
  const answered: string[] = [];
  const statuses = new Map<number | null, number>();
  const callers = Array.from({ length: CALLERS }, async (_, i) => {
    for (let calls = 0; run.killing; calls++) {
      const answer = await call((calls + i) % 3 === 0);
      const status = answer?.status ?? null;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (answer?.status === 200 && answer.id !== null) answered.push(answer.id);
      // Nobody to ask: the processes that start get the processor.
      if (answer === null) await new Promise((resolve) => setImmediate(resolve));
    }
  });
  const told = (): number => (statuses.get(200) ?? 0) + (statuses.get(402) ?? 0);
  for (let round = 0; round < ROUNDS; round++) {
    // A random moment in what is going on, whatever the speed of the machine.
    const until = told() + 1 + Math.floor(Math.random() * 12);
    await expect.poll(() => told() >= until, { timeout: 30_000, interval: 5 }).toBe(true);
    await kill(round);
  }
  run.killing = false;
  await Promise.all(callers);
  expect([...statuses.keys()].filter((status) => ![200, 402, 503, null].includes(status))).toEqual([]);

  await expect.poll(() => workers.every((worker) => worker !== null), { timeout: 30_000 }).toBe(true);
  // A minute passes: what killed workers held is booked at its worst case.
  await rowsOf(product.directory, `UPDATE reservations SET lease_until = now() - interval '1 second'`);
  const open = () => rowsOf(product.directory, `SELECT id FROM requests WHERE state = 'reserved'`);
  await expect.poll(open, { timeout: 60_000 }).toEqual([]);
  // What is left of the cap is used up, to the last call.
  for (let status: number | null = 200; status !== 402; ) {
    status = (await call(false))?.status ?? null;
    expect([200, 402]).toContain(status);
  }

  const [sums] = await rowsOf<Record<string, string>>(
    product.directory,
    `SELECT count(*) FILTER (WHERE r.state IN ('settled', 'expired'))::text AS calls,
         sum(r.cost_nano_usd)::text AS cost,
         count(*) FILTER (WHERE r.state = 'expired')::text AS expired,
         (SELECT settled::text FROM meters m WHERE m.company_id = c.id AND m.meter = '' AND m.kind = 'month') AS settled,
         (SELECT reserved::text FROM meters m WHERE m.company_id = c.id AND m.meter = '' AND m.kind = 'month') AS held,
         (SELECT sum(cost_nano_usd)::text FROM usage_hourly u WHERE u.company_id = c.id) AS rolled_up
       FROM companies c JOIN requests r ON r.company_id = c.id AND r.kind = 'call' WHERE c.external_id = $1 GROUP BY c.id`,
    [COMPANY],
  );
  const seen = await generationsSeen();
  // Nothing is lost or counted twice: rows, the sum that caps are checked against, and the sums of analytics are one number.
  expect(sums).toMatchObject({ settled: sums?.cost, rolled_up: sums?.cost, held: '0' });
  expect(BigInt(sums?.cost ?? 0)).toBe(CAP_CALLS * COST_NANO_USD);
  // What the provider saw is within the cap by its own count, and has its rows.
  expect(BigInt(seen)).toBeLessThanOrEqual(CAP_CALLS);
  expect(seen).toBeLessThanOrEqual(Number(sums?.calls));
  expect(seen).toBeGreaterThanOrEqual(answered.length);
  const rows = await rowsOf(
    product.directory,
    `SELECT count(*)::int AS n FROM requests WHERE id = ANY ($1) AND state IN ('settled', 'expired') AND cost_nano_usd = $2`,
    [answered, COST_NANO_USD.toString()],
  );
  expect(rows).toEqual([{ n: answered.length }]);
  // The kills hit calls in flight, or this shows nothing.
  expect(Number(sums?.expired)).toBeGreaterThan(0);
});

/** The sandbox is never killed: its own count of what it was asked to generate. */
async function generationsSeen(): Promise<number> {
  const response = await fetch(`${product.dev().sandbox.url}/_calls`);
  const { data }: { data: { path: string }[] } = JSON.parse(await response.text());
  return data.filter(({ path }) => path.endsWith('/chat/completions')).length;
}
