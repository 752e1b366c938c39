import type { Limit } from '@ownkey/contract/spend';
import { describe, expect, test } from 'vitest';
import { day, holdOf, month, settlement, today, useLedger } from '../../../../tests/kit/ledger.ts';
import { quiet } from '../../../../tests/kit/quiet-log.ts';
import { seedCompany } from '../../../../tests/kit/worker-rows.ts';
import { sqlOf } from '../database.ts';
import { PostgresLedger } from './postgres-ledger.ts';

const kit = useLedger();

describe('a cap', () => {
  test('admits up to its very last unit and refuses the next, naming itself', async () => {
    for (let calls = 0; calls < 3; calls++) expect((await kit.ask({ limits: [day(30n)] })).outcome).toBe('ok');
    const refused = await kit.ask({ limits: [day(30n), month(1000n)], reservedNanoUsd: 1n });
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
      (await kit.owner.query('SELECT count(*)::int AS n FROM requests WHERE company_id = $1', [kit.companyId])).rows,
    ).toEqual([{ n: 3 }]);
  });

  test('counts what is held and what is spent alike, and gives back what was held too much', async () => {
    const hold = holdOf(await kit.ask({ limits: [day(15n)] }));
    expect((await kit.ask({ limits: [day(15n)] })).outcome).toBe('refused');
    await kit.ledger.settle(hold, settlement(4n));
    expect(await kit.meters()).toMatchObject({ [`/day/${today()}`]: { settled: 4, reserved: 0 } });
    expect((await kit.ask({ limits: [day(15n)] })).outcome).toBe('ok');
  });

  test('on one request, on a month, on a user and on the company each refuse alone', async () => {
    const cases: [Limit[], string, string][] = [
      [[{ meter: '', kind: 'request', cap: 9n }, day(100n)], 'request', ''],
      [[day(100n), month(9n)], 'month', ''],
      [[day(100n), day(9n, 'usr_1')], 'day', 'usr_1'],
      [[day(9n), day(100n, 'usr_1')], 'day', ''],
    ];
    for (const [limits, kind, meter] of cases) {
      expect(await kit.ask({ userId: 'usr_1', limits })).toMatchObject({
        outcome: 'refused',
        refusal: { kind, meter },
      });
    }
    expect(Object.values(await kit.meters()).every(({ settled, reserved }) => settled === 0 && reserved === 0)).toBe(
      true,
    );
  });

  test('of zero is a pause: it stops what has no price too, and no list of models', async () => {
    expect(await kit.ask({ limits: [day(0n)], reservedNanoUsd: 0n })).toMatchObject({ outcome: 'refused' });
    expect(await kit.ask({ limits: [day(0n)], reservedNanoUsd: 0n, kind: 'models' })).toMatchObject({ outcome: 'ok' });
  });

  test('that is reached does not stop calls that cost nothing known', async () => {
    holdOf(await kit.ask({ limits: [day(10n)] }));
    expect((await kit.ask({ limits: [day(10n)], reservedNanoUsd: 0n })).outcome).toBe('ok');
  });

  test('raised for some days counts as raised in these days alone', async () => {
    const raised = (from: string, until: string): Limit => ({ ...day(5n), raised: { to: 10n, from, until } });
    await kit.setClock('2031-03-10 12:00Z');
    expect((await kit.ask({ limits: [raised('2031-03-11', '2031-03-12')] })).outcome).toBe('refused');
    expect((await kit.ask({ limits: [raised('2031-03-08', '2031-03-09')] })).outcome).toBe('refused');
    expect((await kit.ask({ limits: [raised('2031-03-09', '2031-03-10')] })).outcome).toBe('ok');
  });

  test('holds through a clock that jumps back and forth: each day keeps its own sum', async () => {
    for (const [at, outcome] of [
      ['2031-05-02 10:00Z', 'ok'],
      ['2031-05-01 10:00Z', 'ok'],
      ['2031-05-02 11:00Z', 'refused'],
      ['2031-05-01 11:00Z', 'refused'],
      ['2031-05-03 00:00Z', 'ok'],
    ] as const) {
      await kit.setClock(at);
      expect((await kit.ask({ limits: [day(10n)] })).outcome).toBe(outcome);
    }
  });

  test('of which less than asked for is left grants what is left, down to the least that was named', async () => {
    const open = { reservedNanoUsd: 100n, leastNanoUsd: 20n };
    expect(holdOf(await kit.ask({ limits: [day(130n)], ...open })).grantedNanoUsd).toBe(100n);
    const second = holdOf(await kit.ask({ limits: [day(130n), month(1_000n)], ...open }));
    expect(second).toMatchObject({ grantedNanoUsd: 30n, remainingNanoUsd: 0n });
    expect(await kit.ask({ limits: [day(130n)], ...open })).toMatchObject({ outcome: 'refused' });
    const { rows } = await kit.owner.query('SELECT reserved_nano_usd FROM requests WHERE id = $1', [second.id]);
    expect(rows).toEqual([{ reserved_nano_usd: '30' }]);
  });

  test('that was changed between the decision and the reservation is decided again', async () => {
    const old = await kit.reservation({ limits: [day(100n)] });
    await kit.owner.query(
      `INSERT INTO caps (company_id, subject, period, amount_nano_usd) VALUES ($1, 'company', 'day', 0)`,
      [kit.companyId],
    );
    expect(await kit.ledger.reserve(old)).toEqual({ outcome: 'changed' });
  });

  test('leaves the smallest remainder of its period, and none where there is no cap', async () => {
    expect(holdOf(await kit.ask({ limits: [day(100n), month(50n)] })).remainingNanoUsd).toBe(40n);
    expect(holdOf(await kit.ask({ limits: [{ meter: '', kind: 'request', cap: 50n }] })).remainingNanoUsd).toBeNull();
  });

  test('counts refusals', async () => {
    await kit.ask({ limits: [day(1n)] });
    const { rows } = await kit.owner.query(`SELECT refused FROM meters WHERE company_id = $1 AND kind = 'day'`, [
      kit.companyId,
    ]);
    expect(rows).toEqual([{ refused: '1' }]);
  });
});

