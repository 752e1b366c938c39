import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { useControlPlane } from '../../../../../tests/kit/control-plane.ts';

const plane = useControlPlane();
let host: Readonly<Record<string, string>>;
let owner: Client;
let names = 0;
const unique = (): string => `host-${++names}`;

beforeAll(async () => {
  host = await plane.createTokenHeaders(['host']);
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
});

describe('companies of the host', () => {
  test('are created once, found by both ids, and changed by what is named alone', async () => {
    const name = unique();
    const made = await plane.call('PUT', `/api/companies/${name}`, host, { name: 'Acme', plan: 'pro' });
    expect([made.status, made.body]).toMatchObject([
      201,
      { external_id: name, name: 'Acme', plan: 'pro', ai_enabled: true },
    ]);
    const again = await plane.call('PUT', `/api/companies/${name}`, host, {});
    expect([again.status, again.body]).toEqual([200, made.body]);
    const renamed = await plane.call('PUT', `/api/companies/${made.body.id}`, host, { name: 'Acme SA' });
    expect(renamed.body).toEqual({ ...made.body, name: 'Acme SA' });
    expect((await plane.call('GET', `/api/companies/${name}`, host)).body).toEqual(renamed.body);
  });

  test('created twice at the same moment are one', async () => {
    const name = unique();
    const answers = await Promise.all([1, 2, 3].map(() => plane.call('PUT', `/api/companies/${name}`, host, {})));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
  });

  test('move to a plan that exists, and to no other', async () => {
    const name = unique();
    await plane.call('PUT', `/api/companies/${name}`, host, { plan: 'free' });
    const moved = await plane.call('PUT', `/api/companies/${name}/plan`, host, { plan: 'business' });
    expect(moved.body.plan).toBe('business');
    const wrong = await plane.call('PUT', `/api/companies/${name}/plan`, host, { plan: 'nothing' });
    expect([wrong.status, wrong.body.param]).toEqual([400, 'plan']);
    expect((await plane.call('GET', `/api/companies/${name}`, host)).body.plan).toBe('business');
  });

  test('erased leave nothing behind, logins included, and are then as unknown as any', async () => {
    const company = await plane.createCompany();
    await plane.createTokenHeaders(['inference'], { companyId: company.id });
    const logins = async () => (await owner.query('SELECT 1 FROM logins')).rowCount ?? 0;
    const before = await logins();
    expect((await plane.call('DELETE', `/api/companies/${company.externalId}`, host)).status).toBe(204);
    const { rows: tables } = await owner.query<{ name: string }>(
      `SELECT DISTINCT table_name AS name FROM information_schema.columns WHERE table_schema = 'ownkey' AND column_name = 'company_id'`,
    );
    for (const { name } of tables) {
      const { rowCount } = await owner.query(`SELECT 1 FROM ${name} WHERE company_id = $1`, [company.id]);
      expect([name, rowCount]).toEqual([name, 0]);
    }
    expect(await logins()).toBe(before - 2);
    expect((await plane.call('GET', '/api/keys', company.admin)).status).toBe(401);
    expect((await plane.call('GET', `/api/companies/${company.id}`, host)).status).toBe(404);
    expect((await plane.call('DELETE', `/api/companies/${company.id}`, host)).status).toBe(404);
  });

  test.each([
    ['an id of our form that is none', `/api/companies/${newId('company')}`, {}, 404],
    ['a name that is too long', '/api/companies/x', { name: 'n'.repeat(10_001) }, 400],
    ['an empty name', '/api/companies/x', { name: '' }, 400],
    ['an unknown field', '/api/companies/x', { credits: 5 }, 400],
    ['an unknown plan', '/api/companies/never-made', { plan: 'nothing' }, 400],
    ['a NUL in the path', '/api/companies/a%00b', {}, 400],
    ['a reference that is too long', `/api/companies/${'x'.repeat(201)}`, {}, 400],
    ['a broken escape', '/api/companies/%E0%A4%A', {}, 400],
  ])('refuse %s', async (_, path, body, status) => {
    const answer = await plane.call('PUT', path, host, body);
    expect(answer.status).toBe(status);
    expect(answer.body.code).toBeDefined();
  });
});

describe('users of a company', () => {
  test('are created once, changed by what is named, and removed with their keys and tokens', async () => {
    const company = await plane.createCompany();
    const path = `/api/companies/${company.externalId}/users/maria`;
    const made = await plane.call('PUT', path, host, { role: 'admin', name: 'Maria' });
    expect([made.status, made.body]).toMatchObject([
      201,
      { external_id: 'maria', role: 'admin', name: 'Maria', has_login: false },
    ]);
    const changed = await plane.call('PUT', path, host, { role: 'member' });
    expect([changed.status, changed.body]).toEqual([200, { ...made.body, role: 'member' }]);
    const token = await plane.createTokenHeaders(['keys:read'], { companyId: company.id, userId: made.body.id });
    expect((await plane.call('GET', '/api/keys', token)).status).toBe(200);
    expect((await plane.call('DELETE', path, host)).status).toBe(204);
    expect((await plane.call('GET', '/api/keys', token)).status).toBe(401);
    expect((await plane.call('GET', path, host)).status).toBe(404);
  });

  test('of another company are not found', async () => {
    const [one, other] = [await plane.createCompany(), await plane.createCompany()];
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const body = method === 'PUT' ? {} : undefined;
      const answer = await plane.call(method, `/api/companies/${one.id}/users/${other.memberId}`, host, body);
      expect([method, answer.status]).toEqual([method, 404]);
    }
  });
});

describe('a host token that names a company and a person', () => {
  test('acts for them, and a person nobody knew becomes a member', async () => {
    const company = await plane.createCompany();
    const headers = { ...host, 'x-ownkey-company': company.externalId, 'x-ownkey-user': 'new-person' };
    expect((await plane.call('GET', '/api/keys', headers)).status).toBe(200);
    const made = await plane.call('GET', `/api/companies/${company.id}/users/new-person`, host);
    expect(made.body.role).toBe('member');
    const asMember = await plane.call('PUT', '/api/settings', headers, { ai_enabled: false });
    expect([asMember.status, asMember.body.code]).toEqual([403, 'auth.role']);
  });

  test('is told when the company is not named, not there, or named wrongly', async () => {
    const get = (headers: Readonly<Record<string, string>>) => plane.call('GET', '/api/keys', { ...host, ...headers });
    expect((await get({})).body.code).toBe('auth.company_required');
    expect((await get({ 'x-ownkey-company': 'nobody' })).body.code).toBe('not_found');
    expect((await get({ 'x-ownkey-company': 'a\tb' })).body.code).toBe('request.invalid');
  });

  test('a company token names people of its own company with act_as_user alone', async () => {
    const [company, other] = [await plane.createCompany(), await plane.createCompany()];
    const may = await plane.createTokenHeaders(['keys:read', 'act_as_user'], { companyId: company.id });
    const mayNot = await plane.createTokenHeaders(['keys:read'], { companyId: company.id });
    const get = (headers: Readonly<Record<string, string>>, user: string) =>
      plane.call('GET', '/api/keys', { ...headers, 'x-ownkey-user': user });
    expect((await get(may, company.memberId)).status).toBe(200);
    expect((await get(may, other.memberId)).status).toBe(404);
    expect((await get(may, 'unknown-person')).status).toBe(404);
    expect((await get(mayNot, company.memberId)).body.code).toBe('auth.act_as_user');
    expect((await plane.call('GET', '/api/keys', { ...company.admin, 'x-ownkey-user': company.memberId })).status).toBe(
      403,
    );
  });
});
