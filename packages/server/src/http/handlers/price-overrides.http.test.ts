import type { ListedPrice } from '@ownkey/contract/api/prices';
import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';

const plane = useControlPlane();
type Headers = Readonly<Record<string, string>>;
let company: TestCompany;
let operator: Headers;
let owner: Client;

beforeAll(async () => {
  operator = await plane.createOperatorHeaders();
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
});
beforeEach(async () => {
  company = await plane.createCompany();
  await owner.query("DELETE FROM prices WHERE origin IN ('company', 'operator')");
});

const OWN = { provider: 'openai', model: 'gpt-4o-mini', input_usd_per_mtok: '0.5', output_usd_per_mtok: 1.25 };
const put = (body: object, who: Headers = company.admin, path = '/api/prices') => plane.call('PUT', path, who, body);
const putOperator = (body: object) => put(body, operator, '/api/operator/prices');
const list = async (query = '', who: Headers = company.admin, path = '/api/prices'): Promise<ListedPrice[]> => {
  const answer = await plane.call('GET', `${path}?${query}`, who);
  expect(answer.status).toBe(200);
  return answer.body.data;
};
const ofModel = async (model: string, who: Headers = company.admin) =>
  (await list(`provider=openai&q=${model}`, who)).filter((price) => price.model === model);
const inForce = async (model: string, who: Headers = company.admin) =>
  (await ofModel(model, who)).filter((price) => price.in_force).map(({ origin }) => origin);

