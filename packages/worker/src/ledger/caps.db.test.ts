import { newId } from '@ownkey/contract/ids';
import type { Limit } from '@ownkey/contract/spend';
import type { Client } from 'pg';
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { quiet } from '../../../../tests/kit/quiet-log.ts';
import { seedCompany } from '../../../../tests/kit/worker-rows.ts';
import { sqlOf } from '../database.ts';
import type { Hold, Reservation, ReserveOutcome, Settlement } from './ledger.ts';
import { PostgresLedger } from './postgres-ledger.ts';

const database = useTestDatabase();
let owner: Client;
let pool: Pool;
let ledger: PostgresLedger;
let companyId: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  pool = new Pool({ connectionString: database.workerUrl, max: 4 });
});
afterAll(() => pool.end());
beforeEach(async () => {
  ledger = new PostgresLedger({ sql: sqlOf(pool), workerId: 'w1', log: quiet, expireEveryMs: 3_600_000 });
  companyId = await seedCompany(owner);
});
afterEach(async () => {
  await ledger.close(50);
  await setClock(null);
});

/** The ledger's clock: a moment, or null for the real one. */
async function setClock(at: string | null): Promise<void> {
  const body = at === null ? 'SELECT now()' : `SELECT '${at}'::timestamptz`;
  await owner.query(
    `CREATE OR REPLACE FUNCTION ledger_now() RETURNS timestamptz LANGUAGE sql STABLE SET search_path = ownkey, pg_temp AS $$ ${body} $$`,
  );
}

const day = (cap: bigint, meter = ''): Limit => ({ meter, kind: 'day', cap });
const month = (cap: bigint, meter = ''): Limit => ({ meter, kind: 'month', cap });

async function reservation(more: Partial<Reservation> = {}): Promise<Reservation> {
  const { rows } = await owner.query(
    'SELECT c.config_version::int AS company, i.config_version::int AS installation FROM companies c, installation i WHERE c.id = $1',
    [more.companyId ?? companyId],
  );
  return {
    id: newId('request'),
    companyId,
    configVersion: rows[0].company,
    globalVersion: rows[0].installation,
    userId: null,
    tokenId: 'tok_1',
    actor: 'tok_1',
    account: null,
    operation: null,
    kind: 'call',
    wire: 'openai-chat',
    streaming: false,
    provider: 'acme',
    slug: 'acme',
    model: 'm-1',
    keyId: 'key_1',
    keyVersion: 1,
    last4: null,
    keySource: 'own',
    fallbackReason: null,
    priceId: 'price_1',
    reservedNanoUsd: 10n,
    leastNanoUsd: null,
    limits: [],
    ...more,
  };
}

const ask = async (more: Partial<Reservation> = {}) => ledger.reserve(await reservation(more));

function holdOf(outcome: ReserveOutcome): Hold {
  if (outcome.outcome !== 'ok') throw new Error(`reserve answered ${JSON.stringify(outcome.outcome)}`);
  return outcome.hold;
}

function settlement(costNanoUsd: bigint | null, state: 'settled' | 'released' = 'settled'): Settlement {
  return {
    state,
    httpStatus: 200,
    errorCode: null,
    providerRequestId: null,
    usage: null,
    basis: 'reported',
    costNanoUsd,
    priceId: null,
    latencyMs: 1,
    ttfbMs: 1,
  };
}

async function meters(): Promise<Record<string, { settled: number; reserved: number }>> {
  const { rows } = await owner.query(
    `SELECT meter || '/' || kind || '/' || to_char(start AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS name, settled::int, reserved::int
     FROM meters WHERE company_id = $1 AND kind IN ('day', 'month') ORDER BY 1`,
    [companyId],
  );
  return Object.fromEntries(rows.map(({ name, settled, reserved }) => [name, { settled, reserved }]));
}

const today = () => new Date().toISOString().slice(0, 10);

