import type { PriceRates } from '@ownkey/contract/price';
import { PriceBook } from '@ownkey/policy/price-book';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { useTestDatabase } from '../../../../../tests/kit/postgres.ts';
import { type Database, openDatabase } from '../../storage/database.ts';
import { type PriceSeed, type SourcedPrice, seedPrices } from './seed.ts';
import { listStored } from './store.ts';

const postgres = useTestDatabase();
let database: Database;

beforeAll(() => {
  database = openDatabase(postgres.controlUrl, 6);
});
afterAll(() => database.close());
beforeEach(async () => {
  const owner = await postgres.connect('superuser');
  await owner.query('DELETE FROM ownkey.prices');
});

const rates = (input: number): PriceRates => ({
  base: { input, cache_read: input, cache_write_5m: input, cache_write_1h: input, output: 2 * input, request: 0 },
  tiers: [],
  windows: [],
  unbounded: [],
});
const price = (model: string, input: number, over: Partial<SourcedPrice> = {}): SourcedPrice => ({
  slug: 'openai',
  model,
  match: { equals: model },
  rates: rates(input),
  contextTokens: 128_000,
  validFrom: 0,
  endedAt: null,
  position: 0,
  source: 'a list 1.0',
  ...over,
});
const seed = (prices: readonly SourcedPrice[], origin: PriceSeed['origin'] = 'catalogue') =>
  seedPrices(database, { origin, prices });
const versions = async () =>
  (await database.everywhere((sql) => sql.rows('SELECT prices_version, config_version FROM installation')))[0];
const stored = () =>
  database.everywhere((sql) =>
    sql.rows<{ id: string; model: string; ended: boolean; source: string; company_id: string | null }>(
      'SELECT id, model, ended_at <= now() AS ended, source, company_id FROM prices ORDER BY model, created_at, id',
    ),
  );

test('what is stored is what was seeded, and is found as it was meant', async () => {
  const dated = price('b', 7, {
    validFrom: 1000,
    endedAt: Date.parse('2099-01-01'),
    match: { starts_with: 'b' },
    position: 3,
  });
  await seed([price('a', 5), dated]);
  const rows = await database.everywhere((sql) => listStored(sql, { companyId: null }, new Date()));
  expect(rows).toMatchObject([
    { ...price('a', 5), origin: 'catalogue', companyId: null },
    { ...dated, origin: 'catalogue', companyId: null },
  ]);
  expect(new PriceBook(rows).find('openai', 'b-2', Date.now())?.model).toBe('b');
});

test('seeding again writes nothing and moves no version', async () => {
  await seed([price('a', 5), price('b', 7, { endedAt: 1000 })]);
  const before = [await versions(), await stored()];
  await seed([price('b', 7, { endedAt: 1000 }), price('a', 5)]);
  expect([await versions(), await stored()]).toEqual(before);
});

test('a price that changed ends now and another takes its place: rows that calls name stay as they are', async () => {
  await seed([price('a', 5), price('gone', 1)]);
  const [old] = await stored();
  const before = await versions();
  await seed([price('a', 6)]);
  const rows = await stored();
  expect(rows.map(({ model, ended }) => [model, ended === true])).toEqual([
    ['a', true],
    ['a', false],
    ['gone', true],
  ]);
  expect(rows[0]?.id).toBe(old?.id);
  expect(await versions()).not.toEqual(before);
  await seed([price('a', 5)]);
  const open = (await stored()).filter(({ ended }) => ended !== true);
  expect(open.map(({ id }) => id)).toEqual([old?.id]);
});

test('servers that start at once store every price once', async () => {
  const prices = Array.from({ length: 50 }, (_, i) => price(`m${i}`, i));
  await Promise.all(Array.from({ length: 5 }, () => seed(prices)));
  expect(await stored()).toHaveLength(50);
});

test('each origin is seeded apart', async () => {
  await seed([price('a', 5)]);
  await seed([price('a', 5)], 'sandbox');
  await seed([], 'sandbox');
  expect((await stored()).map(({ ended }) => ended === true)).toEqual([false, true]);
});

test('a company reads the prices of all and its own, never those of another, and writes its own alone', async () => {
  const [one, two] = ['co_one', 'co_two'];
  await database.everywhere(async (sql) => {
    for (const id of [one, two])
      await sql.rows('INSERT INTO companies (id, external_id, name, plan) VALUES ($1, $1, $1, $2)', [id, 'pro']);
  });
  await seed([price('a', 5)]);
  const write = (as: string, company: string | null) =>
    database.tenant(as, (sql) =>
      sql.rows(
        `INSERT INTO prices (id, origin, company_id, slug, model, rates) VALUES ($1, $2, $3, 'openai', 'own', $4)`,
        [`price_${as}_${company}`, company === null ? 'operator' : 'company', company, JSON.stringify(rates(1))],
      ),
    );
  await write(one, one);
  await expect(write(one, two)).rejects.toThrow('row-level security');
  await expect(write(one, null)).rejects.toThrow('row-level security');
  const seen = async (as: string) =>
    (await database.tenant(as, (sql) => sql.rows<{ id: string; model: string }>('SELECT id, model FROM prices'))).map(
      ({ model }) => model,
    );
  expect((await seen(one)).sort()).toEqual(['a', 'own']);
  expect(await seen(two)).toEqual(['a']);
  const ended = await database.tenant(two, (sql) => sql.rows('UPDATE prices SET ended_at = now() RETURNING id'));
  expect(ended).toEqual([]);
});
