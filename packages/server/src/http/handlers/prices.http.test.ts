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
let worker: Client;

beforeAll(async () => {
  operator = await plane.createOperatorHeaders();
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  worker = await plane.postgres.connect('worker');
});
beforeEach(async () => {
  company = await plane.createCompany();
  await owner.query("DELETE FROM prices WHERE origin IN ('company', 'operator')");
});

const OWN = { provider: 'openai', model: 'gpt-4o-mini', input_usd_per_mtok: '0.5', output_usd_per_mtok: 1.25 };
const put = (body: object, who: Headers = company.admin, path = '/api/prices') => plane.call('PUT', path, who, body);
const list = async (query = '', who: Headers = company.admin, path = '/api/prices'): Promise<ListedPrice[]> => {
  const answer = await plane.call('GET', `${path}?${query}`, who);
  expect(answer.status).toBe(200);
  return answer.body.data;
};
const ofModel = async (model: string, who: Headers = company.admin) =>
  (await list(`provider=openai&q=${model}`, who)).filter((price) => price.model === model);

/** A call as the ledger's own functions leave it. */
async function addCall(model: string, priceId: string | null, provider = 'openai'): Promise<string> {
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
    provider,
    slug: provider,
    model,
    key_source: 'own',
    price_id: priceId,
    actor: 'tok_of_the_caller',
  };
  const { rows: reserved } = await worker.query('SELECT outcome, day FROM reserve($1)', [JSON.stringify([call])]);
  expect(reserved[0].outcome).toBe('ok');
  const settled = { id, day: reserved[0].day, http_status: 200, price_id: priceId };
  await worker.query('SELECT settle($1)', [JSON.stringify([settled])]);
  return id;
}

describe('the list of prices', () => {
  test('shows what a model costs, where that was read, and that it is in force', async () => {
    const [price] = await ofModel('gpt-4o-mini');
    expect(price).toMatchObject({
      origin: 'catalogue',
      provider: 'openai',
      in_force: true,
      valid_from: null,
      ended_at: null,
      price: {
        input_usd_per_mtok: '0.15',
        cached_input_usd_per_mtok: '0.075',
        cache_write_5m_usd_per_mtok: '0.15',
        output_usd_per_mtok: '0.6',
        request_usd: '0',
        tiers: [],
        windows: [],
        unbounded: [],
      },
    });
    expect(price?.source).toMatch(/^@pydantic\/genai-prices \d/);
    expect(price?.id).toMatch(/^price_[0-9a-f]{20}$/);
  });

  test('takes a provider by id or alias, and a part of a name in any case', async () => {
    const prices = await list('provider=CLAUDE&q=SONNET-4-5');
    expect(prices.map(({ provider, model }) => [provider, model])).toEqual([['anthropic', 'claude-sonnet-4-5']]);
    expect(prices[0]?.price?.tiers.map(({ above_input_tokens }) => above_input_tokens)).toEqual([200_000]);
    expect(await list('provider=no-such-provider')).toEqual([]);
  });

  test('gives every price once over its pages', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await plane.call('GET', `/api/prices?limit=300${cursor}`, company.admin);
      seen.push(...page.body.data.map(({ id }: ListedPrice) => id));
      cursor = page.body.next_cursor === null ? '' : `&cursor=${page.body.next_cursor}`;
    } while (cursor !== '');
    const { rows } = await owner.query(
      'SELECT count(*)::int AS count FROM prices WHERE ended_at IS NULL OR ended_at > now()',
    );
    expect([new Set(seen).size, seen.length]).toEqual([rows[0].count, rows[0].count]);
    expect(seen.length).toBeGreaterThan(800);
  });

  test('names models that were used and have no price: unknown is not 0', async () => {
    await addCall('model-nobody-knows', null);
    await addCall('gpt-4o-mini', null);
    const unknown = await list('unknown=true');
    expect(unknown.map(({ model, price, in_force, id }) => [model, price, in_force, id])).toEqual([
      ['model-nobody-knows', null, false, null],
    ]);
    expect((await list('q=model-nobody-knows')).map(({ price }) => price)).toEqual([null]);
    expect((await list('unknown=true', operator, '/api/operator/prices')).map(({ model }) => model)).toContain(
      'model-nobody-knows',
    );
    const other = await plane.createCompany();
    expect(await list('unknown=true', other.admin)).toEqual([]);
  });

  test.each(['limit=0', 'limit=501', 'cursor=eA', 'cursor=%27', 'unknown=perhaps', `q=${'x'.repeat(201)}`])(
    'refuses %s',
    async (query) => {
      const answer = await plane.call('GET', `/api/prices?${query}`, company.admin);
      expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
    },
  );
});

describe('the price of a call', () => {
  const entry = async (id: string) => (await plane.call('GET', `/api/audit/${id}`, company.admin)).body;

  test('is shown as it was, also when another has replaced it', async () => {
    const before = (await put(OWN)).body;
    const call = await addCall('gpt-4o-mini', before.id);
    await put({ ...OWN, input_usd_per_mtok: 8 });
    expect((await entry(call)).price).toMatchObject({
      basis: 'price',
      id: before.id,
      origin: 'company',
      price: { input_usd_per_mtok: '0.5', output_usd_per_mtok: '1.25' },
    });
  });

  test('is named as the provider’s own word, as unknown, or is none of an event', async () => {
    expect((await entry(await addCall('m', 'provider'))).price).toEqual({
      basis: 'provider',
      id: null,
      origin: null,
      source: null,
      price: null,
    });
    expect((await entry(await addCall('m', null))).price).toBeNull();
    await put(OWN);
    const { body } = await plane.call('GET', '/api/audit?kind=price.changed', company.admin);
    expect((await entry(body.data[0].id)).price).toBeNull();
  });
});