describe('a cap', () => {
  test('admits up to its very last unit and refuses the next, naming itself', async () => {
    for (let calls = 0; calls < 3; calls++) expect((await ask({ limits: [day(30n)] })).outcome).toBe('ok');
    const refused = await ask({ limits: [day(30n), month(1000n)], reservedNanoUsd: 1n });
    const tomorrow = new Date(Date.parse(today()) + 86_400_000).toISOString().slice(0, 10);
    expect(refused).toEqual({
      outcome: 'refused',
      refusal: {
        meter: '',
        kind: 'day',
        cap: 30n,
        used: 30n,
        remaining: 0n,
        resetsAt: `${tomorrow}T00:00:00Z`,
        seconds: null,
      },
    });
    expect(
      (await owner.query('SELECT count(*)::int AS n FROM requests WHERE company_id = $1', [companyId])).rows,
    ).toEqual([{ n: 3 }]);
  });

  test('counts what is held and what is spent alike, and gives back what was held too much', async () => {
    const hold = holdOf(await ask({ limits: [day(15n)] }));
    expect((await ask({ limits: [day(15n)] })).outcome).toBe('refused');
    await ledger.settle(hold, settlement(4n));
    expect(await meters()).toMatchObject({ [`/day/${today()}`]: { settled: 4, reserved: 0 } });
    expect((await ask({ limits: [day(15n)] })).outcome).toBe('ok');
  });

  test('on one request, on a month, on a user and on the company each refuse alone', async () => {
    const cases: [Limit[], string, string][] = [
      [[{ meter: '', kind: 'request', cap: 9n }, day(100n)], 'request', ''],
      [[day(100n), month(9n)], 'month', ''],
      [[day(100n), day(9n, 'usr_1')], 'day', 'usr_1'],
      [[day(9n), day(100n, 'usr_1')], 'day', ''],
    ];
    for (const [limits, kind, meter] of cases) {
      expect(await ask({ userId: 'usr_1', limits })).toMatchObject({ outcome: 'refused', refusal: { kind, meter } });
    }
    expect(Object.values(await meters()).every(({ settled, reserved }) => settled === 0 && reserved === 0)).toBe(true);
  });

  test('of zero is a pause: it stops what has no price too, and no list of models', async () => {
    expect(await ask({ limits: [day(0n)], reservedNanoUsd: 0n })).toMatchObject({ outcome: 'refused' });
    expect(await ask({ limits: [day(0n)], reservedNanoUsd: 0n, kind: 'models' })).toMatchObject({ outcome: 'ok' });
  });

  test('that is reached does not stop calls that cost nothing known', async () => {
    holdOf(await ask({ limits: [day(10n)] }));
    expect((await ask({ limits: [day(10n)], reservedNanoUsd: 0n })).outcome).toBe('ok');
  });

  test('raised for some days counts as raised in these days alone', async () => {
    const raised = (from: string, until: string): Limit => ({ ...day(5n), raised: { to: 10n, from, until } });
    await setClock('2031-03-10 12:00Z');
    expect((await ask({ limits: [raised('2031-03-11', '2031-03-12')] })).outcome).toBe('refused');
    expect((await ask({ limits: [raised('2031-03-08', '2031-03-09')] })).outcome).toBe('refused');
    expect((await ask({ limits: [raised('2031-03-09', '2031-03-10')] })).outcome).toBe('ok');
  });

  test('holds through a clock that jumps back and forth: each day keeps its own sum', async () => {
    for (const [at, outcome] of [
      ['2031-05-02 10:00Z', 'ok'],
      ['2031-05-01 10:00Z', 'ok'],
      ['2031-05-02 11:00Z', 'refused'],
      ['2031-05-01 11:00Z', 'refused'],
      ['2031-05-03 00:00Z', 'ok'],
    ] as const) {
      await setClock(at);
      expect((await ask({ limits: [day(10n)] })).outcome).toBe(outcome);
    }
  });

  test('of which less than asked for is left grants what is left, down to the least that was named', async () => {
    const open = { reservedNanoUsd: 100n, leastNanoUsd: 20n };
    expect(holdOf(await ask({ limits: [day(130n)], ...open })).grantedNanoUsd).toBe(100n);
    const second = holdOf(await ask({ limits: [day(130n), month(1_000n)], ...open }));
    expect(second).toMatchObject({ grantedNanoUsd: 30n, remainingNanoUsd: 0n });
    expect(await ask({ limits: [day(130n)], ...open })).toMatchObject({ outcome: 'refused' });
    const { rows } = await owner.query('SELECT reserved_nano_usd FROM requests WHERE id = $1', [second.id]);
    expect(rows).toEqual([{ reserved_nano_usd: '30' }]);
  });

  test('that was changed between the decision and the reservation is decided again', async () => {
    const old = await reservation({ limits: [day(100n)] });
    await owner.query(
      `INSERT INTO caps (company_id, subject, period, amount_nano_usd) VALUES ($1, 'company', 'day', 0)`,
      [companyId],
    );
    expect(await ledger.reserve(old)).toEqual({ outcome: 'changed' });
  });

  test('leaves the smallest remainder of its period, and none where there is no cap', async () => {
    expect(holdOf(await ask({ limits: [day(100n), month(50n)] })).remainingNanoUsd).toBe(40n);
    expect(holdOf(await ask({ limits: [{ meter: '', kind: 'request', cap: 50n }] })).remainingNanoUsd).toBeNull();
  });

  test('counts refusals', async () => {
    await ask({ limits: [day(1n)] });
    const { rows } = await owner.query(`SELECT refused FROM meters WHERE company_id = $1 AND kind = 'day'`, [
      companyId,
    ]);
    expect(rows).toEqual([{ refused: '1' }]);
  });
});

