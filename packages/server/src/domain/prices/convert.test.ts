import type { ModelInfo } from '@pydantic/genai-prices';
import { describe, expect, test } from 'vitest';
import { convertModel } from './convert-model.ts';
import { nanoOf } from './nano-rate.ts';

describe('amounts', () => {
  test.each([
    [0, 0],
    [0.15, 150_000_000],
    [0.0028, 2_800_000],
    [0.003625, 3_625_000],
    [18.75, 18_750_000_000],
    [1e-9, 1],
    [2.8e-7, 280],
    [0.083_333_333_333_333_34, 83_333_334],
    [1e6, 1_000_000_000_000_000],
  ])('%d USD are %d nano-USD, exactly or rounded up', (usd, nano) => {
    expect(nanoOf(usd)).toBe(nano);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 1e9, 1e22])('%d is no price', (usd) => {
    expect(() => nanoOf(usd)).toThrow('no price');
  });
});

const model = (prices: ModelInfo['prices'], id = 'm'): ModelInfo => ({ id, match: { equals: id }, prices });
const only = (prices: ModelInfo['prices'], id = 'm') => {
  const rows = convertModel('p', model(prices, id), 4);
  expect(rows).toHaveLength(1);
  const [row] = rows;
  if (row === undefined) throw new Error('no row');
  return row;
};

describe('rates', () => {
  test('that are not given are what those tokens cost all the same', () => {
    expect(only({ input_mtok: 2, output_mtok: 8 }).rates.base).toEqual({
      input: 2e9,
      cache_read: 2e9,
      cache_write_5m: 2e9,
      cache_write_1h: 2e9,
      output: 8e9,
      request: 0,
    });
    const written = only({ input_mtok: 2, output_mtok: 8, cache_read_mtok: 0.2, cache_write_mtok: 2.5 }).rates.base;
    expect(written).toMatchObject({ cache_read: 2e8, cache_write_5m: 25e8, cache_write_1h: 4e9 });
    const dear = only({ input_mtok: 2, output_mtok: 8, cache_write_mtok: 5 }).rates.base;
    expect(dear.cache_write_1h).toBe(5e9);
    const own = only({ input_mtok: 2, output_mtok: 8, cache_write_mtok: 5, cache_write_1h_mtok: 7 }).rates.base;
    expect(own.cache_write_1h).toBe(7e9);
  });

  test('by the thousand of requests are per request', () => {
    expect(only({ input_mtok: 1, output_mtok: 1, requests_kcount: 12 }).rates.base.request).toBe(12_000_000);
  });

  test('by length become tiers of all rates', () => {
    const { base, tiers } = only({
      input_mtok: { base: 1, tiers: [{ start: 200_000, price: 2 }] },
      output_mtok: {
        base: 10,
        tiers: [
          { start: 400_000, price: 30 },
          { start: 200_000, price: 15 },
        ],
      },
    }).rates;
    expect([base.input, base.output]).toEqual([1e9, 10e9]);
    expect(tiers.map(({ above, rates }) => [above, rates.input, rates.cache_read, rates.output])).toEqual([
      [200_000, 2e9, 2e9, 15e9],
      [400_000, 2e9, 2e9, 30e9],
    ]);
  });

  test('by date become rows of their own, one after another', () => {
    const rows = convertModel(
      'p',
      model([
        { prices: { input_mtok: 1, output_mtok: 1 } },
        { constraint: { type: 'start_date', start_date: '2027-01-01' }, prices: { input_mtok: 2, output_mtok: 2 } },
      ]),
      4,
    );
    const date = Date.parse('2027-01-01T00:00:00Z');
    expect(
      rows.map(({ validFrom, endedAt, rates, position }) => [validFrom, endedAt, rates.base.input, position]),
    ).toEqual([
      [0, date, 1e9, 4],
      [date, null, 2e9, 4],
    ]);
  });

  test('by hour become windows, the last of the library first; a later date hides them', () => {
    const hours = (start: string, end: string, usd: number) => ({
      constraint: { type: 'time_of_date' as const, start_time: `${start}:00Z`, end_time: `${end}:00Z` },
      prices: { input_mtok: usd, output_mtok: usd },
    });
    const flat = { prices: { input_mtok: 1, output_mtok: 1 } };
    const later = {
      constraint: { type: 'start_date' as const, start_date: '2027-01-01' },
      prices: { input_mtok: 9, output_mtok: 9 },
    };
    const { rates } = only([flat, hours('01:00', '04:00', 2), hours('22:30', '00:30', 3)]);
    expect(rates.windows.map(({ from, to, base }) => [from, to, base.input])).toEqual([
      ['22:30', '00:30', 3e9],
      ['01:00', '04:00', 2e9],
    ]);
    const rows = convertModel('p', model([flat, hours('01:00', '04:00', 2), later]), 0);
    expect(rows.map((row) => [row.rates.base.input, row.rates.windows.length])).toEqual([
      [1e9, 1],
      [9e9, 0],
    ]);
    expect(() => only([flat, hours('01:00:30', '04:00', 2)])).toThrow('no minute');
  });

  test('that no limit bounds are named', () => {
    const price = { input_mtok: 1, output_mtok: 1 };
    expect(only(price).rates.unbounded).toEqual([]);
    expect(only({ ...price, web_searches_kcount: 10 }).rates.unbounded).toEqual([]);
    expect(only({ ...price, requests_kcount: 12 }, 'sonar').rates.unbounded).toEqual([]);
    const research = { ...price, output_citation_mtok: 2, output_reasoning_mtok: 3, web_searches_kcount: 5 };
    expect(only(research, 'sonar-deep-research').rates.unbounded).toEqual(['citations', 'reasoning', 'searches']);
    expect(only({ ...price, output_image_mtok: 30 }).rates.unbounded).toEqual(['images']);
    expect(only(price, 'gpt-4o-search-preview').rates.unbounded).toEqual(['searches']);
  });

  test.each([
    ['free models', {}],
    ['hours of audio', { input_audio_hours: 3 }],
    ['pages', { input_document_kpages: 1 }],
  ])('of %s make no row: the price is unknown, which is not the same as nothing', (_, prices) => {
    expect(convertModel('p', model(prices), 0)).toEqual([]);
  });
});
