import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';

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

type Headers = Readonly<Record<string, string>>;
const getCaps = async (who: Headers = company.admin) => (await plane.call('GET', '/api/caps', who)).body;
const putCaps = (body: unknown, who: Headers = company.admin) => plane.call('PUT', '/api/caps', who, body);

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

  test('of two changes on one state at the same moment, one is saved', async () => {
    const now = { ...company.admin, 'if-match': (await getCaps()).etag };
    const both = [5, 6].map((amount) => putCaps({ company: { per_day_usd: amount } }, now));
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 409]);
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

  test('are changed by at most 500 at once', async () => {
    const users = Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`u${i}`, null]));
    const answer = await putCaps({ users });
    expect([answer.body.code, answer.body.title]).toEqual(['request.invalid', 'users: at most 500 users at once.']);
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