describe('a group', () => {
  test('fills a cap to the last unit, in order, whatever its members cost; nobody pays for a member that is refused', async () => {
    const costs = [7n, 9n, 4n, 5n, 1n];
    const calls = await Promise.all(
      costs.map((reservedNanoUsd) => reservation({ reservedNanoUsd, limits: [day(17n)] })),
    );
    const answers = await Promise.all(calls.map((call) => ledger.reserve(call)));
    expect(answers.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'refused', 'refused', 'ok']);
    expect(await meters()).toMatchObject({ [`/day/${today()}`]: { settled: 0, reserved: 17 } });
  });

  test('of several companies counts each for itself', async () => {
    const other = await seedCompany(owner);
    const calls = await Promise.all(
      [companyId, other, companyId, other].map((id) => reservation({ companyId: id, limits: [day(10n)] })),
    );
    const answers = await Promise.all(calls.map((call) => ledger.reserve(call)));
    expect(answers.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'refused', 'refused']);
  });

  test('repeated after its answer was lost counts once', async () => {
    let lost = false;
    const losing = new PostgresLedger({
      sql: {
        query: async (text, values) => {
          const result = await sqlOf(pool).query<never>(text, values);
          if (lost) return result;
          lost = true;
          throw new Error('Connection terminated unexpectedly');
        },
      },
      workerId: 'w2',
      log: quiet,
    });
    expect(holdOf(await losing.reserve(await reservation({ limits: [day(10n)] }))).grantedNanoUsd).toBe(10n);
    expect(await meters()).toMatchObject({ [`/day/${today()}`]: { reserved: 10 } });
    await losing.close(50);
  });

  test('touching two companies in opposite orders from many connections waits for nobody in a circle', async () => {
    const others = await Promise.all(Array.from({ length: 6 }, () => seedCompany(owner)));
    const ledgers = Array.from(
      { length: 4 },
      (_, i) => new PostgresLedger({ sql: sqlOf(pool), workerId: `w${i}`, log: quiet }),
    );
    const rounds = ledgers.map(async (one, i) => {
      for (let round = 0; round < 15; round++) {
        const ids = i % 2 === 0 ? others : others.toReversed();
        const calls = await Promise.all(
          ids.map((id) => reservation({ companyId: id, userId: 'usr_1', limits: [day(10_000n)] })),
        );
        const holds = (await Promise.all(calls.map((call) => one.reserve(call)))).map(holdOf);
        await Promise.all(holds.toReversed().map((hold) => one.settle(hold, settlement(1n))));
        expect(one.unsettled).toBe(0);
      }
    });
    await Promise.all(rounds);
    const { rows } = await owner.query(
      `SELECT sum(settled)::int AS settled, sum(reserved)::int AS reserved FROM meters WHERE meter = '' AND kind = 'day' AND company_id = ANY ($1)`,
      [others],
    );
    expect(rows).toEqual([{ settled: 4 * 15 * 6, reserved: 0 }]);
    await Promise.all(ledgers.map((one) => one.close(50)));
  });
});

