import { newId } from '@ownkey/contract/ids';
import { beforeAll, describe, expect, test } from 'vitest';
import { useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { runFakeJobs, storeKey, type TakenJob, VALID_PROBE } from '../../../../../tests/kit/fake-jobs.ts';
import { createSealingKey, sealFor } from '../../../../../tests/kit/sealing.ts';

const plane = useControlPlane();
let operator: Readonly<Record<string, string>>;
let taken: TakenJob[];
let sealing: { kid: string; publicKey: string };

beforeAll(async () => {
  operator = await plane.createOperatorHeaders();
  const worker = await plane.postgres.connect('worker');
  sealing = await createSealingKey(worker);
  const jobs = await runFakeJobs(worker, async (job, client) => {
    await storeKey(client, job);
    return { done: { key_id: job.payload.key_id, last4: 'abcd', probe: VALID_PROBE } };
  });
  taken = jobs.taken;
});

describe('plans', () => {
  test('are made, changed by what is named alone, and reach every company on them at its next call', async () => {
    const version = async () =>
      Number(
        (
          await plane.database.everywhere((sql) =>
            sql.rows<{ v: string }>('SELECT config_version AS v FROM installation'),
          )
        )[0]?.v,
      );
    const made = await plane.call('PUT', '/api/operator/plans/team', operator, {
      name: 'Team',
      byok: true,
      credits_usd: 12.5,
    });
    expect([made.status, made.body]).toMatchObject([
      201,
      { id: 'team', byok: true, credits_usd: '12.5', platform_models: null },
    ]);
    const before = await version();
    const body = { byok: false, upgrade_url: 'https://example.com/upgrade', credits_usd: null };
    const changed = await plane.call('PUT', '/api/operator/plans/team', operator, body);
    expect([changed.status, changed.body]).toMatchObject([200, { ...made.body, ...body }]);
    expect(await version()).toBeGreaterThan(before);
    const company = await plane.createCompany('team');
    const { body: providers } = await plane.call('GET', '/api/providers', company.admin);
    expect(providers.data[0].gated).toEqual({
      code: 'plan.upgrade_required',
      plan: 'Team',
      upgrade_url: body.upgrade_url,
    });
  });

  test('are removed when nobody is on them, and refused while somebody is', async () => {
    await plane.call('PUT', '/api/operator/plans/short-lived', operator, {});
    await plane.createCompany('short-lived');
    const used = await plane.call('DELETE', '/api/operator/plans/short-lived', operator);
    expect([used.status, used.body.code]).toEqual([409, 'conflict.in_use']);
    await plane.call('PUT', '/api/operator/plans/unused', operator, {});
    expect((await plane.call('DELETE', '/api/operator/plans/unused', operator)).status).toBe(204);
    expect((await plane.call('GET', '/api/operator/plans/unused', operator)).status).toBe(404);
  });

  test.each([
    [{ credits_usd: -1 }],
    [{ credits_usd: '1e5' }],
    [{ credits_usd: '999999999999' }],
    [{ requests_per_minute: 0 }],
    [{ upgrade_url: 'javascript:alert(1)' }],
    [{ byok_providers: 'openai' }],
  ])('refuse %j', async (body) => {
    expect((await plane.call('PUT', '/api/operator/plans/team', operator, body)).body.code).toBe('request.invalid');
  });
});

describe('shared keys', () => {
  const connect = async (body: Record<string, unknown> = {}, company = 'platform') =>
    plane.call('POST', '/api/operator/platform-keys', operator, {
      provider: 'openai',
      sealed_key: await sealFor(sealing, company, 'openai'),
      ...body,
    });

  test('go the same sealed way, belong to no company, and are seen by none', async () => {
    const sealingKey = await plane.call('GET', '/api/operator/sealing-key', operator);
    expect(sealingKey.body).toMatchObject({ company: 'platform', user: null, kid: sealing.kid });
    const made = await connect();
    expect([made.status, made.body]).toMatchObject([201, { scope: 'platform', user: null, stored: true }]);
    expect(taken.at(-1)).toMatchObject({ company_id: null, payload: { owner: 'platform' } });
    const company = await plane.createCompany();
    expect((await plane.call('GET', '/api/keys', company.admin)).body.data).toEqual([]);
    expect((await plane.call('GET', `/api/keys/${made.body.id}`, company.admin)).status).toBe(404);
    expect((await plane.call('DELETE', `/api/keys/${made.body.id}`, company.admin)).status).toBe(404);
    const { body } = await plane.call('GET', '/api/providers', company.admin);
    expect(body.data.find(({ id }: { id: string }) => id === 'openai')).toMatchObject({
      platform_key: true,
      payer: 'platform',
    });
    expect((await plane.call('DELETE', `/api/operator/platform-keys/${made.body.id}`, operator)).status).toBe(204);
  });

  test('are for providers of the catalogue alone, and not sealed for a company', async () => {
    const custom = await connect({ provider: 'custom', slug: 'lab', base_url: 'https://llm.example.com/v1' });
    expect(custom.body.code).toBe('request.invalid');
    expect((await connect({}, newId('company'))).body.code).toBe('seal.invalid');
    expect((await connect({ scope: 'user' })).body.code).toBe('request.invalid');
  });

  test("a company's own key is not among them", async () => {
    const company = await plane.createCompany();
    const sealed_key = await sealFor(sealing, company.id, 'groq');
    const { body } = await plane.call('POST', '/api/keys', company.admin, { provider: 'groq', sealed_key });
    for (const method of ['GET', 'DELETE']) {
      expect((await plane.call(method, `/api/operator/platform-keys/${body.id}`, operator)).status).toBe(404);
    }
  });
});

test('companies are listed the newest first, in pages, and found by name or id', async () => {
  const made = [await plane.createCompany(), await plane.createCompany(), await plane.createCompany()];
  const first = await plane.call('GET', '/api/operator/companies?limit=2', operator);
  expect(first.body.data.map(({ id }: { id: string }) => id)).toEqual([made[2]?.id, made[1]?.id]);
  const next = await plane.call('GET', `/api/operator/companies?limit=2&cursor=${first.body.next_cursor}`, operator);
  expect(next.body.data[0].id).toBe(made[0]?.id);
  const found = await plane.call('GET', `/api/operator/companies?q=${made[1]?.externalId}`, operator);
  expect(found.body.data).toMatchObject([{ id: made[1]?.id, users: 2, keys: 0 }]);
});

describe('tokens above companies', () => {
  test('work with their scopes alone', async () => {
    const made = await plane.call('POST', '/api/operator/tokens', operator, { name: 'backend', scopes: ['host'] });
    expect(made.body.token).toMatch(/^oky_host_[0-9A-Za-z]{38}$/);
    const host = { authorization: `Bearer ${made.body.token}` };
    expect((await plane.call('PUT', '/api/companies/made-by-host', host, {})).status).toBe(201);
    expect((await plane.call('GET', '/api/operator/plans', host)).body.code).toBe('auth.scope');
    expect((await plane.call('DELETE', `/api/operator/tokens/${made.body.id}`, operator)).status).toBe(204);
    expect((await plane.call('GET', '/api/companies/made-by-host', host)).status).toBe(401);
  });

  test('have no scope of a company', async () => {
    const body = { name: 'x', scopes: ['inference'] };
    expect((await plane.call('POST', '/api/operator/tokens', operator, body)).body.code).toBe('request.invalid');
  });
});