describe('a price of one’s own', () => {
  test('comes before the operator’s, and that before the catalogue’s, for this company alone', async () => {
    expect(await inForce('gpt-4o-mini')).toEqual(['catalogue']);
    expect((await putOperator({ ...OWN, input_usd_per_mtok: 3 })).body).toMatchObject({
      origin: 'operator',
      in_force: true,
    });
    expect(await inForce('gpt-4o-mini')).toEqual(['operator']);
    const set = await put({ ...OWN, provider: 'OpenAI', request_usd: '0.000000001' });
    expect(set.status).toBe(200);
    expect(set.body).toMatchObject({
      origin: 'company',
      provider: 'openai',
      in_force: true,
      ended_at: null,
      price: {
        input_usd_per_mtok: '0.5',
        cached_input_usd_per_mtok: '0.5',
        cache_write_1h_usd_per_mtok: '0.5',
        output_usd_per_mtok: '1.25',
        request_usd: '0.000000001',
      },
    });
    expect(await inForce('gpt-4o-mini')).toEqual(['company']);
    const other = await plane.createCompany();
    expect(await inForce('gpt-4o-mini', other.admin)).toEqual(['operator']);
    expect((await ofModel('gpt-4o-mini', other.admin)).map(({ origin }) => origin)).not.toContain('company');
    const operators = await list('q=gpt-4o-mini&provider=openai', operator, '/api/operator/prices');
    expect(operators.map(({ origin }) => origin)).not.toContain('company');
  });

  test('is replaced by another row: the one before ends and keeps its figures', async () => {
    const before = (await put(OWN)).body;
    const after = (await put({ ...OWN, input_usd_per_mtok: '0.7' })).body;
    expect(after.id).not.toBe(before.id);
    const { rows } = await owner.query(
      'SELECT id, ended_at IS NOT NULL AS ended, (rates->$1->>$2)::bigint::text AS input FROM prices WHERE company_id = $3 ORDER BY ended_at',
      ['base', 'input', company.id],
    );
    expect(rows).toEqual([
      { id: before.id, ended: true, input: '500000000' },
      { id: after.id, ended: false, input: '700000000' },
    ]);
  });

  test('moves the company’s version, so that the next call is priced with it', async () => {
    const version = async () =>
      (await owner.query('SELECT config_version FROM companies WHERE id = $1', [company.id])).rows[0].config_version;
    const before = await version();
    await put(OWN);
    expect(await version()).not.toBe(before);
  });

  test('may lie ahead: until then the one before holds', async () => {
    await put(OWN);
    const from = new Date(Date.now() + 86_400_000).toISOString();
    const set = (await put({ ...OWN, input_usd_per_mtok: 9, valid_from: from })).body;
    expect(set).toMatchObject({ in_force: false, valid_from: from });
    const own = (await ofModel('gpt-4o-mini')).filter(({ origin }) => origin === 'company');
    expect(own.map(({ in_force, ended_at }) => [in_force, ended_at])).toEqual([
      [true, from],
      [false, null],
    ]);
  });

  test('may lie back as far as the start of the month', async () => {
    const { rows } = await owner.query(
      "SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS start",
    );
    const start: Date = rows[0].start;
    expect((await put({ ...OWN, valid_from: start.toISOString() })).status).toBe(200);
    const early = await put({ ...OWN, valid_from: new Date(start.getTime() - 1).toISOString() });
    expect([early.status, early.body.code, early.body.param]).toEqual([400, 'request.invalid', 'valid_from']);
  });

  test('is removed with all that was to come, and what holds without it is told', async () => {
    await put(OWN);
    await put({ ...OWN, valid_from: new Date(Date.now() + 86_400_000).toISOString() });
    const removed = await put({ provider: 'openai', model: 'gpt-4o-mini', remove: true });
    expect(removed.body).toMatchObject({ origin: 'catalogue', in_force: true });
    expect((await ofModel('gpt-4o-mini')).map(({ origin }) => origin)).toEqual(['catalogue']);
    const none = await put({ provider: 'openai', model: 'never-heard-of', remove: true });
    expect(none.body).toMatchObject({ price: null, in_force: false });
  });

  test('can be 0, which is known and not the same as unknown', async () => {
    const free = { provider: 'openai', model: 'free-model', input_usd_per_mtok: 0, output_usd_per_mtok: '0' };
    expect((await put(free)).body).toMatchObject({ in_force: true, price: { input_usd_per_mtok: '0' } });
  });

  test('leaves what no limit bounds as it is known', async () => {
    const set = await put({ ...OWN, provider: 'perplexity', model: 'sonar-deep-research' });
    expect(set.body.price.unbounded).toEqual(['citations', 'reasoning', 'searches']);
  });

  test('is set for a custom endpoint of the company, and of no other', async () => {
    await owner.query(
      `INSERT INTO keys (id, owner, company_id, provider, slug, destination, base_url)
       VALUES ($1, 'company', $2, 'custom', 'in-house', 'https://ai.example', 'https://ai.example/v1')`,
      [newId('key'), company.id],
    );
    const body = { ...OWN, provider: 'in-house', model: 'llama' };
    expect((await put(body)).body).toMatchObject({ provider: 'in-house', model: 'llama', in_force: true });
    const other = await plane.createCompany();
    const refused = [
      await put(body, other.admin),
      await put({ ...body, provider: 'nowhere' }, other.admin),
      await putOperator(body),
    ];
    expect(refused.map(({ status, body: answer }) => [status, answer.code, answer.param])).toEqual(
      Array.from({ length: 3 }, () => [400, 'request.invalid', 'provider']),
    );
  });

  test('set at once by many is one price in force', async () => {
    await Promise.all(Array.from({ length: 6 }, (_, i) => put({ ...OWN, input_usd_per_mtok: i })));
    expect(await inForce('gpt-4o-mini')).toEqual(['company']);
    const { rows } = await owner.query('SELECT 1 FROM prices WHERE company_id = $1 AND ended_at IS NULL', [company.id]);
    expect(rows).toHaveLength(1);
  });

  test('is recorded with who set it', async () => {
    await put(OWN);
    await put({ provider: 'openai', model: 'gpt-4o-mini', remove: true });
    const { body } = await plane.call('GET', '/api/audit?kind=price', company.admin);
    expect(body.data).toMatchObject([
      {
        kind: 'price.changed',
        actor: company.adminId,
        provider: 'openai',
        detail: { model: 'gpt-4o-mini', removed: true },
      },
      {
        kind: 'price.changed',
        detail: { model: 'gpt-4o-mini', input_usd_per_mtok: '0.5', output_usd_per_mtok: '1.25' },
      },
    ]);
  });

  test('is for admins to set', async () => {
    const answer = await put(OWN, company.member);
    expect([answer.status, answer.body.code]).toEqual([403, 'auth.role']);
  });

  test.each([
    ['input_usd_per_mtok', -1],
    ['input_usd_per_mtok', '-1'],
    ['input_usd_per_mtok', 'NaN'],
    ['input_usd_per_mtok', null],
    ['input_usd_per_mtok', '1e3'],
    ['input_usd_per_mtok', '0x10'],
    ['input_usd_per_mtok', ''],
    ['input_usd_per_mtok', true],
    ['output_usd_per_mtok', 1_000_000.1],
    ['output_usd_per_mtok', '1000001'],
    ['output_usd_per_mtok', undefined],
    ['cached_input_usd_per_mtok', '0.0000000001'],
    ['cache_write_5m_usd_per_mtok', [1]],
    ['cache_write_1h_usd_per_mtok', 1e300],
    ['request_usd', '1,5'],
    ['model', ''],
    ['model', '   '],
    ['model', 'a\u0000b'],
    ['provider', ''],
    ['valid_from', 'tomorrow'],
    ['valid_from', '2026-02-30T00:00:00Z'],
    ['remove', false],
    ['remove', true],
  ])('with %s %j is refused, naming the field, and nothing is set', async (field, value) => {
    const answer = await put({ ...OWN, [field]: value });
    expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
    expect(answer.body.param).toBe(field === 'remove' && value === true ? 'input_usd_per_mtok' : field);
    expect((await owner.query('SELECT 1 FROM prices WHERE company_id = $1', [company.id])).rows).toEqual([]);
  });

  test('a field nobody knows is refused', async () => {
    expect((await put({ ...OWN, currency: 'EUR' })).body.code).toBe('request.invalid');
  });
});
