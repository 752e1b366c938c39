import type { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { setLedgerClock } from '../../../../../tests/kit/ledger-rows.ts';

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
  await setLedgerClock(owner, '2026-05-10T23:59:59.999Z');
});
afterEach(() => setLedgerClock(owner, null));

interface Hour {
  company_id?: string;
  slug?: string;
  model?: string;
  operation?: string;
  user_id?: string;
  key_source?: 'own' | 'platform';
  requests?: number;
  fallbacks?: number;
  unpriced?: number;
  output_tokens?: number;
  cost_nano_usd?: number;
}

async function setHour(hour: string, more: Hour = {}): Promise<void> {
  const row = {
    company_id: company.id,
    slug: 'openai',
    model: 'gpt-4o',
    operation: '',
    user_id: '',
    key_source: 'own',
    requests: 1,
    fallbacks: 0,
    unpriced: 0,
    output_tokens: 0,
    cost_nano_usd: 0,
    ...more,
  };
  await owner.query(
    `INSERT INTO usage_hourly (hour, provider, key_id, errors, estimated, input_tokens, cached_tokens, ${Object.keys(row).join(', ')})
     VALUES ($1, 'x', '', 0, 0, 7, 0, ${Object.keys(row)
       .map((_, index) => `$${index + 2}`)
       .join(', ')})`,
    [hour, ...Object.values(row)],
  );
}

const get = (path = '/api/usage?range=7d', who = company.admin) => plane.call('GET', path, who);

describe('the report', () => {
  test('of a company where nothing ran has every day, and nothing to compare with', async () => {
    const { status, body } = await get();
    expect(status).toBe(200);
    expect(body).toMatchObject({ range: '7d', from: '2026-05-04', to: '2026-05-10', before: null });
    expect(body.days).toHaveLength(7);
    expect(body.days[0]).toMatchObject({ day: '2026-05-04', own: { operations: 0, cost_usd: '0' } });
    expect(body.total).toMatchObject({ operations: 0, own_operations: 0, cost_usd: '0' });
    expect(body.by).toEqual({ provider: [], operation: [], model: [], user: [] });
  });

  test('begins and ends with whole UTC days, and the days before are beside it', async () => {
    await setHour('2026-05-10T23:00:00Z', { requests: 1 });
    await setHour('2026-05-04T00:00:00Z', { requests: 10 });
    await setHour('2026-05-03T23:00:00Z', { requests: 100 });
    await setHour('2026-04-27T00:00:00Z', { requests: 1_000 });
    await setHour('2026-04-26T23:00:00Z', { requests: 10_000 });
    const { body } = await get();
    expect([body.total.operations, body.before.operations]).toEqual([11, 1_100]);
    expect((await get('/api/usage?range=30d')).body).toMatchObject({
      from: '2026-04-11',
      total: { operations: 11_111 },
    });
  });

  test('tells own keys from the shared one, by day and in all, with what is marked', async () => {
    await setHour('2026-05-09T10:00:00Z', { requests: 3, cost_nano_usd: 2 * USD, output_tokens: 5 });
    await setHour('2026-05-09T11:00:00Z', {
      key_source: 'platform',
      requests: 2,
      fallbacks: 2,
      unpriced: 1,
      cost_nano_usd: USD / 2,
    });
    const { body } = await get();
    expect(body.days[5]).toMatchObject({
      day: '2026-05-09',
      own: { operations: 3, cost_usd: '2', input_tokens: 7, output_tokens: 5 },
      platform: { operations: 2, cost_usd: '0.5' },
    });
    expect(body.total).toMatchObject({ operations: 5, own_operations: 3, fallbacks: 2, unpriced: 1, cost_usd: '2.5' });
  });

  test('lists providers, operations, models and people, the most used first, with their names', async () => {
    await setHour('2026-05-09T10:00:00Z', { requests: 2, operation: 'mail.draft', user_id: company.memberId });
    await setHour('2026-05-09T11:00:00Z', { requests: 5, slug: 'lab', model: 'gpt-4o', user_id: 'usr_removed' });
    const { body } = await get();
    expect(body.by.provider).toMatchObject([
      { id: 'lab', name: 'lab', operations: 5 },
      { id: 'openai', name: 'OpenAI', operations: 2 },
    ]);
    expect(body.by.model.map((part: { id: string }) => part.id)).toEqual(['lab/gpt-4o', 'openai/gpt-4o']);
    expect(body.by.operation).toMatchObject([
      { id: '', name: null },
      { id: 'mail.draft', name: 'mail.draft' },
    ]);
    expect(body.by.user).toMatchObject([
      { id: 'usr_removed', name: null },
      { id: company.memberId, name: 'Max' },
    ]);
  });

  test('of very many models lists a hundred and says how many more there are', async () => {
    for (let index = 0; index < 103; index++) await setHour('2026-05-09T10:00:00Z', { model: `m-${index}` });
    const { body } = await get();
    expect([body.by.model.length, body.more.model, body.more.provider]).toEqual([100, 3, 0]);
  });

  test('is narrowed to a provider, an operation, a person by either id, and to calls without one', async () => {
    await setHour('2026-05-09T10:00:00Z', { requests: 1, operation: 'a', user_id: company.memberId });
    await setHour('2026-05-09T11:00:00Z', { requests: 10, slug: 'lab' });
    const count = async (query: string) => (await get(`/api/usage?range=7d&${query}`)).body.total.operations;
    expect(await count('provider=lab')).toBe(10);
    expect(await count('operation=a')).toBe(1);
    expect(await count('operation=')).toBe(10);
    expect(await count(`user=${company.memberId}`)).toBe(1);
    expect(await count(`user=member-${company.externalId}`)).toBe(1);
    expect(await count('user=')).toBe(10);
  });

  test('shows members their own, whoever they ask for', async () => {
    await setHour('2026-05-09T10:00:00Z', { requests: 4, user_id: company.memberId });
    await setHour('2026-05-09T11:00:00Z', { requests: 8, user_id: company.adminId });
    expect((await get(undefined, company.member)).body.total.operations).toBe(4);
    const other = await get(`/api/usage?user=${company.adminId}`, company.member);
    expect([other.status, other.body.code]).toEqual([403, 'auth.role']);
  });

  test('of one company holds nothing of another, and knows nobody of it', async () => {
    await setHour('2026-05-09T10:00:00Z', { requests: 4, user_id: company.memberId });
    const other = await plane.createCompany();
    expect((await get(undefined, other.admin)).body.total.operations).toBe(0);
    const foreign = await get(`/api/usage?user=${company.memberId}`, other.admin);
    const nobody = await get('/api/usage?user=usr_nobody', other.admin);
    expect([foreign.status, foreign.text]).toEqual([404, nobody.text]);
  });

  test.each(['range=8d', 'range=', `provider=${'x'.repeat(65)}`])('refuses %s', async (query) => {
    const { status, body } = await get(`/api/usage?${query}`);
    expect([status, body.code]).toEqual([400, 'request.invalid']);
  });
});