describe('a group', () => {
  test('fills a cap to the last unit, in order, whatever its members cost; nobody pays for a member that is refused', async () => {
    const costs = [7n, 9n, 4n, 5n, 1n];
    const calls = await Promise.all(
      costs.map((reservedNanoUsd) => kit.reservation({ reservedNanoUsd, limits: [day(17n)] })),
    );
    const answers = await Promise.all(calls.map((call) => kit.ledger.reserve(call)));
    expect(answers.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'refused', 'refused', 'ok']);
    expect(await kit.meters()).toMatchObject({ [`/day/${today()}`]: { settled: 0, reserved: 17 } });
  });

  test('of several companies counts each for itself', async () => {
    const other = await seedCompany(kit.owner);
    const calls = await Promise.all(
      [kit.companyId, other, kit.companyId, other].map((id) => kit.reservation({ companyId: id, limits: [day(10n)] })),
    );
    const answers = await Promise.all(calls.map((call) => kit.ledger.reserve(call)));
    expect(answers.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'refused', 'refused']);
  });

  test('repeated after its answer was lost counts once', async () => {
    let lost = false;
    const losing = new PostgresLedger({
      sql: {
        query: async (text, values) => {
          const result = await sqlOf(kit.pool).query<never>(text, values);
          if (lost) return result;
          lost = true;
          throw new Error('Connection terminated unexpectedly');
        },
      },
      workerId: 'w2',
      log: quiet,
    });
    expect(holdOf(await losing.reserve(await kit.reservation({ limits: [day(10n)] }))).grantedNanoUsd).toBe(10n);
    expect(await kit.meters()).toMatchObject({ [`/day/${today()}`]: { reserved: 10 } });
    await losing.close(50);
  });

  test('touching two companies in opposite orders from many connections waits for nobody in a circle', async () => {
    const others = await Promise.all(Array.from({ length: 6 }, () => seedCompany(kit.owner)));
    const ledgers = Array.from(
      { length: 4 },
      (_, i) => new PostgresLedger({ sql: sqlOf(kit.pool), workerId: `w${i}`, log: quiet }),
    );
    const rounds = ledgers.map(async (one, i) => {
      for (let round = 0; round < 15; round++) {
        const ids = i % 2 === 0 ? others : others.toReversed();
        const calls = await Promise.all(
          ids.map((id) => kit.reservation({ companyId: id, userId: 'usr_1', limits: [day(10_000n)] })),
        );
        const holds = (await Promise.all(calls.map((call) => one.reserve(call)))).map(holdOf);
        await Promise.all(holds.toReversed().map((hold) => one.settle(hold, settlement(1n))));
        expect(one.unsettled).toBe(0);
      }
    });
    await Promise.all(rounds);
    const { rows } = await kit.owner.query(
      `SELECT sum(settled)::int AS settled, sum(reserved)::int AS reserved FROM meters WHERE meter = '' AND kind = 'day' AND company_id = ANY ($1)`,
      [others],
    );
    expect(rows).toEqual([{ settled: 4 * 15 * 6, reserved: 0 }]);
    await Promise.all(ledgers.map((one) => one.close(50)));
  });
});
