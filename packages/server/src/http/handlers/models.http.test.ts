import type { Client } from 'pg';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { seedKey, seedPrice } from '../../../../../tests/kit/worker-rows.ts';

const plane = useControlPlane();
let owner: Client;
let company: TestCompany;
let keyId: string;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
});
beforeEach(async () => {
  company = await plane.createCompany();
  keyId = await seedKey(owner, { companyId: company.id, provider: 'openai' });
  await owner.query(
    'INSERT INTO model_lists (key_id, company_id, models, fetched_at, tried_at) VALUES ($1, $2, $3, now(), now())',
    [keyId, company.id, JSON.stringify([{ id: 'priced-model', maxOutputTokens: 4096 }, { id: 'nobody-prices-this' }])],
  );
});

const list = async () => (await plane.call('GET', '/api/models?provider=openai', company.admin)).body.data;

test('a model is listed with its price, context and longest answer, and without them where nobody knows', async () => {
  await seedPrice(owner, { slug: 'openai', model: 'priced-model' });
  await owner.query("UPDATE prices SET context_tokens = 200000 WHERE model = 'priced-model'");
  expect(await list()).toMatchObject([
    {
      id: 'openai/priced-model',
      key_source: 'own',
      listed: 'live',
      input_usd_per_mtok: '1',
      output_usd_per_mtok: '2',
      context_tokens: 200_000,
      max_output_tokens: 4096,
    },
    { id: 'openai/nobody-prices-this', input_usd_per_mtok: null, output_usd_per_mtok: null, context_tokens: null },
  ]);
});

test('what a company says its model costs counts on its own key, not on the shared one', async () => {
  await seedPrice(owner, { slug: 'openai', model: 'priced-model', companyId: company.id, input: 7_000_000_000 });
  expect((await list())[0]).toMatchObject({ key_source: 'own', input_usd_per_mtok: '7' });
  await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
  const shared = await seedKey(owner, { provider: 'openai' });
  await owner.query('INSERT INTO model_lists (key_id, models, fetched_at, tried_at) VALUES ($1, $2, now(), now())', [
    shared,
    JSON.stringify([{ id: 'priced-model' }]),
  ]);
  expect((await list())[0]).toMatchObject({
    key_source: 'platform',
    input_usd_per_mtok: expect.not.stringMatching('7'),
  });
});
