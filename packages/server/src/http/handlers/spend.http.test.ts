import type { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { setLedgerClock, setSum } from '../../../../../tests/kit/ledger-rows.ts';

const plane = useControlPlane();
let owner: Client;
let company: TestCompany;
const USD = 1_000_000_000;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
});
beforeEach(async () => {
  company = await plane.createCompany();
  await setLedgerClock(owner, '2026-05-10T08:00:00Z');
});
afterEach(() => setLedgerClock(owner, null));

type Headers = Readonly<Record<string, string>>;
const getSpend = async (who: Headers = company.admin) => (await plane.call('GET', '/api/spend', who)).body;

const sum = (meter: string, kind: 'day' | 'month', start: string, sums: Parameters<typeof setSum>[2]) =>
  setSum(owner, { companyId: company.id, meter, kind, start }, sums);

async function setHour(hour: string, unpriced: number, cost: number): Promise<void> {
  await owner.query(
    `INSERT INTO usage_hourly (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source, requests, unpriced,
       cost_nano_usd) VALUES ($1, $2, 'openai', 'openai', 'm', '', '', '', 'own', 10, $3, $4)`,
    [company.id, hour, unpriced, cost * USD],
  );
}

describe('spend', () => {
  test('is nothing in a new company, beside the presets', async () => {
    expect(await getSpend()).toMatchObject({
      company: {
        today_usd: '0',
        month_usd: '0',
        reserved_usd: '0',
        request_cap_usd: '10',
        day: { cap_usd: '10', remaining_usd: '10', refused: 0, paused: false, resets_at: '2026-05-11T00:00:00.000Z' },
        month: { cap_usd: '100', remaining_usd: '100', resets_at: '2026-06-01T00:00:00.000Z' },
      },
      me: { today_usd: '0', day: { cap_usd: null, remaining_usd: null } },
      fallback: { today_usd: '0', day: { cap_usd: null } },
      credits: { granted_usd: '100', used_usd: '0', remaining_usd: '100', resets_at: '2026-06-01T00:00:00.000Z' },
      forecast: { month_cap_reached_on: null },
      unpriced: { today: 0, month: 0 },
    });
  });

  test('is what is settled, with what is held apart; what is left counts both', async () => {
    await sum('', 'day', '2026-05-10', { settled: 4, reserved: 1.5, refused: 3 });
    await sum('', 'day', '2026-05-09', { settled: 99 });
    await sum('', 'month', '2026-05-01', { settled: 40, reserved: 1.5 });
    await sum('', 'month', '2026-04-01', { settled: 77 });
    await sum('fallback', 'day', '2026-05-10', { settled: 2 });
    await sum('credits', 'month', '2026-05-01', { settled: 30, reserved: 1 });
    await sum(company.memberId, 'day', '2026-05-10', { settled: 1 });
    const admins = await getSpend();
    expect(admins.company).toMatchObject({
      today_usd: '4',
      month_usd: '40',
      reserved_usd: '1.5',
      day: { used_usd: '4', reserved_usd: '1.5', remaining_usd: '4.5', refused: 3, paused: false },
      month: { remaining_usd: '58.5', refused: 0 },
    });
    expect(admins.fallback.today_usd).toBe('2');
    expect(admins.credits).toMatchObject({ used_usd: '30', reserved_usd: '1', remaining_usd: '69' });
    expect([admins.me.today_usd, (await getSpend(company.member)).me.today_usd]).toEqual(['0', '1']);
  });

  test('that has reached a cap pauses; raising it for today resumes', async () => {
    await sum('', 'day', '2026-05-10', { settled: 11 });
    expect((await getSpend()).company.day).toMatchObject({ paused: true, remaining_usd: '0', raised_until: null });
    const raise = { company: { raise: { per_day_usd: { to_usd: 20, periods: 3 } } } };
    await plane.call('PUT', '/api/caps', company.admin, raise);
    expect((await getSpend()).company.day).toMatchObject({
      paused: false,
      cap_usd: '20',
      remaining_usd: '9',
      raised_until: '2026-05-12',
    });
  });

  test('begins anew with the day and the month, by the clock of the database', async () => {
    await sum('', 'day', '2026-05-31', { settled: 4 });
    await sum('', 'month', '2026-05-01', { settled: 40 });
    await setLedgerClock(owner, '2026-05-31T23:59:59.999Z');
    expect((await getSpend()).company).toMatchObject({ today_usd: '4', month_usd: '40' });
    await setLedgerClock(owner, '2026-06-01T00:00:00Z');
    expect((await getSpend()).company).toMatchObject({
      today_usd: '0',
      month_usd: '0',
      month: { resets_at: '2026-07-01T00:00:00.000Z' },
    });
  });

  test('tells when the month’s cap is reached at the pace of the last days, and which calls have no known cost', async () => {
    await sum('', 'month', '2026-05-01', { settled: 70 });
    await setHour('2026-05-08T10:00:00Z', 2, 20);
    await setHour('2026-05-10T07:00:00Z', 1, 500);
    await setHour('2026-04-30T23:00:00Z', 9, 500);
    const { forecast, unpriced } = await getSpend();
    expect(forecast).toEqual({ pace_usd: '10', days: 2, month_cap_reached_on: '2026-05-13' });
    expect(unpriced).toEqual({ today: 1, month: 3 });
  });

  test('has no credits to run out where the plan sets none, and nothing of a person for a token of the company', async () => {
    await owner.query("INSERT INTO plans (id, name, byok, position) VALUES ('unlimited', 'Unlimited', false, 9)");
    await owner.query("UPDATE companies SET plan = 'unlimited' WHERE id = $1", [company.id]);
    expect((await getSpend()).credits).toMatchObject({ granted_usd: null, remaining_usd: null });
    const token = await plane.createTokenHeaders(['usage:read'], { companyId: company.id });
    await plane.call('PUT', '/api/caps', company.admin, { users: { default: { per_day_usd: 1 } } });
    expect((await getSpend(token)).me).toMatchObject({ today_usd: '0', request_cap_usd: null, day: { cap_usd: null } });
  });

  test('of one company holds nothing of another', async () => {
    await sum('', 'day', '2026-05-10', { settled: 4 });
    const other = await plane.createCompany();
    expect((await getSpend(other.admin)).company.today_usd).toBe('0');
    const named = await plane.call('GET', '/api/spend', { ...other.admin, 'x-ownkey-company': company.id });
    const nobody = await plane.call('GET', '/api/spend', { ...other.admin, 'x-ownkey-company': 'co_nobody' });
    expect([named.status, named.text]).toEqual([404, nobody.text]);
  });
});

