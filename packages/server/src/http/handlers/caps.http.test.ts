import type { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';

const plane = useControlPlane();
let owner: Client;
let company: TestCompany;
let operator: Readonly<Record<string, string>>;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  operator = await plane.createOperatorHeaders();
});
beforeEach(async () => {
  company = await plane.createCompany();
});
afterEach(async () => {
  await setClock('now()');
});

type Headers = Readonly<Record<string, string>>;
const getCaps = async (who: Headers = company.admin) => (await plane.call('GET', '/api/caps', who)).body;
const putCaps = (body: unknown, who: Headers = company.admin) => plane.call('PUT', '/api/caps', who, body);
const preview = async (body: unknown, who: Headers = company.admin) =>
  (await plane.call('POST', '/api/caps/preview', who, body)).body.data;

async function setClock(at: string): Promise<void> {
  const body = at === 'now()' ? at : `'${at}'::timestamptz`;
  await owner.query(
    `CREATE OR REPLACE FUNCTION ownkey.ledger_now() RETURNS timestamptz LANGUAGE sql STABLE
     SET search_path = ownkey, pg_temp AS $$ SELECT ${body} $$`,
  );
}

/** A sum as the ledger would have left it, in nano-USD. */
async function setSum(meter: string, kind: 'day' | 'month', start: string, settled: number, cap: number | null = null) {
  await owner.query(
    `INSERT INTO meters (company_id, meter, kind, start, settled, cap) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (company_id, meter, kind, start) DO UPDATE SET settled = excluded.settled, cap = excluded.cap`,
    [company.id, meter, kind, `${start}T00:00:00Z`, settled, cap],
  );
}

const versionOf = async () =>
  Number(
    (await owner.query('SELECT config_version FROM companies WHERE id = $1', [company.id])).rows[0].config_version,
  );

describe('caps', () => {
  test('are the presets until somebody sets something, and say so', async () => {
    expect(await getCaps()).toMatchObject({
      company: { per_request_usd: '10', per_day_usd: '10', per_month_usd: '100' },
      users: { default: { per_request_usd: null, per_day_usd: null, per_month_usd: null } },
      me: { per_day_usd: null },
      fallback: { per_day_usd: null },
      preset_fields: ['per_request_usd', 'per_day_usd', 'per_month_usd'],
      raises: [],
      policy: { max: { per_month_usd: '1000' }, required: false },
      block_unpriced: false,
      changed_at: null,
    });
  });

  test('members not named stay, null clears, 0 is valid, and the next call is decided anew', async () => {
    const before = await versionOf();
    const first = await putCaps({ company: { per_day_usd: '20.5', per_request_usd: 0 }, fallback: { per_day_usd: 3 } });
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      company: { per_request_usd: '0', per_day_usd: '20.5', per_month_usd: '100' },
      fallback: { per_day_usd: '3' },
      preset_fields: ['per_month_usd'],
      changed_by: 'Ana',
    });
    expect(await versionOf()).toBeGreaterThan(before);
    const second = await putCaps({ company: { per_day_usd: null } });
    expect(second.body.company).toEqual({ per_request_usd: '0', per_day_usd: null, per_month_usd: '100' });
    expect(second.body.fallback.per_day_usd).toBe('3');
  });

  test('are on record with what they were and are', async () => {
    await putCaps({ company: { per_day_usd: 5 } });
    const { body } = await plane.call('GET', '/api/audit?kind=caps', company.admin);
    expect(body.data).toHaveLength(1);
    expect(body.data[0]).toMatchObject({ kind: 'caps.changed', actor: company.adminId });
    expect(body.data[0].detail.changes).toEqual([{ for: 'company', field: 'per_day_usd', from: '10', to: '5' }]);
  });

  test('a change that changes nothing leaves no trace', async () => {
    const { etag } = (await putCaps({ company: { per_day_usd: 5 } })).body;
    const before = await versionOf();
    expect((await putCaps({ company: { per_day_usd: '5.0' } })).body.etag).toBe(etag);
    expect(await versionOf()).toBe(before);
  });

  test.each([
    ['9.9999999999', '9.999999999'],
    ['0.0000000001', '0'],
    [0.1, '0.1'],
    [1.0000000019, '1.000000001'],
    ['100', '100'],
  ])('%s becomes %s: fractions are rounded down', async (value, stored) => {
    expect((await putCaps({ company: { per_day_usd: value } })).body.company.per_day_usd).toBe(stored);
  });

  test.each([[-1], ['-1'], ['NaN'], ['1e1'], ['ten'], [''], [100.01], ['1000000000000'], [1e300], ['0x10'], ['1,5']])(
    'an amount of %j is refused, naming the field and the range',
    async (value) => {
      for (const call of ['PUT /api/caps', 'POST /api/caps/preview']) {
        const [method = '', path = ''] = call.split(' ');
        const { status, body } = await plane.call(method, path, company.admin, { company: { per_day_usd: value } });
        expect([status, body.code]).toEqual([400, 'request.invalid']);
        expect(body.title).toBe('company.per_day_usd: must be an amount of USD from 0 to 100.');
      }
      expect((await getCaps()).company.per_day_usd).toBe('10');
    },
  );

  test.each([
    [{ company: { per_day_usd: true } }],
    [{ company: { per_week_usd: 1 } }],
    [{ company: 5 }],
    [{ companies: {} }],
    [{ me: { raise: {} } }],
    ['{"company": {"per_day_usd": 1e999}}'],
  ])('refuse %j', async (body) => {
    const answer = await putCaps(body);
    expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
  });

  test('a change on an old state is refused with who and when, and nothing is saved', async () => {
    const { etag } = await getCaps();
    const stale = { ...company.admin, 'if-match': etag };
    expect((await putCaps({ company: { per_day_usd: 5 } }, stale)).status).toBe(200);
    const late = await putCaps({ company: { per_day_usd: 6 } }, stale);
    expect([late.status, late.body.code, late.body.who]).toEqual([409, 'conflict.changed', 'Ana']);
    expect(late.body.at).toMatch(/^\d{4}-/);
    expect((await getCaps()).company.per_day_usd).toBe('5');
  });

  test('of several changes one that is wrong saves none', async () => {
    const answer = await putCaps({ company: { per_day_usd: 5 }, fallback: { per_day_usd: -1 } });
    expect(answer.body.title).toMatch(/^fallback\.per_day_usd/);
    expect((await getCaps()).company.per_day_usd).toBe('10');
  });

  test('unpriced models are blocked by choice, which is a setting too', async () => {
    expect((await putCaps({ block_unpriced: true })).body.block_unpriced).toBe(true);
    expect((await plane.call('GET', '/api/settings', company.admin)).body.block_unpriced_models).toBe(true);
    await plane.call('PUT', '/api/settings', company.admin, { block_unpriced_models: false });
    expect((await getCaps()).block_unpriced).toBe(false);
  });
});

