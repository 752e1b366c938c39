import { join } from 'node:path';
import { formatUsd } from '@ownkey/contract/money';
import type { PriceRow } from '@ownkey/contract/price';
import { costOf } from '@ownkey/policy/price';
import { PriceBook } from '@ownkey/policy/price-book';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { loadPrices, type WrittenPrice } from '@ownkey/providers/catalogue-prices';
import { expect, test } from 'vitest';
import { buildPrices, writtenPrices } from './build-prices.ts';
import type { SeedPrice } from './convert-model.ts';
import { libraryPrices } from './library.ts';

const CATALOGUE = join(import.meta.dirname, '../../../../../catalogue');
const catalogue = loadCatalogue(CATALOGUE);
const library = libraryPrices(catalogue);

const bookOf = (prices: readonly SeedPrice[]) =>
  new PriceBook(
    prices.map((price, i): PriceRow => ({ ...price, id: String(i), origin: 'catalogue', companyId: null })),
  );
const READ = { source: 'https://provider.example/pricing', read_on: '2026-11-28' };
const convert = (price: Omit<WrittenPrice, 'source' | 'read_on'>, known: readonly SeedPrice[] = []) => {
  const [row] = writtenPrices(new Map([['openai', [{ ...price, ...READ }]]]), known);
  if (row === undefined) throw new Error('no row');
  return row;
};
const at = (time: string): number => Date.parse(`2026-11-28T${time}:00Z`);
const MILLION = { input: 1_000_000, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 };

test('a written price comes before that of the library, and only for its very name', () => {
  const model = 'meta-llama/Llama-3.3-70B-Instruct-Turbo';
  const books = [bookOf(library), bookOf(buildPrices(CATALOGUE, catalogue))];
  const inputOf = (name: string) => books.map((book) => book.find('together', name, at('12:00'))?.rates.base.input);
  expect(inputOf(model)).toEqual([880_000_000, 1_040_000_000]);
  expect(inputOf(`Meta-${model}`)).toEqual([undefined, undefined]);
  expect(inputOf('meta-llama/Meta-Llama-3.3-70B-Instruct-Turbo')).toEqual([880_000_000, 880_000_000]);
});

test('every shipped price says something else than the library: what the library has caught up with is to be removed', () => {
  const before = bookOf(library);
  const same = writtenPrices(loadPrices(CATALOGUE, catalogue), library).filter(({ slug, model, rates }) => {
    const known = before.find(slug, model, at('12:00'));
    return known !== null && JSON.stringify(known.rates) === JSON.stringify(rates);
  });
  expect(same).toEqual([]);
});

test('amounts are exact, and rates that are not given are what those tokens cost all the same', () => {
  const row = convert({
    model: 'm',
    input: '0.083333333',
    output: '1000000',
    cache_write_5m: '0.1',
    request: '0.000000001',
    tiers: [{ above_input_tokens: 5, input: '2', cached_input: '0.3', output: '4' }],
  });
  expect(row).toMatchObject({ match: null, validFrom: 0, endedAt: null });
  expect(row.source).toBe('https://provider.example/pricing, read 2026-11-28');
  expect(row.rates).toEqual({
    base: {
      input: 83_333_333,
      cache_read: 83_333_333,
      cache_write_5m: 100_000_000,
      cache_write_1h: 166_666_666,
      output: 1e15,
      request: 1,
    },
    tiers: [
      {
        above: 5,
        rates: { input: 2e9, cache_read: 3e8, cache_write_5m: 2e9, cache_write_1h: 2e9, output: 4e9, request: 1 },
      },
    ],
    windows: [],
    unbounded: [],
  });
});

test('hours of the day have their own price, from their first minute to the one before their last', () => {
  const book = bookOf(buildPrices(CATALOGUE, catalogue));
  const cost = (time: string) => {
    const row = book.find('deepseek', 'deepseek-chat', at(time));
    return row === null ? null : formatUsd(costOf(row.rates, MILLION, at(time)));
  };
  expect(['00:59', '01:00', '03:59', '04:00', '06:00', '09:59', '10:00'].map(cost)).toEqual([
    '0.15',
    '0.3',
    '0.3',
    '0.15',
    '0.3',
    '0.3',
    '0.15',
  ]);
});

test('what a model charges beside its tokens and how long its context is stay as the library knows it', () => {
  const known = convert({ model: 'm', input: '1', output: '1' });
  const rates = { ...known.rates, unbounded: ['searches'] };
  const row = convert({ model: 'm', input: '2', output: '2' }, [{ ...known, rates, contextTokens: 7 }]);
  expect([row.rates.unbounded, row.contextTokens, row.rates.base.input]).toEqual([['searches'], 7, 2e9]);
});

test('a model that is free has the price 0, which is not the same as none', () => {
  const model = 'openai/gpt-oss-20b:free';
  expect(bookOf(library).find('openrouter', model, at('12:00'))).toBeNull();
  const row = bookOf(buildPrices(CATALOGUE, catalogue)).find('openrouter', model, at('12:00'));
  expect(row === null ? null : costOf(row.rates, { ...MILLION, output: 1_000_000 }, at('12:00'))).toBe(0n);
});