describe('the exports', () => {
  test('hold every line of the range, equal to the hourly sums, in CSV and JSON alike', async () => {
    await setHour('2026-05-09T10:00:00Z', { requests: 2, operation: 'mail.draft', cost_nano_usd: USD });
    await setHour('2026-05-09T11:00:00Z', { requests: 3, operation: 'mail.draft', cost_nano_usd: USD });
    await setHour('2026-05-10T11:00:00Z', { key_source: 'platform', fallbacks: 1 });
    await setHour('2026-05-01T11:00:00Z');
    const csv = await get('/api/usage.csv?range=7d');
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(csv.headers['content-disposition']).toBe('attachment; filename="usage-2026-05-04-to-2026-05-10.csv"');
    expect(csv.text.split('\r\n')).toEqual([
      'day,provider,model,operation,user,key_source,operations,errors,input_tokens,cached_tokens,output_tokens,cost_usd,fallbacks,unpriced,estimated',
      '2026-05-09,openai,gpt-4o,mail.draft,,own,5,0,14,0,0,2,0,0,0',
      '2026-05-10,openai,gpt-4o,,,platform,1,0,7,0,0,0,1,0,0',
      '',
    ]);
    const json = await get('/api/usage.json?range=7d');
    expect(json.body.data).toMatchObject([
      { day: '2026-05-09', operation: 'mail.draft', operations: 5, cost_usd: '2' },
      { day: '2026-05-10', key_source: 'platform', fallbacks: 1 },
    ]);
  });

  test('have no cell that a spreadsheet runs, and quote what needs it', async () => {
    await setHour('2026-05-09T10:00:00Z', { operation: '=HYPERLINK("https://evil.example")', model: 'a,b' });
    const { text } = await get('/api/usage.csv?range=7d');
    expect(text).toContain('openai,"a,b","\'=HYPERLINK(""https://evil.example"")",');
  });

  test('are a member’s own', async () => {
    await setHour('2026-05-09T10:00:00Z', { user_id: company.adminId });
    const { text } = await get('/api/usage.csv?range=7d', company.member);
    expect(text.trim().split('\r\n')).toHaveLength(1);
  });
});
