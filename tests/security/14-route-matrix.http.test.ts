import { randomBytes } from 'node:crypto';
import { newId } from '@ownkey/contract/ids';
import { ROUTES, type RouteName } from '@ownkey/contract/routes';
import type { Route } from '@ownkey/contract/routes/route';
import { hasScope, SCOPES } from '@ownkey/contract/scopes';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type TestCompany, useControlPlane } from '../kit/control-plane.ts';
import { runFakeJobs, VALID_PROBE } from '../kit/fake-jobs.ts';

/**
 * Every route of the table × everybody who may try it. A new route is in the matrix by itself; one with a parameter this file
 * does not know, or with a body it does not have, fails until it is given one.
 */
const plane = useControlPlane();
type Headers = Readonly<Record<string, string>>;

const CALLERS = [
  'owner admin',
  'member',
  'no session',
  'expired session',
  'expired token',
  'unknown token',
  'wrong scope',
  'host',
  'host for the company',
  'operator',
] as const;
type CallerName = (typeof CALLERS)[number];

/** Bodies that pass the schemas, so that what answers is the guard and not the form. */
const BODIES: Partial<Record<RouteName, unknown>> = {
  signIn: { email: 'nobody@example.com', password: 'not-it' },
  setUp: { code: 'WRONG', email: 'nobody@example.com', password: 'a-long-password' },
  requestReset: { email: 'nobody@example.com' },
  confirmReset: { code: 'WRONG', password: 'a-long-password' },
  changePassword: { current_password: 'not-it', new_password: 'a-long-password' },
  putCompany: {},
  putCompanyPlan: { plan: 'pro' },
  putUser: {},
  connectKey: { provider: 'no-such-provider', sealed_key: 'x' },
  replaceKey: { sealed_key: 'x' },
  changeKey: { label: 'renamed' },
  putSource: { source: 'own' },
  createToken: { name: 'made by the matrix', scopes: ['usage:read'], personal: true },
  putSettings: {},
  connectPlatformKey: { provider: 'no-such-provider', sealed_key: 'x' },
  replacePlatformKey: { sealed_key: 'x' },
  changePlatformKey: { label: 'renamed' },
  putPlan: {},
  putCaps: {},
  previewCaps: {},
  estimate: { model: 'no-such-provider/model', messages: [] },
  putPolicies: {},
  putPrice: { provider: 'no-such-provider', model: 'none', remove: true },
  putOperatorPrice: { provider: 'no-such-provider', model: 'none', remove: true },
  createWebhook: { url: 'https://192.0.2.1/hook' },
  changeWebhook: { enabled: true },
  createInvitation: { email: 'new@example.com', role: 'member' },
  acceptInvitation: { code: 'WRONG', password: 'a-long-password' },
  createEmbedSession: { company: 'nobody-of-the-matrix', user: 'x', parent_origins: ['https://app.example.com'] },
  putOperationModel: { model: null },
  createOperatorToken: { name: 'made by the matrix', scopes: ['host'] },
};

const names = Object.keys(ROUTES).filter((name): name is RouteName => name in ROUTES);
const routeOf = (name: RouteName): Route => ROUTES[name];

let company: TestCompany;
let other: TestCompany;
let headers: Record<CallerName, Headers>;

beforeAll(async () => {
  company = await plane.createCompany();
  other = await plane.createCompany();
  const ended = { companyId: company.id, expiresAt: new Date(Date.now() - 1000) };
  const host = await plane.createTokenHeaders(['host']);
  headers = {
    'owner admin': company.admin,
    member: company.member,
    'no session': {},
    'expired session': await expiredSession(),
    'expired token': await plane.createTokenHeaders(['company:admin', 'host', 'operator'], ended),
    'unknown token': { authorization: `Bearer oky_co_${randomBytes(16).toString('hex')}` },
    'wrong scope': await plane.createTokenHeaders(['act_as_user'], { companyId: company.id }),
    host,
    'host for the company': { ...host, 'x-ownkey-company': company.externalId },
    operator: await plane.createOperatorHeaders(),
  };
  const jobs = await plane.postgres.connect('worker');
  await runFakeJobs(jobs, async ({ kind, payload }) =>
    kind === 'audit.verify'
      ? { done: { checked: 0, sealed_up_to: null, broken: null } }
      : { done: { key_id: payload.key_id, probe: VALID_PROBE } },
  );
});