describe('what a call cost', () => {
  test('goes to the day and month of its reservation, however late it is settled', async () => {
    await setClock('2031-03-31 23:59:59.9Z');
    const hold = holdOf(await ask({ userId: 'usr_1', limits: [day(10n), month(10n)] }));
    expect(hold.day).toBe('2031-03-31');
    await setClock('2031-04-01 00:00:00Z');
    // A new day and month: nothing of the old ones counts, and nothing was set back.
    const next = holdOf(await ask({ userId: 'usr_1', limits: [day(10n), month(10n)] }));
    expect(next.day).toBe('2031-04-01');
    await ledger.settle(hold, settlement(7n));
    await ledger.settle(next, settlement(3n));
    expect(await meters()).toEqual({
      '/day/2031-03-31': { settled: 7, reserved: 0 },
      '/day/2031-04-01': { settled: 3, reserved: 0 },
      '/month/2031-03-01': { settled: 7, reserved: 0 },
      '/month/2031-04-01': { settled: 3, reserved: 0 },
      'usr_1/day/2031-03-31': { settled: 7, reserved: 0 },
      'usr_1/day/2031-04-01': { settled: 3, reserved: 0 },
      'usr_1/month/2031-03-01': { settled: 7, reserved: 0 },
      'usr_1/month/2031-04-01': { settled: 3, reserved: 0 },
    });
  });

  test('beyond its reservation is booked in full, marked, and stops the next call', async () => {
    const hold = holdOf(await ask({ limits: [day(15n)] }));
    await ledger.settle(hold, settlement(20n));
    const { rows } = await owner.query('SELECT over_reservation, cost_nano_usd FROM requests WHERE id = $1', [hold.id]);
    expect(rows).toEqual([{ over_reservation: true, cost_nano_usd: '20' }]);
    expect(await ask({ limits: [day(15n)], reservedNanoUsd: 1n })).toMatchObject({
      outcome: 'refused',
      refusal: { used: 20n },
    });
  });

  test('is the worst case when its worker is gone, and the truth replaces it once', async () => {
    const hold = holdOf(await ask({ limits: [day(10n)] }));
    await owner.query(`UPDATE reservations SET lease_until = now() - interval '1 second'`);
    await owner.query('SELECT expire()');
    expect(await meters()).toMatchObject({ [`/day/${today()}`]: { settled: 10, reserved: 0 } });
    await ledger.settle(hold, settlement(4n));
    await ledger.settle(hold, settlement(9n));
    expect(await meters()).toMatchObject({ [`/day/${today()}`]: { settled: 4, reserved: 0 } });
  });

  test('that was released gives everything back', async () => {
    const hold = holdOf(await ask({ userId: 'usr_1', limits: [day(10n)] }));
    await ledger.settle(hold, settlement(null, 'released'));
    expect(Object.values(await meters()).every(({ settled, reserved }) => settled === 0 && reserved === 0)).toBe(true);
  });

  test('on a platform key draws credits, on an own key none', async () => {
    const credits: Limit = { meter: 'credits', kind: 'month', cap: 25n };
    const platform = { keySource: 'platform', limits: [credits] } as const;
    await ledger.settle(holdOf(await ask(platform)), settlement(10n));
    await ledger.settle(holdOf(await ask({ keySource: 'own' })), settlement(10n));
    expect((await ask(platform)).outcome).toBe('ok');
    expect(await ask(platform)).toMatchObject({ outcome: 'refused', refusal: { meter: 'credits', used: 20n } });
    expect((await ask({ keySource: 'own' })).outcome).toBe('ok');
  });
});

