import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { seedKey } from '../../../../../tests/kit/worker-rows.ts';

const plane = useControlPlane();
let owner: Client;
let company: TestCompany;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
});
beforeEach(async () => {
  company = await plane.createCompany();
  await seedKey(owner, { companyId: company.id, provider: 'openai' });
});

const put = (name: string, model: string | null, headers = company.admin) =>
  plane.call('PUT', `/api/operations/${encodeURIComponent(name)}/model`, headers, { model });
const list = async (who = company.admin) => (await plane.call('GET', '/api/operations', who)).body.data;

describe('the model of an operation', () => {
  test('is listed beside the operations that were called, the choice for all others first', async () => {
    await owner.query(
      `INSERT INTO usage_hourly (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source, requests)
       VALUES ($1, now(), 'openai', 'openai', 'm', 'reviews.summary', '', '', 'own', 7)`,
      [company.id],
    );
    await put('mail.draft', 'openai/gpt-4o');
    expect(await list()).toMatchObject([
      { name: '', model: null, operations: 0 },
      { name: 'reviews.summary', model: null, operations: 7, last_used_on: expect.any(String) },
      { name: 'mail.draft', model: 'openai/gpt-4o', key_source: 'own', operations: 0, changed_by: 'Ana' },
    ]);
  });

  test('is changed and cleared, on record each time', async () => {
    await put('default', 'openai/gpt-4o');
    expect(await list()).toMatchObject([{ name: '', model: 'openai/gpt-4o' }]);
    expect((await put('default', null)).body).toMatchObject({ name: '', model: null });
    const { rows } = await owner.query(
      "SELECT data FROM audit_events WHERE company_id = $1 AND kind = 'operation.model_chosen' ORDER BY seq",
      [company.id],
    );
    expect(rows.map(({ data }) => data)).toEqual([
      { operation: '', from: null, to: 'openai/gpt-4o' },
      { operation: '', from: 'openai/gpt-4o', to: null },
    ]);
  });

  test('is not changed on an older state', async () => {
    const { body } = await put('mail.draft', 'openai/gpt-4o');
    expect(body.etag).toBe('"1"');
    const late = await put('mail.draft', 'openai/gpt-4o-mini', { ...company.admin, 'if-match': '"0"' });
    expect([late.status, late.body.code, late.body.who]).toEqual([409, 'conflict.changed', 'Ana']);
    expect((await list())[1]).toMatchObject({ model: 'openai/gpt-4o' });
  });

  test.each([
    ['a bare name', 'gpt-4o', 400, 'request.invalid'],
    ['a provider nobody knows', 'nobody/gpt-4o', 400, 'request.invalid'],
    ['a provider without any key', 'mistral/mistral-small-latest', 409, 'key.missing'],
    ['something too short', 'a', 400, 'request.invalid'],
  ])('is not %s', async (_name, model, _status, code) => {
    const answer = await put('mail.draft', model);
    expect(answer.body.code).toBe(code);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await list()).toMatchObject([{ name: '', model: null }]);
  });

  test('is for admins to choose, and for members to read', async () => {
    expect((await put('mail.draft', 'openai/gpt-4o', company.member)).body.code).toBe('auth.role');
    await put('mail.draft', 'openai/gpt-4o');
    expect((await list(company.member))[1]).toMatchObject({ name: 'mail.draft' });
    const other = await plane.createCompany();
    expect(await list(other.admin)).toMatchObject([{ name: '', model: null }]);
  });
});