describe('people', () => {
  test('have the caps of every user until they get their own, and those again when it is taken away', async () => {
    await putCaps({ users: { default: { per_day_usd: 4 } } });
    const theirs = async () => (await getCaps(company.member)).in_force.me.per_day_usd;
    expect(await theirs()).toBe('4');
    await putCaps({ users: { [`member-${company.externalId}`]: { per_day_usd: 7 } } });
    expect(await theirs()).toBe('7');
    expect((await getCaps()).users[company.memberId].per_day_usd).toBe('7');
    await putCaps({ users: { [company.memberId]: null } });
    expect(await theirs()).toBe('4');
  });

  test('lower their own and never pass what an admin set for them', async () => {
    await putCaps({ users: { default: { per_day_usd: 4 } } });
    const lower = await putCaps({ me: { per_day_usd: '1.5' } }, company.member);
    expect([lower.status, lower.body.me.per_day_usd, lower.body.in_force.me.per_day_usd]).toEqual([200, '1.5', '1.5']);
    const higher = await putCaps({ me: { per_day_usd: 4.01 } }, company.member);
    expect(higher.body.title).toBe('me.per_day_usd: must be an amount of USD from 0 to 4.');
    await putCaps({ users: { default: { per_day_usd: 1 } } });
    expect((await getCaps(company.member)).in_force.me.per_day_usd).toBe('1');
    await putCaps({ me: { per_day_usd: null } }, company.member);
    expect((await getCaps(company.member)).me.per_day_usd).toBeNull();
  });

  test.each([
    [{ company: { per_day_usd: 1 } }],
    [{ fallback: { per_day_usd: 1 } }],
    [{ users: { default: { per_day_usd: 1 } } }],
    [{ users: {} }],
    [{ block_unpriced: true }],
  ])('who are members may not change %j', async (body) => {
    const before = await getCaps();
    const saved = await putCaps({ ...body, me: { per_day_usd: 1 } }, company.member);
    const seen = await plane.call('POST', '/api/caps/preview', company.member, body);
    expect([saved.body.code, seen.body.code]).toEqual(['auth.role', 'auth.role']);
    expect(await getCaps()).toEqual(before);
  });

  test('of another company answer like people who are not there', async () => {
    const other = await plane.createCompany();
    const theirs = await putCaps({ users: { [other.memberId]: { per_day_usd: 1 } } });
    const nobody = await putCaps({ users: { nobody: { per_day_usd: 1 } } });
    expect([theirs.status, theirs.text]).toEqual([404, nobody.text]);
  });

  test('who are members see their own caps and no one else’s', async () => {
    await putCaps({ users: { [company.adminId]: { per_day_usd: 7 }, [company.memberId]: { per_day_usd: 2 } } });
    const { users } = await getCaps(company.member);
    expect(Object.keys(users).sort()).toEqual(['default', company.memberId].sort());
    expect(Object.keys((await getCaps()).users)).toContain(company.adminId);
  });

  test('leave no caps behind', async () => {
    await putCaps({ users: { [company.memberId]: { per_day_usd: 2 } } });
    await putCaps({ me: { per_day_usd: 1 } }, company.member);
    const host = await plane.createTokenHeaders(['host']);
    await plane.call('DELETE', `/api/companies/${company.id}/users/${company.memberId}`, host);
    const { rows } = await owner.query('SELECT subject FROM caps WHERE company_id = $1', [company.id]);
    expect(rows).toEqual([]);
  });

  test('a token that acts for the company has no caps of its own', async () => {
    const token = await plane.createTokenHeaders(['caps:write'], { companyId: company.id });
    expect((await putCaps({ me: { per_day_usd: 1 } }, token)).body.param).toBe('me');
    expect((await putCaps({ company: { per_day_usd: 1 } }, token)).status).toBe(200);
    const reader = await plane.createTokenHeaders(['usage:read'], { companyId: company.id });
    expect((await plane.call('GET', '/api/caps', reader)).status).toBe(200);
    expect((await putCaps({ company: { per_day_usd: 1 } }, reader)).body.code).toBe('auth.scope');
  });
});

