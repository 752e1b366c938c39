import { join } from 'node:path';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { PriceLoader } from '@ownkey/worker/access/load-spend';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useTestDatabase } from '../../../../../tests/kit/postgres.ts';
import { type Database, openDatabase } from '../../storage/database.ts';
import { buildPrices } from './build-prices.ts';
import { libraryPrices } from './library.ts';
import { seedPrices } from './seed.ts';

const postgres = useTestDatabase();
const CATALOGUE = join(import.meta.dirname, '../../../../../catalogue');
const catalogue = loadCatalogue(CATALOGUE);
const MODEL = 'meta-llama/Llama-3.3-70B-Instruct-Turbo';
let database: Database;
let worker: Client;
let loader: PriceLoader;

beforeAll(async () => {
  database = openDatabase(postgres.controlUrl, 2);
  worker = await postgres.connect('worker');
  await worker.query('SET search_path = ownkey');
  loader = new PriceLoader(worker);
});
afterAll(() => database.close());

const seed = (prices: ReturnType<typeof buildPrices>) => seedPrices(database, { origin: 'catalogue', prices });

/** What a gateway prices the next call with. */
async function priceNow() {
  const { rows } = await worker.query<{ version: string }>('SELECT prices_version::text AS version FROM installation');
  return (await loader.book(rows[0]?.version ?? '')).find('together', MODEL, Date.now());
}
const stored = () =>
  database.everywhere((sql) =>
    sql.rows<{ source: string; ended: boolean; corrects: boolean }>(
      `SELECT source, ended_at IS NOT NULL AS ended, match IS NULL AS corrects FROM prices
       WHERE slug = 'together' AND model = $1 ORDER BY match IS NULL`,
      [MODEL],
    ),
  );

test('a written price is what the gateway finds until it is removed; then its row ends and the library’s counts', async () => {
  const all = buildPrices(CATALOGUE, catalogue);
  await seed(all);
  expect(await priceNow()).toMatchObject({
    origin: 'catalogue',
    match: null,
    rates: { base: { input: 1_040_000_000 } },
  });
  const [library, written] = await stored();
  expect(library?.source).toMatch(/^@pydantic\/genai-prices \d/);
  expect(written).toMatchObject({
    source: expect.stringMatching(/^https:\/\/\S+, read \d{4}-\d\d-\d\d$/),
    ended: false,
    corrects: true,
  });

  await seed(libraryPrices(catalogue));
  expect((await priceNow())?.rates.base.input).toBe(880_000_000);
  expect((await stored()).map(({ corrects, ended }) => [corrects, ended])).toEqual([
    [false, false],
    [true, true],
  ]);

  await seed(all);
  expect((await priceNow())?.rates.base.input).toBe(1_040_000_000);
});
