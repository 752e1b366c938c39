import type { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { setLedgerClock, setSum } from '../../../../../tests/kit/ledger-rows.ts';

const plane = useControlPlane();
let owner: Client;
let company: TestCompany;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
});
beforeEach(async () => {
  company = await plane.createCompany();
});
afterEach(() => setLedgerClock(owner, null));

type Headers = Readonly<Record<string, string>>;
const getCaps = async (who: Headers = company.admin) => (await plane.call('GET', '/api/caps', who)).body;
const putCaps = (body: unknown, who: Headers = company.admin) => plane.call('PUT', '/api/caps', who, body);
const preview = async (body: unknown, who: Headers = company.admin) =>
  (await plane.call('POST', '/api/caps/preview', who, body)).body.data;
const sum = (meter: string, kind: 'day' | 'month', start: string, settled: number, cap?: number) =>
  setSum(owner, { companyId: company.id, meter, kind, start }, { settled, ...(cap === undefined ? {} : { cap }) });

describe('a temporary raise', () => {
  const raise = (field: string, to_usd: unknown, periods: unknown) => ({
    company: { raise: { [field]: { to_usd, periods } } },
  });
  const inForce = async () => (await getCaps()).in_force.company;

  test('holds for so many days and ends by itself', async () => {
    await setLedgerClock(owner, '2026-03-30T22:00:00Z');
    const saved = await putCaps(raise('per_day_usd', 40, 2));
    expect(saved.body.company.per_day_usd).toBe('10');
    expect(saved.body.raises).toEqual([
      { for: 'company', field: 'per_day_usd', base_usd: '10', to_usd: '40', from: '2026-03-30', until: '2026-03-31' },
    ]);
    await setLedgerClock(owner, '2026-03-31T23:59:59.999Z');
    expect((await inForce()).per_day_usd).toBe('40');
    await setLedgerClock(owner, '2026-04-01T00:00:00Z');
    expect((await inForce()).per_day_usd).toBe('10');
    expect((await getCaps()).raises).toEqual([]);
  });

  test('of a month lasts to the end of the last one', async () => {
    await setLedgerClock(owner, '2026-01-31T12:00:00Z');
    expect((await putCaps(raise('per_month_usd', 500, 2))).body.raises[0].until).toBe('2026-02-28');
    await setLedgerClock(owner, '2026-02-28T23:59:00Z');
    expect((await inForce()).per_month_usd).toBe('500');
    await setLedgerClock(owner, '2026-03-01T00:00:00Z');
    expect((await inForce()).per_month_usd).toBe('100');
  });

  test('ends early when it is taken back, and when a new amount is set', async () => {
    await putCaps(raise('per_day_usd', 40, 5));
    expect((await putCaps({ company: { raise: { per_day_usd: null } } })).body.in_force.company.per_day_usd).toBe('10');
    await putCaps(raise('per_day_usd', 40, 5));
    const lowered = await putCaps({ company: { per_day_usd: 2 } });
    expect([lowered.body.in_force.company.per_day_usd, lowered.body.raises]).toEqual(['2', []]);
  });

  test.each([
    [10, 1, 'company.raise.per_day_usd.to_usd: must be an amount of USD from 10.000000001 to 100.'],
    [101, 1, 'company.raise.per_day_usd.to_usd: must be an amount of USD from 10.000000001 to 100.'],
    [50, 0, null],
    [50, 1.5, null],
    [50, 367, null],
  ])('to %s for %s periods is refused', async (to, periods, detail) => {
    const { body } = await putCaps(raise('per_day_usd', to, periods));
    expect(body.code).toBe('request.invalid');
    if (detail !== null) expect(body.title).toBe(detail);
    expect((await getCaps()).raises).toEqual([]);
  });

  test('needs a cap to raise', async () => {
    await putCaps({ company: { per_day_usd: null } });
    expect((await putCaps(raise('per_day_usd', 50, 1))).body.param).toBe('company.raise.per_day_usd');
  });
});

