import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';

const plane = useControlPlane();
let company: TestCompany;
let owner: Client;
let worker: Client;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  worker = await plane.postgres.connect('worker');
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
    expect(made.body.token).toMatch(/^oky_co_[0-9A-Za-z]{32}$/);
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
      [company.member, { scopes: ['caps:write'] }, 'auth.scope'],
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

describe('the audit list', () => {
  interface Made {
    kind?: string;
    user?: string | null;
    settled?: Record<string, unknown>;
    source?: 'own' | 'platform';
    operation?: string;
  }

  /** A call as the ledger's own functions leave it. */
  async function addCall({ kind = 'call', user = null, settled, source = 'own', operation = 'mail.draft' }: Made = {}) {
    const id = newId('request');
    const { rows } = await owner.query(
      'SELECT c.config_version AS own, i.config_version AS all FROM companies c, installation i WHERE c.id = $1',
      [company.id],
    );
    const call = {
      id,
      company_id: company.id,
      config_version: rows[0].own,
      global_version: rows[0].all,
      kind,
      user_id: user,
      provider: 'openai',
      slug: 'openai',
      model: 'gpt-test',
      key_source: source,
      last4: source === 'own' ? 'wxyz' : null,
      operation,
      actor: 'tok_of_the_caller',
    };
    const reserved = await worker.query('SELECT outcome, day FROM reserve($1)', [JSON.stringify([call])]);
    expect(reserved.rows[0].outcome).toBe('ok');
    if (settled !== undefined) {
      await worker.query('SELECT settle($1)', [JSON.stringify([{ id, day: reserved.rows[0].day, ...settled }])]);
    }
    return id;
  }
  const list = async (query = '', who = company.admin) => (await plane.call('GET', `/api/audit${query}`, who)).body;

  test('shows a running call at once and one line for it when it has ended, with what it came to', async () => {
    const running = await addCall();
    expect((await list()).data).toMatchObject([
      { request_id: running, kind: 'call', status: null, input_tokens: null, cost_usd: null, sealed: false },
    ]);
    await addCall({
      settled: {
        http_status: 200,
        input_tokens: 10,
        output_tokens: 5,
        cost_nano_usd: 1_500_000,
        cost_basis: 'reported',
        latency_ms: 42,
      },
    });
    const { data } = await list();
    expect(data).toHaveLength(2);
    expect(data[0]).toMatchObject({
      status: 200,
      input_tokens: 10,
      output_tokens: 5,
      cost_usd: '0.0015',
      cost_basis: 'reported',
      latency_ms: 42,
      key_source: 'own',
      last4: 'wxyz',
      operation: 'mail.draft',
    });
  });

  test('one call is found by its request id with the entries of its record', async () => {
    const id = await addCall({ settled: { http_status: 200 } });
    const { body } = await plane.call('GET', `/api/audit/${id}`, company.admin);
    expect(body.events.map(({ kind }: { kind: string }) => kind)).toEqual(['call.started', 'call.settled']);
    expect(body).toMatchObject({ request_id: id, status: 200 });
  });

  test('says of each line whether all of it is in the chain', async () => {
    const id = await addCall({ settled: { http_status: 200 } });
    const events = await owner.query('SELECT id FROM audit_events WHERE request_id = $1 ORDER BY seq', [id]);
    const seal = (n: number) =>
      owner.query("INSERT INTO audit_chain (company_id, n, event_id, hash) VALUES ($1, $2, $3, 'x')", [
        company.id,
        n,
        events.rows[n].id,
      ]);
    await seal(0);
    expect((await list()).data[0].sealed).toBe(false);
    await seal(1);
    expect((await list()).data[0].sealed).toBe(true);
  });

  test('filters by kind, payer, status, person, operation and time', async () => {
    const ok = await addCall({ settled: { http_status: 200 }, user: company.memberId });
    const failed = await addCall({ settled: { http_status: 503 }, source: 'platform', operation: 'reviews.summary' });
    const probe = await addCall({ kind: 'probe', settled: { http_status: 200 } });
    await addCall({ kind: 'models', settled: { http_status: 200 } });
    await plane.call('PUT', '/api/providers/openai/source', company.admin, { source: 'platform' });
    const ids = async (query: string) =>
      (await list(query)).data.map((line: { request_id: string | null; kind: string }) => line.request_id ?? line.kind);
    expect(await ids('')).toEqual(['source.changed', probe, failed, ok]);
    expect(await ids('?kind=call')).toEqual([failed, ok]);
    expect(await ids('?kind=source')).toEqual(['source.changed']);
    expect(await ids('?kind=models')).toHaveLength(1);
    expect(await ids('?payer=platform')).toEqual([failed]);
    expect(await ids('?status=5xx')).toEqual([failed]);
    expect(await ids('?status=200&kind=call')).toEqual([ok]);
    expect(await ids('?status=failed')).toEqual([failed]);
    expect(await ids(`?user=${company.memberId}`)).toEqual([ok]);
    expect(await ids('?q=REVIEWS')).toEqual([failed]);
    expect(await ids(`?q=${ok}`)).toEqual([ok]);
    expect(await ids('?q=%25')).toEqual([]);
    expect(await ids('?from=2100-01-01')).toEqual([]);
    expect(await ids('?to=2000-01-01T00:00:00Z')).toEqual([]);
    expect(await ids(`?actor=${company.adminId}`)).toEqual(['source.changed']);
  });

  test('members see what is theirs alone', async () => {
    const mine = await addCall({ user: company.memberId });
    const others = await addCall({ user: company.adminId });
    expect((await list('', company.member)).data.map(({ request_id }: { request_id: string }) => request_id)).toEqual([
      mine,
    ]);
    expect((await plane.call('GET', `/api/audit/${others}`, company.member)).status).toBe(404);
  });

  test('pages give every line once, also while new ones arrive', async () => {
    const made = new Set<string>();
    for (let i = 0; i < 7; i++) made.add(await addCall());
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await list(`?limit=3${cursor}`);
      seen.push(...page.data.map(({ request_id }: { request_id: string }) => request_id));
      await addCall();
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    expect(seen).toHaveLength(7);
    expect(new Set(seen)).toEqual(made);
  });

  test.each([
    'limit=101',
    'limit=0',
    'cursor=eA',
    'cursor=%27',
    'status=teapot',
    'payer=somebody',
    'from=yesterday',
    `q=${'x'.repeat(201)}`,
  ])('refuses %s', async (query) => {
    const answer = await plane.call('GET', `/api/audit?${query}`, company.admin);
    expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
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