describe('a temporary raise', () => {
  const raise = (field: string, to_usd: unknown, periods: unknown) => ({
    company: { raise: { [field]: { to_usd, periods } } },
  });
  const inForce = async () => (await getCaps()).in_force.company;

  test('holds for so many days and ends by itself', async () => {
    await setClock('2026-03-30T22:00:00Z');
    const saved = await putCaps(raise('per_day_usd', 40, 2));
    expect(saved.body.company.per_day_usd).toBe('10');
    expect(saved.body.raises).toEqual([
      { for: 'company', field: 'per_day_usd', base_usd: '10', to_usd: '40', from: '2026-03-30', until: '2026-03-31' },
    ]);
    await setClock('2026-03-31T23:59:59.999Z');
    expect((await inForce()).per_day_usd).toBe('40');
    await setClock('2026-04-01T00:00:00Z');
    expect((await inForce()).per_day_usd).toBe('10');
    expect((await getCaps()).raises).toEqual([]);
  });

  test('of a month lasts to the end of the last one', async () => {
    await setClock('2026-01-31T12:00:00Z');
    expect((await putCaps(raise('per_month_usd', 500, 2))).body.raises[0].until).toBe('2026-02-28');
    await setClock('2026-02-28T23:59:00Z');
    expect((await inForce()).per_month_usd).toBe('500');
    await setClock('2026-03-01T00:00:00Z');
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
    await setClock('2026-05-10T08:00:00Z');
    await setSum('', 'day', '2026-05-10', 6_000_000_000, 10_000_000_000);
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
    await setClock('2026-05-10T08:00:00Z');
    await setSum('', 'day', '2026-05-10', 9_000_000_000, 10_000_000_000);
    await putCaps({ company: { per_day_usd: 10.5 } });
    expect(await alerts()).toEqual([]);
  });

  test('a raise is what the sum meets while it lasts', async () => {
    await setClock('2026-05-10T08:00:00Z');
    await setSum('', 'day', '2026-05-10', 9_000_000_000, 10_000_000_000);
    await putCaps({ company: { raise: { per_day_usd: { to_usd: 50, periods: 1 } } } });
    const { rows } = await owner.query("SELECT cap FROM meters WHERE company_id = $1 AND kind = 'day'", [company.id]);
    expect(rows).toEqual([{ cap: '50000000000' }]);
  });
});