/** The cookie of somebody whose session was good, and is over. */
async function expiredSession(): Promise<Headers> {
  const { id, admin } = await plane.createCompany();
  expect((await plane.call('GET', '/api/auth/session', admin)).body.user).not.toBeNull();
  const owner = await plane.postgres.connect('superuser');
  const { rowCount } = await owner.query(
    `UPDATE ownkey.sessions SET expires_at = now() - interval '1 second'
     WHERE login_id IN (SELECT login_id FROM ownkey.users WHERE company_id = $1)`,
    [id],
  );
  expect(rowCount).toBe(2);
  return admin;
}

/** What the guard must answer: a status, or 'past' for whatever comes after it. */
function expectedOf({ access }: Route, caller: CallerName): { status: number; code: string } | 'past' {
  const invalid = { status: 401, code: 'auth.invalid' };
  const missing = { status: 401, code: 'auth.missing' };
  const scope = { status: 403, code: 'auth.scope' };
  const role = { status: 403, code: 'auth.role' };
  if (caller === 'expired token' || caller === 'unknown token') return invalid;
  if (access.who === 'public') return 'past';
  if (caller === 'no session' || caller === 'expired session') return missing;
  const isSession = caller === 'owner admin' || caller === 'member' || caller === 'operator';
  if (access.who === 'session') return isSession ? 'past' : missing;
  if (access.who === 'host') return caller.startsWith('host') || caller === 'operator' ? 'past' : scope;
  if (access.who === 'operator') return caller === 'operator' ? 'past' : scope;
  if (caller === 'host' || caller === 'operator') return { status: 400, code: 'auth.company_required' };
  if (caller === 'wrong scope') return scope;
  if (caller === 'member') {
    if (access.scope === 'company:admin') return scope;
    return access.admin === true ? role : 'past';
  }
  return 'past';
}

/** A path with ids of things that do not exist. */
function pathOf(route: Route, ids: Partial<Record<string, string>> = {}): string {
  return route.path.replace(/:([a-z_]+)/g, (_, parameter: string) => {
    const missing: Record<string, string> = {
      company: newId('company'),
      user: newId('user'),
      id: ID_KINDS[kindOf(route)] ?? newId('key'),
      provider: 'no-such-provider',
      request_id: newId('request'),
      name: 'no.such.operation',
    };
    const value = ids[parameter] ?? missing[parameter];
    if (value === undefined) throw new Error(`The matrix has no value for the parameter ${parameter}`);
    return value;
  });
}

const kindOf = (route: Route): string => route.path.split('/').find((part) => part in ID_KINDS) ?? 'keys';
const ID_KINDS: Record<string, string> = {
  keys: newId('key'),
  'platform-keys': newId('key'),
  jobs: newId('job'),
  tokens: newId('token'),
  'embed-sessions': newId('embedSession'),
  sessions: newId('session'),
  plans: 'no-such-plan',
  webhooks: newId('webhook'),
  invitations: newId('invitation'),
  notices: `ntc_${'0'.repeat(26)}`,
};

function send(name: RouteName, path: string, who: Headers): Promise<Answer> {
  const route = routeOf(name);
  const body = BODIES[name];
  if (route.body !== undefined && body === undefined) throw new Error(`The matrix has no body for ${name}`);
  return plane.call(route.method, path, who, body);
}

