import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { quiet } from '../../../../tests/kit/quiet-log.ts';
import { seedCompany } from '../../../../tests/kit/worker-rows.ts';
import type { Sql } from '../access/load.ts';
import { sqlOf } from '../database.ts';
import type { Reservation, Settlement } from './ledger.ts';
import { PostgresLedger } from './postgres-ledger.ts';

const database = useTestDatabase();
const ledgers: PostgresLedger[] = [];
let owner: Client;
let pool: Pool;
let companyId: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  pool = new Pool({ connectionString: database.workerUrl, max: 4 });
  companyId = await seedCompany(owner);
});
afterEach(async () => {
  for (const ledger of ledgers.splice(0)) await ledger.close(50);
});
afterAll(() => pool.end());

function openLedger(sql: Sql = sqlOf(pool), more: object = {}): PostgresLedger {
  const ledger = new PostgresLedger({ sql, workerId: 'w1', log: quiet, retryMs: 5, ...more });
  ledgers.push(ledger);
  return ledger;
}

async function versions(): Promise<{ configVersion: number; globalVersion: number }> {
  const { rows } = await owner.query(
    'SELECT c.config_version::int AS company, i.config_version::int AS installation FROM ownkey.companies c, ownkey.installation i WHERE c.id = $1',
    [companyId],
  );
  return { configVersion: rows[0].company, globalVersion: rows[0].installation };
}

async function reservation(more: Partial<Reservation> = {}): Promise<Reservation> {
  return {
    id: newId('request'),
    companyId,
    ...(await versions()),
    userId: null,
    tokenId: 'tok_1',
    actor: 'tok_1',
    account: null,
    operation: 'mail.draft',
    kind: 'call',
    wire: 'openai-chat',
    streaming: false,
    provider: 'acme',
    slug: 'acme',
    model: 'm-1',
    keyId: 'key_1',
    keyVersion: 1,
    last4: 'wxyz',
    keySource: 'own',
    fallback: null,
    priceId: null,
    reservedNanoUsd: 0n,
    leastNanoUsd: null,
    limits: [],
    ...more,
  };
}

const settlement: Settlement = {
  state: 'settled',
  httpStatus: 200,
  errorCode: null,
  providerRequestId: 'up-1',
  usage: { input: 12, cacheRead: 4, cacheWrite5m: 0, cacheWrite1h: 0, output: 7, reasoning: 2 },
  basis: 'reported',
  costNanoUsd: 42n,
  priceId: null,
  latencyMs: 100,
  ttfbMs: 50,
};

async function row(id: string) {
  const { rows } = await owner.query('SELECT * FROM ownkey.requests WHERE id = $1', [id]);
  return rows[0];
}

async function held(ledger: PostgresLedger, wanted: Reservation) {
  const answer = await ledger.reserve(wanted);
  if (answer.outcome !== 'ok') throw new Error(`reserve answered ${answer.outcome}`);
  return answer.hold;
}

test('a reservation is committed, with its audit event, before reserve() resolves', async () => {
  const wanted = await reservation();
  await held(openLedger(), wanted);
  expect(await row(wanted.id)).toMatchObject({
    state: 'reserved',
    model: 'm-1',
    key_id: 'key_1',
    operation: 'mail.draft',
    worker_id: 'w1',
  });
  const events = await owner.query('SELECT kind FROM ownkey.audit_events WHERE request_id = $1', [wanted.id]);
  expect(events.rows).toEqual([{ kind: 'call.started' }]);
});

test('a settled call has its tokens, cost and times', async () => {
  const ledger = openLedger();
  const wanted = await reservation();
  await ledger.settle(await held(ledger, wanted), settlement);
  expect(await row(wanted.id)).toMatchObject({
    state: 'settled',
    http_status: 200,
    input_tokens: '12',
    cached_tokens: '4',
    output_tokens: '7',
    reasoning_tokens: '2',
    cost_nano_usd: '42',
    cost_basis: 'reported',
    latency_ms: 100,
    ttfb_ms: 50,
    provider_request_id: 'up-1',
  });
  expect(ledger.open).toBe(0);
});

test('a decision on an older configuration leaves no row', async () => {
  const wanted = await reservation();
  await owner.query('UPDATE ownkey.companies SET ai_enabled = false WHERE id = $1', [companyId]);
  await owner.query('UPDATE ownkey.companies SET ai_enabled = true WHERE id = $1', [companyId]);
  expect(await openLedger().reserve(wanted)).toEqual({ outcome: 'changed' });
  expect(await row(wanted.id)).toBeUndefined();
});

test('a company that is gone is missing', async () => {
  const wanted = await reservation({ companyId: 'co_gone' });
  expect(await openLedger().reserve(wanted)).toEqual({ outcome: 'missing' });
});