describe('a preview', () => {
  beforeEach(async () => {
    await setClock('2026-05-10T08:00:00Z');
    await setSum('', 'day', '2026-05-10', 6_000_000_000);
    await setSum('', 'day', '2026-05-09', 8_000_000_000);
    await setSum('', 'day', '2026-04-11', 3_000_000_000);
    await setSum('', 'day', '2026-04-10', 90_000_000_000);
    await setSum('', 'month', '2026-05-01', 14_000_000_000);
    await setSum('', 'month', '2025-06-01', 70_000_000_000);
    await setSum('', 'month', '2025-05-01', 95_000_000_000);
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
    await setSum(company.memberId, 'day', '2026-05-10', 2_000_000_000);
    const [mine] = await preview({ me: { per_day_usd: 1 } }, company.member);
    expect(mine).toMatchObject({ for: 'me', used_usd: '2', effect: 'pauses', highest_usd: '2' });
  });
});

describe('policies', () => {
  const put = (body: unknown) => plane.call('PUT', '/api/operator/policies', operator, body);
  const installationVersion = async () =>
    Number((await owner.query('SELECT config_version FROM installation')).rows[0].config_version);

  afterEach(async () => {
    await owner.query("UPDATE installation SET settings = settings - 'policies'");
  });

  test('are changed by what is named, reach every company at its next call, and are on record', async () => {
    const before = await installationVersion();
    const changed = await put({
      caps: { preset: { per_day_usd: '2.5' }, max: { per_month_usd: null } },
      ceilings: { hosted_tools: { web_search: '0.25' }, service_tiers: { priority: 2 } },
    });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({
      caps: { preset: { per_request_usd: '10', per_day_usd: '2.5' }, max: { per_month_usd: null }, required: false },
      ceilings: { hosted_tools: { web_search: '0.25' }, service_tiers: { priority: 2 }, file_tokens: null },
    });
    expect(await installationVersion()).toBeGreaterThan(before);
    expect((await plane.call('GET', '/api/operator/policies', operator)).body).toEqual(changed.body);
    expect((await getCaps()).company.per_day_usd).toBe('2.5');
    expect((await putCaps({ company: { per_month_usd: 5_000_000 } })).status).toBe(200);
    const { rows } = await owner.query("SELECT data FROM audit_events WHERE kind = 'policies.changed'");
    expect(rows.at(-1).data).toMatchObject({
      from: { caps: { preset: { per_day_usd: '10' } } },
      to: { caps: { preset: { per_day_usd: '2.5' } } },
    });
  });

  test('that require caps refuse a company without, and keep the preset where it had none', async () => {
    await putCaps({ company: { per_day_usd: null } });
    await put({ caps: { required: true } });
    expect((await getCaps()).company.per_day_usd).toBe('10');
    const cleared = await putCaps({ company: { per_month_usd: null } });
    expect([cleared.body.code, cleared.body.param]).toEqual(['request.invalid', 'company.per_month_usd']);
    expect((await putCaps({ users: { default: { per_day_usd: null } } })).status).toBe(200);
  });

  test.each([
    [{ caps: { preset: { per_day_usd: 101 } } }, 'caps.preset.per_day_usd'],
    [{ caps: { max: { per_day_usd: 9 } } }, 'caps.preset.per_day_usd'],
    [{ caps: { preset: { per_day_usd: -1 } } }, 'caps.preset.per_day_usd'],
    [{ caps: { max: { per_month_usd: '1e3' } } }, 'caps.max.per_month_usd'],
    [{ caps: { required: true, preset: { per_day_usd: null } } }, 'caps.preset.per_day_usd'],
    [{ min_max_tokens: 5000 }, 'min_max_tokens'],
    [{ ceilings: { hosted_tools: { web_search: 'much' } } }, 'ceilings.hosted_tools.web_search'],
    [{ default_max_tokens: 0 }, 'default_max_tokens'],
    [{ ceilings: { service_tiers: { priority: 0 } } }, 'ceilings.service_tiers.priority'],
  ])('refuse %j', async (body, param) => {
    const answer = await put(body);
    expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
    expect(answer.body.title).toContain(param);
  });
});