describe('who may call what', () => {
  for (const name of names) {
    test(`${routeOf(name).method} ${routeOf(name).path} answers each caller as its row says`, async () => {
      for (const caller of CALLERS) {
        const expected = expectedOf(routeOf(name), caller);
        // Signing out ends the session the other rows use.
        if (name === 'signOut' && expected === 'past' && caller !== 'no session') continue;
        const answer = await send(name, pathOf(routeOf(name)), headers[caller]);
        const seen = { caller, status: answer.status, code: answer.body?.code ?? null };
        if (expected !== 'past') expect(seen).toEqual({ caller, ...expected });
        else expect(['auth.missing', 'auth.invalid', 'auth.scope', 'internal'], caller).not.toContain(seen.code);
      }
    });
  }

  /** Scopes a company's token may have, each alone. */
  const single = SCOPES.filter((scope) => scope !== 'host' && scope !== 'operator');
  test.each(single)('a token with the scope %s alone is refused wherever it is not enough', async (scope) => {
    const token = await plane.createTokenHeaders([scope], { companyId: company.id });
    let refused = 0;
    for (const name of names) {
      const { access } = routeOf(name);
      if (access.who === 'public') continue;
      const needed = access.who === 'company' ? [access.scope, ...(access.or ? [access.or] : [])] : [];
      if (needed.some((one) => hasScope([scope], one))) continue;
      const { status, body } = await send(name, pathOf(routeOf(name)), token);
      const code = access.who === 'session' ? 'auth.missing' : 'auth.scope';
      expect([name, status, body.code]).toEqual([name, access.who === 'session' ? 401 : 403, code]);
      refused += 1;
    }
    expect(refused).toBeGreaterThan(10);
  });

  test('a method that the table does not have is none, for nobody', async () => {
    const pattern = (path: string) => new RegExp(`^${path.replace(/:[a-z_]+/g, '[^/]+')}$`);
    let tried = 0;
    for (const path of new Set(names.map((name) => pathOf(routeOf(name))))) {
      // A word in the place of an id is another route's.
      const inUse = names.filter((name) => pattern(routeOf(name).path).test(path)).map((name) => routeOf(name).method);
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        if (inUse.some((used) => used === method)) continue;
        tried += 1;
        for (const who of [headers['owner admin'], headers.operator, headers.host]) {
          const { status } = await plane.call(method, path, who);
          expect([path, method, status]).toEqual([path, method, expect.toBeOneOf([404, 405])]);
        }
      }
    }
    expect(tried).toBeGreaterThan(100);
  });
});

