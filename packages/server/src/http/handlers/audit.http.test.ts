import { newId } from '@ownkey/contract/ids';
import { formatUsd } from '@ownkey/contract/money';
import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { EXPORT_LINES_MAX } from '../../domain/audit/export.ts';

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

describe('the audit list', () => {
  interface Made {
    kind?: string;
    user?: string | null;
    settled?: Record<string, unknown>;
    source?: 'own' | 'platform';
    operation?: string;
    keyId?: string;
    last4?: string;
  }

  /** A call as the ledger's own functions leave it. */
  async function addCall({ kind = 'call', user = null, settled, source = 'own', ...more }: Made = {}) {
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
      key_id: more.keyId,
      last4: more.last4 ?? (source === 'own' ? 'wxyz' : null),
      operation: more.operation ?? 'mail.draft',
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
    expect(await ids('?provider=OPENAI&kind=call')).toEqual([failed, ok]);
  });

  test("people are found by our id or the host's, and by ours when they are gone", async () => {
    const host = await plane.createTokenHeaders(['host']);
    const path = `/api/companies/${company.id}/users/ana-7`;
    const { id } = (await plane.call('PUT', path, host, { name: 'Ana' })).body;
    const call = await addCall({ user: id });
    await addCall({ user: company.memberId });
    const calls = async (user: string) =>
      (await list(`?kind=call&user=${user}`)).data.map((line: { request_id: string }) => line.request_id);
    expect(await calls('ana-7')).toEqual([call]);
    expect(await calls(id)).toEqual([call]);
    expect(await calls('ana-8')).toEqual([]);
    expect((await list(`?kind=user&actor=ana-7`)).data).toEqual([]);
    await plane.call('DELETE', path, host);
    expect(await calls(id)).toEqual([call]);
  });

  test('which shared key answered is not told, and not found by its digits or id', async () => {
    const keyId = newId('key');
    const shared = await addCall({ source: 'platform', keyId, last4: 'Zq9x', settled: { http_status: 200 } });
    const own = await addCall({ keyId: newId('key'), last4: 'Zq9x', settled: { http_status: 200 } });
    const found = async (query: string) =>
      (await list(query)).data.map((line: { request_id: string }) => line.request_id);
    expect((await list()).data).toMatchObject([
      { request_id: own, key_source: 'own', last4: 'Zq9x' },
      { request_id: shared, key_source: 'platform', key_id: null, last4: null },
    ]);
    expect(await found('?q=Zq9x')).toEqual([own]);
    expect(await found(`?key_id=${keyId}`)).toEqual([]);
    const one = await plane.call('GET', `/api/audit/${shared}`, company.admin);
    expect(one.status).toBe(200);
    expect(one.text).not.toMatch(new RegExp(`${keyId}|Zq9x`));
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

  /** Fields of one line of CSV, quotes taken off. */
  const cells = (line: string): string[] =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
      (quoted ?? plain ?? '').replaceAll('""', '"'),
    );

  test('as a file holds what its filters leave, equal to the list and to the database, in CSV and JSON alike', async () => {
    const settled = { http_status: 200, input_tokens: 10, cost_nano_usd: 1_500_000, cost_basis: 'reported' };
    for (let i = 0; i < 3; i++) await addCall({ settled });
    await addCall({ settled: { http_status: 503 }, source: 'platform', keyId: newId('key'), last4: 'Zq9x' });
    await plane.call('PUT', '/api/providers/openai/source', company.admin, { source: 'platform' });
    for (const query of ['', '?kind=call', '?payer=platform', '?provider=OPENAI&status=ok', '?to=2000-01-01']) {
      const listed = (await list(query)).data;
      const json = await plane.call('GET', `/api/audit.json${query}`, company.admin);
      expect(json.body.data).toEqual(listed);
      const csv = await plane.call('GET', `/api/audit.csv${query}`, company.admin);
      const [header, ...lines] = csv.text.split('\r\n').slice(0, -1).map(cells);
      const column = (name: string) => lines.map((line) => line[header?.indexOf(name) ?? -1]);
      expect(column('id')).toEqual(listed.map((line: { id: string }) => line.id));
      expect(column('cost_usd')).toEqual(listed.map((line: { cost_usd: string | null }) => line.cost_usd ?? ''));
      expect(csv.text).not.toContain('Zq9x');
    }
    const { rows } = await owner.query('SELECT id, cost_nano_usd FROM requests WHERE company_id = $1 ORDER BY id', [
      company.id,
    ]);
    const csv = await plane.call('GET', '/api/audit.csv?kind=call', company.admin);
    expect(csv.headers['content-disposition']).toBe('attachment; filename="audit.csv"');
    const [header, ...lines] = csv.text.split('\r\n').slice(0, -1).map(cells);
    const at = (name: string) => header?.indexOf(name) ?? -1;
    const inFile = lines.map((line) => [line[at('request_id')], line[at('cost_usd')]]).sort();
    const usd = (nano: string | null): string => (nano === null ? '' : formatUsd(BigInt(nano)));
    expect(inFile).toEqual(rows.map((row) => [row.id, usd(row.cost_nano_usd)]).sort());
  });

  test('as a file has no cell that a spreadsheet runs', async () => {
    await addCall({ operation: '=HYPERLINK("https://evil.example")' });
    const { text } = await plane.call('GET', '/api/audit.csv', company.admin);
    expect(text).toContain(`"'=HYPERLINK(""https://evil.example"")"`);
  });

  test('as a file is a member’s own', async () => {
    const mine = await addCall({ user: company.memberId });
    await addCall({ user: company.adminId });
    const { body } = await plane.call('GET', '/api/audit.json', company.member);
    expect(body.data.map(({ request_id }: { request_id: string }) => request_id)).toEqual([mine]);
    expect((await plane.call('GET', '/api/audit.csv', company.member)).text.trim().split('\r\n')).toHaveLength(2);
  });

  test('is not cut short without a word: too many lines for one file are refused', async () => {
    await owner.query(
      `INSERT INTO audit_events (company_id, kind, actor) SELECT $1, 'settings.changed', 'system' FROM generate_series(1, $2)`,
      [company.id, EXPORT_LINES_MAX],
    );
    const whole = await plane.call('GET', '/api/audit.json', company.admin);
    expect(whole.body.data).toHaveLength(EXPORT_LINES_MAX);
    await addCall();
    const { status, body } = await plane.call('GET', '/api/audit.csv', company.admin);
    expect([status, body.code]).toEqual([400, 'request.invalid']);
    expect(body.title).toContain('20000');
    expect((await plane.call('GET', '/api/audit.csv?kind=call', company.admin)).status).toBe(200);
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
