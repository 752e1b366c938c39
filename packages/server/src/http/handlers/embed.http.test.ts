import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';

const plane = useControlPlane();
let company: TestCompany;
let host: Readonly<Record<string, string>>;

beforeAll(async () => {
  host = await plane.createTokenHeaders(['host']);
});
beforeEach(async () => {
  company = await plane.createCompany();
});

const ORIGIN = 'https://app.example.com';
const make = (more: Record<string, unknown> = {}, who = host) =>
  plane.call('POST', '/api/embed-sessions', who, {
    company: company.externalId,
    user: `admin-${company.externalId}`,
    parent_origins: [ORIGIN],
    ...more,
  });
const as = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a session of the embed', () => {
  test('acts as its user with that user’s role, and not beyond its company', async () => {
    const { status, body } = await make();
    expect([status, body]).toMatchObject([
      201,
      { company: company.id, user: company.adminId, role: 'admin', parent_origins: [ORIGIN] },
    ]);
    expect(body.session).toBe(`${body.id}.${body.token}`);
    expect((await plane.call('GET', '/api/keys', as(body.token))).status).toBe(200);
    const source = await plane.call('PUT', '/api/providers/openai/source', as(body.token), { source: 'own' });
    expect(source.status).toBe(200);
    expect((await plane.call('GET', '/api/operator/plans', as(body.token))).body.code).toBe('auth.scope');
    const other = await plane.createCompany();
    const foreign = await plane.call('GET', '/api/keys', { ...as(body.token), 'x-ownkey-company': other.id });
    expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found']);
  });

  test('of a member has a member’s rights; an unknown user of the host’s becomes one', async () => {
    const { body } = await make({ user: 'somebody-new' });
    expect(body).toMatchObject({ role: 'member' });
    const put = await plane.call('PUT', '/api/settings', as(body.token), {});
    expect(put.status).toBe(403);
  });

  test('does what its scopes say and no more', async () => {
    const { body } = await make({ scopes: ['usage:read'] });
    expect((await plane.call('GET', '/api/usage', as(body.token))).status).toBe(200);
    expect((await plane.call('GET', '/api/keys', as(body.token))).body.code).toBe('auth.scope');
  });

  test('is said by the session call to be whose it is, until when', async () => {
    const { body } = await make();
    const seen = await plane.call('GET', '/api/auth/session', as(body.token));
    expect(seen.body).toMatchObject({
      user: { id: company.adminId, kind: 'user', role: 'admin', company: { id: company.id } },
      expires_at: body.expires_at,
      embed: { id: body.id, parent_origins: [ORIGIN] },
    });
  });

  test('ends when the host ends it, and is on record without its token', async () => {
    const { body } = await make();
    expect((await plane.call('DELETE', `/api/embed-sessions/${body.id}`, host)).status).toBe(204);
    expect((await plane.call('GET', '/api/keys', as(body.token))).body.code).toBe('auth.invalid');
    expect((await plane.call('DELETE', `/api/embed-sessions/${body.id}`, host)).status).toBe(404);
    const { text } = await plane.call('GET', '/api/audit?kind=embed_session', company.admin);
    expect(text).toContain(body.id);
    expect(text).not.toContain(body.token.slice(-20));
  });

  test('is one of at most fifty of a user: the oldest end', async () => {
    const first = (await make()).body;
    for (let count = 0; count < 50; count++) await make();
    expect((await plane.call('GET', '/api/keys', as(first.token))).status).toBe(401);
  });

  test.each([
    [{ parent_origins: ['https://app.example.com/settings'] }],
    [{ parent_origins: ['http://app.example.com'] }],
    [{ parent_origins: ['https://*.example.com'] }],
    [{ parent_origins: ['*'] }],
    [{ parent_origins: ["https://app.example.com; script-src 'unsafe-inline'"] }],
    [{ parent_origins: ['https://app.example.com;sandbox'] }],
    [{ parent_origins: ['https://app.example.com,other.example.com'] }],
    [{ parent_origins: [] }],
    [{ ttl_s: 59 }],
    [{ scopes: ['company:admin'] }],
    [{ scopes: [] }],
  ])('is refused with %j', async (wrong) => {
    const { status, body } = await make(wrong);
    expect([status, body.code]).toEqual([400, 'request.invalid']);
  });

  test('is the host’s to make: a company’s own token may not, and an unknown company is not there', async () => {
    const own = await plane.createTokenHeaders(['company:admin'], { companyId: company.id });
    expect((await make({}, own)).body.code).toBe('auth.scope');
    expect((await make({ company: 'nobody' })).body.code).toBe('not_found');
  });
});