describe('lowering below what is used', () => {
  const alerts = async () =>
    (
      await owner.query(
        'SELECT kind, threshold, cause, actor, silent FROM alerts WHERE company_id = $1 ORDER BY 1, 2',
        [company.id],
      )
    ).rows;

  test('alerts at once and once, naming who did it', async () => {
    await setLedgerClock(owner, '2026-05-10T08:00:00Z');
    await sum('', 'day', '2026-05-10', 6, 10);
    await putCaps({ company: { per_day_usd: 5 } });
    const told = [
      { kind: 'day', threshold: 80, cause: 'cap_lowered', actor: company.adminId, silent: true },
      { kind: 'day', threshold: 100, cause: 'cap_lowered', actor: company.adminId, silent: false },
    ];
    expect(await alerts()).toEqual(told);
    await putCaps({ company: { per_day_usd: 4 } });
    expect(await alerts()).toEqual(told);
    const { rows } = await owner.query("SELECT cap FROM meters WHERE company_id = $1 AND kind = 'day'", [company.id]);
    expect(rows).toEqual([{ cap: '4000000000' }]);
  });

  test('raising alerts nobody', async () => {
    await setLedgerClock(owner, '2026-05-10T08:00:00Z');
    await sum('', 'day', '2026-05-10', 9, 10);
    await putCaps({ company: { per_day_usd: 10.5 } });
    expect(await alerts()).toEqual([]);
  });

  test('a raise is what the sum meets while it lasts', async () => {
    await setLedgerClock(owner, '2026-05-10T08:00:00Z');
    await sum('', 'day', '2026-05-10', 9, 10);
    await putCaps({ company: { raise: { per_day_usd: { to_usd: 50, periods: 1 } } } });
    const { rows } = await owner.query("SELECT cap FROM meters WHERE company_id = $1 AND kind = 'day'", [company.id]);
    expect(rows).toEqual([{ cap: '50000000000' }]);
  });
});

describe('a preview', () => {
  beforeEach(async () => {
    await setLedgerClock(owner, '2026-05-10T08:00:00Z');
    await sum('', 'day', '2026-05-10', 6);
    await sum('', 'day', '2026-05-09', 8);
    await sum('', 'day', '2026-04-11', 3);
    await sum('', 'day', '2026-04-10', 90);
    await sum('', 'month', '2026-05-01', 14);
    await sum('', 'month', '2025-06-01', 70);
    await sum('', 'month', '2025-05-01', 95);
  });

  test('says what saving would pause, until when, and how the past would have met it', async () => {
    const before = await getCaps();
    const [day, month] = await preview({ company: { per_day_usd: 5, per_month_usd: 70 } });
    expect(day).toEqual({
      for: 'company',
      field: 'per_day_usd',
      from_usd: '10',
      to_usd: '5',
      used_usd: '6',
      reserved_usd: '0',
      effect: 'pauses',
      paused_until: '2026-05-11T00:00:00.000Z',
      highest_usd: '8',
      periods_reached: 2,
      periods: 30,
    });
    expect(month).toMatchObject({
      effect: 'none',
      paused_until: null,
      highest_usd: '70',
      periods_reached: 1,
      periods: 12,
    });
    expect(await getCaps()).toEqual(before);
    expect((await owner.query('SELECT 1 FROM alerts WHERE company_id = $1', [company.id])).rows).toEqual([]);
  });

  test('says what raising resumes, and that a cap of 0 pauses without end', async () => {
    await putCaps({ company: { per_day_usd: 5 } });
    expect((await preview({ company: { per_day_usd: 7 } }))[0]).toMatchObject({
      effect: 'resumes',
      paused_until: null,
    });
    expect((await preview({ company: { per_day_usd: 6 } }))[0].effect).toBe('stays_paused');
    expect((await preview({ company: { per_day_usd: 0 } }))[0]).toMatchObject({
      effect: 'stays_paused',
      paused_until: null,
    });
    expect((await preview({ company: { per_request_usd: 0 } }))[0]).toMatchObject({ effect: 'pauses', used_usd: null });
  });

  test('shows a member their own sum alone', async () => {
    await sum(company.memberId, 'day', '2026-05-10', 2);
    const [mine] = await preview({ me: { per_day_usd: 1 } }, company.member);
    expect(mine).toMatchObject({ for: 'me', used_usd: '2', effect: 'pauses', highest_usd: '2' });
  });
});
