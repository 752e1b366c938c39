import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';

const plane = useControlPlane();
let company: TestCompany;
let owner: Client;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
});
beforeEach(async () => {
  company = await plane.createCompany();
});

describe('tokens', () => {
  const create = (body: Record<string, unknown>, who = company.admin) =>
    plane.call('POST', '/api/tokens', who, { name: 'CI', ...body });

  test('are shown once, work at once, and stop at once when revoked', async () => {
    const made = await create({ scopes: ['keys:read'] });
    expect(made.status).toBe(201);
    expect(made.body.token).toMatch(/^oky_co_[0-9A-Za-z]{38}$/);
    expect(made.body).toMatchObject({ name: 'CI', last4: made.body.token.slice(-4), created_by: 'Ana', user: null });
    const bearer = { authorization: `Bearer ${made.body.token}` };
    expect((await plane.call('GET', '/api/keys', bearer)).status).toBe(200);
    expect((await plane.call('GET', '/api/keys', { 'x-api-key': made.body.token })).status).toBe(200);
    const list = await plane.call('GET', '/api/tokens', company.admin);
    expect(list.text).not.toContain(made.body.token);
    expect(list.body.data[0].last_used_at).not.toBeNull();
    expect((await plane.call('DELETE', `/api/tokens/${made.body.id}`, company.admin)).status).toBe(204);
    expect((await plane.call('GET', '/api/keys', bearer)).status).toBe(401);
  });

  test('are in no column of the database and in no log line', async () => {
    const { token } = (await create({ scopes: ['inference'] })).body;
    const { rows } = await owner.query(
      "SELECT string_agg(t::text, '') || (SELECT string_agg(e::text, '') FROM audit_events e) AS text FROM tokens t",
    );
    for (const form of [token, Buffer.from(token).toString('hex'), Buffer.from(token).toString('base64')]) {
      expect(rows[0].text).not.toContain(form);
      expect(plane.logLines.join('')).not.toContain(form);
    }
  });

  test('never give more than their maker has', async () => {
    const keysAlone = await plane.createTokenHeaders(['keys:write', 'keys:read'], { companyId: company.id });
    const tries: [Readonly<Record<string, string>>, Record<string, unknown>, string][] = [
      [company.admin, { scopes: ['host'] }, 'auth.scope'],
      [company.admin, { scopes: ['operator'] }, 'auth.scope'],
      [company.member, { scopes: ['company:admin'] }, 'auth.scope'],
      [company.member, { scopes: ['act_as_user'] }, 'auth.scope'],
      [keysAlone, { scopes: ['keys:read'] }, 'auth.scope'],
      [keysAlone, { scopes: ['inference'] }, 'auth.scope'],
    ];
    for (const [who, body, code] of tries) {
      const answer = await create(body, who);
      expect([body, answer.status, answer.body.code]).toEqual([body, 403, code]);
    }
  });

  test('of a member are personal, and lose what a member may not do', async () => {
    const made = await create({ scopes: ['keys:read', 'keys:write'] }, company.member);
    expect(made.body).toMatchObject({ user: company.memberId });
    expect(made.body.token).toMatch(/^oky_usr_/);
    const bearer = { authorization: `Bearer ${made.body.token}` };
    expect((await plane.call('PUT', '/api/providers/openai/source', bearer, { source: 'platform' })).body.code).toBe(
      'auth.role',
    );
    expect((await plane.call('GET', '/api/tokens', company.member)).body.data).toHaveLength(1);
  });

  test.each([
    ['no scope', { scopes: [] }],
    ['an unknown scope', { scopes: ['everything'] }],
    ['no name', { scopes: ['inference'], name: '' }],
    ['a moment that has passed', { scopes: ['inference'], expires_at: '2020-01-01T00:00:00Z' }],
    ['a moment that is none', { scopes: ['inference'], expires_at: 'tomorrow' }],
  ])('with %s are refused', async (_, body) => {
    expect((await create(body)).body.code).toBe('request.invalid');
  });
});

describe('settings', () => {
  test('turning AI off says who and when, is on record, and moves the version that every call is decided on', async () => {
    const version = async () =>
      Number(
        (await owner.query('SELECT config_version FROM companies WHERE id = $1', [company.id])).rows[0].config_version,
      );
    const before = await version();
    const answer = await plane.call('PUT', '/api/settings', company.admin, { ai_enabled: false });
    expect(answer.body).toMatchObject({ ai_enabled: false, ai_changed_by: 'Ana', zero_retention: false });
    expect(await version()).toBeGreaterThan(before);
    const { body } = await plane.call('GET', '/api/audit?kind=ai', company.admin);
    expect(body.data).toMatchObject([{ kind: 'ai.turned_off', actor: company.adminId, actor_name: 'Ana' }]);
  });

  test('members not named stay, and a change on an old state is refused with who and when', async () => {
    const { etag } = (await plane.call('GET', '/api/settings', company.admin)).body;
    const recipients = { notice_recipients: ['ops@example.com'] };
    await plane.call('PUT', '/api/settings', { ...company.admin, 'if-match': etag }, recipients);
    const late = await plane.call(
      'PUT',
      '/api/settings',
      { ...company.admin, 'if-match': etag },
      { personal_keys: false },
    );
    expect([late.status, late.body.code, late.body.who]).toEqual([409, 'conflict.changed', 'Ana']);
    const now = await plane.call('PUT', '/api/settings', company.admin, { personal_keys: false });
    expect(now.body).toMatchObject({ ...recipients, personal_keys: false });
  });

  test.each([
    [{ ai_enabled: 'no' }],
    [{ notice_recipients: ['not an address'] }],
    [{ audit_retention_days: 1 }],
    [{ plan: 'business' }],
  ])('refuse %j', async (body) => {
    expect((await plane.call('PUT', '/api/settings', company.admin, body)).body.code).toBe('request.invalid');
  });
});

test('people: admins see everybody, members the admins and themselves', async () => {
  const names = async (who: Readonly<Record<string, string>>) =>
    (await plane.call('GET', '/api/members', who)).body.data.map(
      ({ name, you }: { name: string; you: boolean }) => `${name}${you ? ' (you)' : ''}`,
    );
  await plane.database.everywhere((sql) =>
    sql.rows("INSERT INTO users (id, company_id, name) VALUES ($1, $2, 'Zoe')", [newId('user'), company.id]),
  );
  expect((await names(company.admin)).sort()).toEqual(['Ana (you)', 'Max', 'Zoe']);
  expect((await names(company.member)).sort()).toEqual(['Ana', 'Max (you)']);
});
