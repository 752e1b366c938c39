import { join } from 'node:path';
import { PriceBook } from '@ownkey/policy/price-book';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useTestDatabase } from '../../../../../tests/kit/postgres.ts';
import { useSandbox } from '../../../../../tests/kit/sandbox.ts';
import { type Database, openDatabase } from '../../storage/database.ts';
import { buildPrices } from './build-prices.ts';
import { readSandboxPrices, type SandboxPrice, seedSandboxPrices } from './sandbox.ts';
import { seedPrices } from './seed.ts';
import { listStored } from './store.ts';

const postgres = useTestDatabase();
const sandbox = useSandbox();
const CATALOGUE = join(import.meta.dirname, '../../../../../catalogue');
let database: Database;
let told: SandboxPrice[];

beforeAll(async () => {
  database = openDatabase(postgres.controlUrl, 2);
  const answer = (await (await fetch(`${sandbox().url}/_prices`)).json()) as { data: unknown };
  told = readSandboxPrices(answer.data);
  await seedPrices(database, { origin: 'catalogue', prices: buildPrices(CATALOGUE, loadCatalogue(CATALOGUE)) });
  await seedSandboxPrices(database, told);
});
afterAll(() => database.close());

const book = async () => {
  const rows = await database.everywhere((sql) => listStored(sql, { companyId: null }, new Date()));
  return new PriceBook(rows);
};

test('the model each simulated provider is tried with has a price', async () => {
  const prices = await book();
  const without = Object.entries(sandbox().keys.providers).filter(
    ([id, { model }]) => prices.find(id, model, Date.now()) === null,
  );
  expect(without).toEqual([]);
});

test('models the price library does not know have the price of the sandbox, and all others that of the library', async () => {
  const prices = await book();
  const of = (slug: string, model: string) => {
    const row = prices.find(slug, model, Date.now());
    return row === null ? null : [row.origin, row.rates.base.input, row.rates.base.output];
  };
  expect(of('nvidia', 'meta/llama-3.1-8b-instruct')).toEqual(['sandbox', 50_000_000, 50_000_000]);
  expect(of('together', 'openai/gpt-oss-20b')).toEqual(['sandbox', 50_000_000, 200_000_000]);
  expect(of('openrouter', 'openai/gpt-4o-mini')).toEqual(['catalogue', 150_000_000, 600_000_000]);
});

test('one model stays without any, so that the unknown can be seen', async () => {
  expect((await book()).find('nvidia', 'openai/gpt-oss-20b', Date.now())).toBeNull();
});

test('what the sandbox tells again changes nothing', async () => {
  const rows = () => database.everywhere((sql) => sql.rows('SELECT id, ended_at FROM prices ORDER BY id'));
  const before = await rows();
  await seedSandboxPrices(database, told);
  expect(await rows()).toEqual(before);
});

test('what is none of its prices is left out', () => {
  const price = { provider: 'p', model: 'm', input_usd_per_mtok: 1, output_usd_per_mtok: 2, request_usd: 0 };
  const broken = [
    null,
    'x',
    {},
    { ...price, input_usd_per_mtok: '1' },
    { ...price, request_usd: -1 },
    { ...price, model: 7 },
  ];
  expect(readSandboxPrices([...broken, price])).toEqual([price]);
  expect(readSandboxPrices(undefined)).toEqual([]);
});