describe('limits of requests', () => {
  test('in a minute count calls whatever they cost, and begin anew with the minute', async () => {
    const limits: Limit[] = [{ meter: '', kind: 'minute', cap: 2n }];
    await setClock('2031-03-10 12:00:10Z');
    for (let calls = 0; calls < 2; calls++) expect((await ask({ limits, reservedNanoUsd: 0n })).outcome).toBe('ok');
    expect(await ask({ limits })).toMatchObject({ outcome: 'refused', refusal: { kind: 'minute', seconds: 50 } });
    await setClock('2031-03-10 12:01:00Z');
    expect((await ask({ limits })).outcome).toBe('ok');
  });

  test('running at once count until they are settled, released or lost', async () => {
    const limits: Limit[] = [{ meter: 'tok_1', kind: 'running', cap: 1n }];
    for (const end of ['settled', 'released', 'lost']) {
      const hold = holdOf(await ask({ limits, reservedNanoUsd: 0n }));
      expect(await ask({ limits })).toMatchObject({ outcome: 'refused', refusal: { kind: 'running', meter: 'tok_1' } });
      if (end === 'lost') {
        await owner.query(`UPDATE reservations SET lease_until = now() - interval '1 second'`);
        await owner.query('SELECT expire()');
      } else {
        await ledger.settle(hold, settlement(0n, end === 'settled' ? 'settled' : 'released'));
      }
    }
    expect((await ask({ limits })).outcome).toBe('ok');
  });
});

describe('an alert', () => {
  const alerts = async () =>
    (
      await owner.query(
        'SELECT kind, threshold, cause, silent FROM alerts WHERE company_id = $1 ORDER BY kind, threshold',
        [companyId],
      )
    ).rows;

  test('stands once per period and threshold, and the lower one is silent when both pass at once', async () => {
    const limits = [day(100n), month(1_000n)];
    await ledger.settle(holdOf(await ask({ limits })), settlement(79n));
    expect(await alerts()).toEqual([]);
    await ledger.settle(holdOf(await ask({ limits })), settlement(1n));
    expect(await alerts()).toEqual([{ kind: 'day', threshold: 80, cause: 'spent', silent: false }]);
    await ledger.settle(holdOf(await ask({ limits })), settlement(25n));
    await ledger.settle(holdOf(await ask({ limits: [day(1_000n)] })), settlement(1n));
    expect(await alerts()).toEqual([
      { kind: 'day', threshold: 80, cause: 'spent', silent: false },
      { kind: 'day', threshold: 100, cause: 'spent', silent: false },
    ]);
  });

  test('for both thresholds at once tells the higher', async () => {
    await ledger.settle(holdOf(await ask({ limits: [day(100n)] })), settlement(100n));
    expect(await alerts()).toEqual([
      { kind: 'day', threshold: 80, cause: 'spent', silent: true },
      { kind: 'day', threshold: 100, cause: 'spent', silent: false },
    ]);
  });

  test('that AI is paused follows a refusal close to the cap, not the refusal of one dear call', async () => {
    await ask({ limits: [day(100n)], reservedNanoUsd: 101n });
    expect(await alerts()).toEqual([]);
    await ledger.settle(holdOf(await ask({ limits: [day(100n)] })), settlement(85n));
    await ask({ limits: [day(100n)], reservedNanoUsd: 20n });
    expect(await alerts()).toEqual([{ kind: 'day', threshold: 80, cause: 'spent', silent: false }]);
    await ledger.settle(holdOf(await ask({ limits: [day(100n)] })), settlement(10n));
    await ask({ limits: [day(100n)], reservedNanoUsd: 6n });
    expect(await alerts()).toEqual([
      { kind: 'day', threshold: 80, cause: 'spent', silent: false },
      { kind: 'day', threshold: 100, cause: 'refused', silent: false },
    ]);
  });

  test('follows a cap that is lowered below what is spent, once', async () => {
    await ledger.settle(holdOf(await ask({ limits: [day(100n)] })), settlement(50n));
    for (let times = 0; times < 2; times++) {
      await owner.query(`SELECT meet_caps($1, 'usr_1', '[{"meter": "", "kind": "day", "cap": 40}]')`, [companyId]);
    }
    expect(await alerts()).toEqual([
      { kind: 'day', threshold: 80, cause: 'cap_lowered', silent: true },
      { kind: 'day', threshold: 100, cause: 'cap_lowered', silent: false },
    ]);
  });
});