test('calls that come at once share commits, and each gets its own answer', async () => {
  const statements: number[] = [];
  const counting: Sql = {
    query: (text, values) => {
      statements.push(JSON.parse(String(values[0])).length);
      return sqlOf(pool).query(text, values);
    },
  };
  const ledger = openLedger(counting);
  const good = await Promise.all(Array.from({ length: 20 }, () => reservation()));
  const gone = await reservation({ companyId: 'co_gone' });
  const answers = await Promise.all(
    [...good.slice(0, 10), gone, ...good.slice(10)].map((call) => ledger.reserve(call)),
  );
  expect(answers.filter((answer) => answer.outcome === 'ok')).toHaveLength(20);
  expect(answers[10]).toEqual({ outcome: 'missing' });
  expect(statements).toEqual([21]);
});

test('a member that the database cannot store fails alone', async () => {
  const ledger = openLedger();
  const [a, bad, b] = await Promise.all([reservation(), reservation({ operation: 'nul \u0000' }), reservation()]);
  const answers = await Promise.allSettled([a, bad, b].map((call) => ledger.reserve(call)));
  expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await row(a.id)).toMatchObject({ state: 'reserved' });
  expect(await row(b.id)).toMatchObject({ state: 'reserved' });
});

test('a commit whose answer was lost is repeated and makes one row', async () => {
  let lost = false;
  const losing: Sql = {
    query: async (text, values) => {
      const result = await sqlOf(pool).query<never>(text, values);
      if (!lost) {
        lost = true;
        throw new Error('Connection terminated unexpectedly');
      }
      return result;
    },
  };
  const wanted = await reservation();
  expect(await held(openLedger(losing), wanted)).toMatchObject({ id: wanted.id });
  const { rows } = await owner.query('SELECT count(*)::int AS n FROM ownkey.requests WHERE id = $1', [wanted.id]);
  expect(rows).toEqual([{ n: 1 }]);
});

test('a database that does not answer refuses the reservation', async () => {
  const down: Sql = { query: () => Promise.reject(new Error('connect ECONNREFUSED')) };
  await expect(openLedger(down).reserve(await reservation())).rejects.toMatchObject({ code: 'ledger.unavailable' });
  const silent: Sql = { query: () => new Promise(() => {}) };
  await expect(openLedger(silent, { reserveTimeoutMs: 20 }).reserve(await reservation())).rejects.toMatchObject({
    code: 'ledger.unavailable',
  });
});

test('a reservation whose statement outlives its caller is given back after it, not before', async () => {
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const ledger = openLedger(
    {
      query: async (text, values) => {
        if (text.includes('reserve(')) await held;
        return sqlOf(pool).query(text, values);
      },
    },
    { reserveTimeoutMs: 20 },
  );
  const wanted = await reservation();
  await expect(ledger.reserve(wanted)).rejects.toMatchObject({ code: 'ledger.unavailable' });
  await expect.poll(() => ledger.unsettled).toBe(0);
  goOn();
  await expect.poll(async () => (await row(wanted.id))?.state).toBe('released');
});

test('a settlement is tried until the database takes it', async () => {
  let fails = 0;
  const wanted = await reservation();
  const ledger = openLedger({
    query: (text, values) => {
      if (text.includes('settle') && fails < 5) {
        fails += 1;
        return Promise.reject(new Error('Connection terminated unexpectedly'));
      }
      return sqlOf(pool).query(text, values);
    },
  });
  await ledger.settle(await held(ledger, wanted), settlement);
  expect(ledger.unsettled).toBe(1);
  await ledger.close(5_000);
  expect(fails).toBe(5);
  expect(ledger.unsettled).toBe(0);
  expect(await row(wanted.id)).toMatchObject({ state: 'settled' });
});

test('settling the same call twice counts it once', async () => {
  const ledger = openLedger();
  const wanted = await reservation({ model: 'm-twice' });
  const hold = await held(ledger, wanted);
  await Promise.all([ledger.settle(hold, settlement), ledger.settle(hold, settlement)]);
  await ledger.settle(hold, settlement);
  const { rows } = await owner.query(
    `SELECT requests::int, output_tokens::int FROM ownkey.usage_hourly WHERE model = 'm-twice'`,
  );
  expect(rows).toEqual([{ requests: 1, output_tokens: 7 }]);
});

test('an open reservation is renewed while its worker lives, and one of a dead worker is booked as estimated', async () => {
  const living = openLedger(sqlOf(pool), { renewEveryMs: 10 });
  const [kept, lost] = await Promise.all([reservation(), reservation({ reservedNanoUsd: 5n })]);
  await held(living, kept);
  await held(openLedger(), lost);
  await owner.query(`UPDATE ownkey.reservations SET lease_until = now() - interval '1 second' WHERE id = ANY($1)`, [
    [kept.id, lost.id],
  ]);
  const lease = async () =>
    (await owner.query('SELECT lease_until > now() AS held FROM ownkey.reservations WHERE id = $1', [kept.id])).rows[0];
  await expect.poll(lease).toEqual({ held: true });
  openLedger(sqlOf(pool), { expireEveryMs: 10 });
  await expect.poll(async () => (await row(lost.id)).state).toBe('expired');
  expect(await row(lost.id)).toMatchObject({ cost_nano_usd: '5', cost_basis: 'estimated', error_code: 'call.lost' });
  expect(await row(kept.id)).toMatchObject({ state: 'reserved' });
});