describe('what is not yours answers byte for byte like what is not there', () => {
  /** Things of `company`, by the route that names them. */
  let owned: Record<string, { mine: string; missing: string }>;

  beforeAll(async () => {
    const [key, personal, job, personalJob, token, request] = [
      newId('key'),
      newId('key'),
      newId('job'),
      newId('job'),
      newId('token'),
      newId('request'),
    ];
    const owner = await plane.postgres.connect('superuser');
    await owner.query('SET search_path = ownkey');
    for (const [id, kind, user] of [
      [key, 'company', null],
      [personal, 'user', company.adminId],
    ]) {
      await owner.query(
        `INSERT INTO keys (id, owner, company_id, user_id, provider, destination) VALUES ($1, $2, $3, $4, 'openai', 'catalogue:openai')`,
        [id, kind, company.id, user],
      );
    }
    for (const [id, keyId] of [
      [job, key],
      [personalJob, personal],
    ]) {
      await owner.query(
        `INSERT INTO worker_jobs (id, kind, company_id, payload, state, result) VALUES ($1, 'key.test', $2, $3, 'done', $4)`,
        [id, company.id, JSON.stringify({ key_id: keyId }), JSON.stringify({ key_id: keyId, probe: VALID_PROBE })],
      );
    }
    await owner.query(
      `INSERT INTO tokens (id, hash, prefix, last4, name, company_id, scopes) VALUES ($1, $2, 'oky_co', 'abcd', 'x', $3, '{inference}')`,
      [token, randomBytes(32), company.id],
    );
    await owner.query(
      `INSERT INTO requests (id, company_id, provider, slug, model, key_source) VALUES ($1, $2, 'openai', 'openai', 'm', 'own')`,
      [request, company.id],
    );
    await owner.query(
      `INSERT INTO audit_events (company_id, kind, actor, request_id, request_day)
       SELECT company_id, 'call.started', 'x', id, day FROM requests WHERE id = $1`,
      [request],
    );
    const [webhook, invitation] = [newId('webhook'), newId('invitation')];
    await owner.query(
      `INSERT INTO webhooks (id, company_id, url, secret, events) VALUES ($1, $2, 'https://example.com', '', '{cap.near}')`,
      [webhook, company.id],
    );
    await owner.query(
      `INSERT INTO invitations (id, company_id, email, role, expires_at) VALUES ($1, $2, 'i@example.com', 'member', now() + interval '1 day')`,
      [invitation, company.id],
    );
    const notice = ID_KINDS.notices?.replace('00', '11') ?? '';
    await owner.query(
      "INSERT INTO notices (id, company_id, kind, key_id, slug, reason) VALUES ($1, $2, 'key', $3, 'openai', 'invalid')",
      [notice, company.id, key],
    );
    const sessions = await plane.call('GET', '/api/auth/sessions', company.admin);
    owned = {
      keys: { mine: key, missing: newId('key') },
      personal: { mine: personal, missing: newId('key') },
      jobs: { mine: job, missing: newId('job') },
      'personal jobs': { mine: personalJob, missing: newId('job') },
      tokens: { mine: token, missing: newId('token') },
      webhooks: { mine: webhook, missing: newId('webhook') },
      invitations: { mine: invitation, missing: newId('invitation') },
      notices: { mine: notice, missing: ID_KINDS.notices ?? '' },
      audit: { mine: request, missing: newId('request') },
      sessions: { mine: sessions.body.data[0].id, missing: newId('session') },
    };
  });

  const withId = names.filter((name) => {
    const { access, path } = routeOf(name);
    return (access.who === 'company' || access.who === 'session') && /:(id|request_id)$|:id\//.test(path);
  });
  const kind = (name: RouteName): string =>
    routeOf(name)
      .path.split('/')
      .find((part) => part in owned) ?? '';
  const bytes = ({ status, text, headers }: Answer) => {
    const { date: _, 'x-ownkey-request-id': id, ...rest } = headers;
    return { status, text, rest, hasId: typeof id === 'string' };
  };
  const both = async (name: RouteName, thing: string, who: Headers) => {
    const { mine, missing } = owned[thing] ?? { mine: '', missing: '' };
    const at = (id: string) => send(name, pathOf(routeOf(name), { id, request_id: id }), who);
    return { foreign: await at(mine), missing: await at(missing) };
  };

  test('the matrix has a thing of each kind that a company route names by id', () => {
    expect(withId.map(kind)).not.toContain('');
    expect(withId.length).toBeGreaterThan(10);
  });

  for (const name of withId) {
    test(`${routeOf(name).method} ${routeOf(name).path}: another company's`, async () => {
      const { foreign, missing } = await both(name, kind(name), other.admin);
      expect(missing.status).toBe(404);
      expect(bytes(foreign)).toEqual(bytes(missing));
    });
  }

  for (const name of withId.filter((route) => ['keys', 'jobs'].includes(routeOf(route).path.split('/')[2] ?? ''))) {
    test(`${routeOf(name).method} ${routeOf(name).path}: a colleague's personal key`, async () => {
      const thing = routeOf(name).path.includes('/jobs/') ? 'personal jobs' : 'personal';
      for (const who of [
        company.member,
        await plane.createTokenHeaders(['company:admin'], { companyId: company.id }),
      ]) {
        const { foreign, missing } = await both(name, thing, who);
        expect(missing.status).toBe(404);
        expect(bytes(foreign)).toEqual(bytes(missing));
      }
    });
  }

  test("a call that names another company is like one that names no company's id", async () => {
    for (const name of names.filter((route) => routeOf(route).access.who === 'company')) {
      const path = pathOf(routeOf(name));
      const foreign = await send(name, path, { ...company.admin, 'x-ownkey-company': other.id });
      const missing = await send(name, path, { ...company.admin, 'x-ownkey-company': newId('company') });
      expect(missing.status, name).toBe(404);
      expect(bytes(foreign), name).toEqual(bytes(missing));
    }
  });

  test('after all of this the things are still there for their owner', async () => {
    const { keys, tokens, audit } = owned;
    expect((await plane.call('GET', `/api/keys/${keys?.mine}`, company.admin)).body.label).toBe('');
    expect((await plane.call('GET', `/api/audit/${audit?.mine}`, company.admin)).status).toBe(200);
    const list = await plane.call('GET', '/api/tokens', company.admin);
    expect(list.body.data.map(({ id }: { id: string }) => id)).toContain(tokens?.mine);
  });
});
