import type { Limit } from '@ownkey/contract/spend';
import { describe, expect, test } from 'vitest';
import { day, holdOf, month, settlement, today, useLedger } from '../../../../tests/kit/ledger.ts';

const kit = useLedger();

describe('what a call cost', () => {
  test('goes to the day and month of its reservation, however late it is settled', async () => {
    await kit.setClock('2031-03-31 23:59:59.9Z');
    const hold = holdOf(await kit.ask({ userId: 'usr_1', limits: [day(10n), month(10n)] }));
    expect(hold.day).toBe('2031-03-31');
    await kit.setClock('2031-04-01 00:00:00Z');
    // A new day and month: nothing of the old ones counts, and nothing was set back.
    const next = holdOf(await kit.ask({ userId: 'usr_1', limits: [day(10n), month(10n)] }));
    expect(next.day).toBe('2031-04-01');
    await kit.ledger.settle(hold, settlement(7n));
    await kit.ledger.settle(next, settlement(3n));
    expect(await kit.meters()).toEqual({
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
    const hold = holdOf(await kit.ask({ limits: [day(15n)] }));
    await kit.ledger.settle(hold, settlement(20n));
    const { rows } = await kit.owner.query('SELECT over_reservation, cost_nano_usd FROM requests WHERE id = $1', [
      hold.id,
    ]);
    expect(rows).toEqual([{ over_reservation: true, cost_nano_usd: '20' }]);
    expect(await kit.ask({ limits: [day(15n)], reservedNanoUsd: 1n })).toMatchObject({
      outcome: 'refused',
      refusal: { used: 20n },
    });
  });

  test('is the worst case when its worker is gone, and the truth replaces it once', async () => {
    const hold = holdOf(await kit.ask({ limits: [day(10n)] }));
    await kit.owner.query(`UPDATE reservations SET lease_until = now() - interval '1 second'`);
    await kit.owner.query('SELECT expire()');
    expect(await kit.meters()).toMatchObject({ [`/day/${today()}`]: { settled: 10, reserved: 0 } });
    await kit.ledger.settle(hold, settlement(4n));
    await kit.ledger.settle(hold, settlement(9n));
    expect(await kit.meters()).toMatchObject({ [`/day/${today()}`]: { settled: 4, reserved: 0 } });
  });

  test('that was released gives everything back', async () => {
    const hold = holdOf(await kit.ask({ userId: 'usr_1', limits: [day(10n)] }));
    await kit.ledger.settle(hold, settlement(null, 'released'));
    expect(Object.values(await kit.meters()).every(({ settled, reserved }) => settled === 0 && reserved === 0)).toBe(
      true,
    );
  });

  test('on a platform key draws credits, on an own key none', async () => {
    const credits: Limit = { meter: 'credits', kind: 'month', cap: 25n };
    const platform = { keySource: 'platform', limits: [credits] } as const;
    await kit.ledger.settle(holdOf(await kit.ask(platform)), settlement(10n));
    await kit.ledger.settle(holdOf(await kit.ask({ keySource: 'own' })), settlement(10n));
    expect((await kit.ask(platform)).outcome).toBe('ok');
    expect(await kit.ask(platform)).toMatchObject({ outcome: 'refused', refusal: { meter: 'credits', used: 20n } });
    expect((await kit.ask({ keySource: 'own' })).outcome).toBe('ok');
  });
});

describe('limits of requests', () => {
  test('in a minute count calls whatever they cost, and begin anew with the minute', async () => {
    const limits: Limit[] = [{ meter: '', kind: 'minute', cap: 2n }];
    await kit.setClock('2031-03-10 12:00:10Z');
    for (let calls = 0; calls < 2; calls++) expect((await kit.ask({ limits, reservedNanoUsd: 0n })).outcome).toBe('ok');
    expect(await kit.ask({ limits })).toMatchObject({ outcome: 'refused', refusal: { kind: 'minute', seconds: 50 } });
    await kit.setClock('2031-03-10 12:01:00Z');
    expect((await kit.ask({ limits })).outcome).toBe('ok');
  });

  test('running at once count until they are settled, released or lost', async () => {
    const limits: Limit[] = [{ meter: 'tok_1', kind: 'running', cap: 1n }];
    for (const end of ['settled', 'released', 'lost']) {
      const hold = holdOf(await kit.ask({ limits, reservedNanoUsd: 0n }));
      expect(await kit.ask({ limits })).toMatchObject({
        outcome: 'refused',
        refusal: { kind: 'running', meter: 'tok_1' },
      });
      if (end === 'lost') {
        await kit.owner.query(`UPDATE reservations SET lease_until = now() - interval '1 second'`);
        await kit.owner.query('SELECT expire()');
      } else {
        await kit.ledger.settle(hold, settlement(0n, end === 'settled' ? 'settled' : 'released'));
      }
    }
    expect((await kit.ask({ limits })).outcome).toBe('ok');
  });
});

describe('an alert', () => {
  const alerts = async () =>
    (
      await kit.owner.query(
        'SELECT kind, threshold, cause, silent FROM alerts WHERE company_id = $1 ORDER BY kind, threshold',
        [kit.companyId],
      )
    ).rows;

  test('stands once per period and threshold, and the lower one is silent when both pass at once', async () => {
    const limits = [day(100n), month(1_000n)];
    await kit.ledger.settle(holdOf(await kit.ask({ limits })), settlement(79n));
    expect(await alerts()).toEqual([]);
    await kit.ledger.settle(holdOf(await kit.ask({ limits })), settlement(1n));
    expect(await alerts()).toEqual([{ kind: 'day', threshold: 80, cause: 'spent', silent: false }]);
    await kit.ledger.settle(holdOf(await kit.ask({ limits })), settlement(25n));
    await kit.ledger.settle(holdOf(await kit.ask({ limits: [day(1_000n)] })), settlement(1n));
    expect(await alerts()).toEqual([
      { kind: 'day', threshold: 80, cause: 'spent', silent: false },
      { kind: 'day', threshold: 100, cause: 'spent', silent: false },
    ]);
  });

  test('for both thresholds at once tells the higher', async () => {
    await kit.ledger.settle(holdOf(await kit.ask({ limits: [day(100n)] })), settlement(100n));
    expect(await alerts()).toEqual([
      { kind: 'day', threshold: 80, cause: 'spent', silent: true },
      { kind: 'day', threshold: 100, cause: 'spent', silent: false },
    ]);
  });

  test('that AI is paused follows a refusal close to the cap, not the refusal of one dear call', async () => {
    await kit.ask({ limits: [day(100n)], reservedNanoUsd: 101n });
    expect(await alerts()).toEqual([]);
    await kit.ledger.settle(holdOf(await kit.ask({ limits: [day(100n)] })), settlement(85n));
    await kit.ask({ limits: [day(100n)], reservedNanoUsd: 20n });
    expect(await alerts()).toEqual([{ kind: 'day', threshold: 80, cause: 'spent', silent: false }]);
    await kit.ledger.settle(holdOf(await kit.ask({ limits: [day(100n)] })), settlement(10n));
    await kit.ask({ limits: [day(100n)], reservedNanoUsd: 6n });
    expect(await alerts()).toEqual([
      { kind: 'day', threshold: 80, cause: 'spent', silent: false },
      { kind: 'day', threshold: 100, cause: 'refused', silent: false },
    ]);
  });

  test('follows a cap that is lowered below what is spent, once', async () => {
    await kit.ledger.settle(holdOf(await kit.ask({ limits: [day(100n)] })), settlement(50n));
    for (let times = 0; times < 2; times++) {
      await kit.owner.query(`SELECT meet_caps($1, 'usr_1', '[{"meter": "", "kind": "day", "cap": 40}]')`, [
        kit.companyId,
      ]);
    }
    expect(await alerts()).toEqual([
      { kind: 'day', threshold: 80, cause: 'cap_lowered', silent: true },
      { kind: 'day', threshold: 100, cause: 'cap_lowered', silent: false },
    ]);
  });
});