describe('limits of a token', () => {
  const limits = { requests_per_minute: 60, concurrent_requests: 2 };

  test('are set when it is made, and listed', async () => {
    const body = { name: 'CI', scopes: ['inference'], ...limits };
    const made = await plane.call('POST', '/api/tokens', company.admin, body);
    expect([made.status, made.body]).toMatchObject([201, limits]);
    await plane.call('POST', '/api/tokens', company.admin, { name: 'free', scopes: ['inference'] });
    const { body: list } = await plane.call('GET', '/api/tokens', company.admin);
    expect(list.data).toMatchObject([limits, { requests_per_minute: null, concurrent_requests: null }]);
  });

  test('are for tokens above companies too', async () => {
    const operator = await plane.createOperatorHeaders();
    const body = { name: 'backend', scopes: ['host'], ...limits };
    const made = await plane.call('POST', '/api/operator/tokens', operator, body);
    expect([made.status, made.body]).toMatchObject([201, limits]);
    const { body: list } = await plane.call('GET', '/api/operator/tokens', operator);
    expect(list.data.find(({ id }: { id: string }) => id === made.body.id)).toMatchObject(limits);
  });

  test.each([[{ requests_per_minute: 0 }], [{ concurrent_requests: -1 }], [{ requests_per_minute: 1.5 }]])(
    'of %j are refused',
    async (wrong) => {
      const body = { name: 'CI', scopes: ['inference'], ...wrong };
      expect((await plane.call('POST', '/api/tokens', company.admin, body)).body.code).toBe('request.invalid');
    },
  );
});
