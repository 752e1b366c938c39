import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CatalogueError, loadCatalogue } from './catalogue.ts';
import { loadPrices, type WrittenPrice } from './catalogue-prices.ts';

const SHIPPED = join(import.meta.dirname, '../../../catalogue');
const catalogue = loadCatalogue(SHIPPED);

test('the shipped prices were read before now', () => {
  const prices = [...loadPrices(SHIPPED, catalogue).values()].flat();
  expect(prices.length).toBeGreaterThan(0);
  expect(prices.filter(({ read_on }) => Date.parse(read_on) > Date.now())).toEqual([]);
});

describe('prices with mistakes', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'prices-'));
    cpSync(SHIPPED, folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const GOOD: WrittenPrice = {
    model: 'a',
    input: '1',
    output: '2.000000001',
    tiers: [{ above_input_tokens: 1000, input: '2', output: '4' }],
    hours: [{ from: '22:30', to: '00:30', input: '3', output: '6' }],
    source: 'https://provider.example/pricing',
    read_on: '2026-11-28',
  };
  const problemsOf = (data: unknown, file = 'groq.json'): readonly string[] => {
    writeFileSync(join(folder, 'prices', file), JSON.stringify(data));
    try {
      loadPrices(folder, catalogue);
    } catch (error) {
      if (error instanceof CatalogueError) return error.problems;
      throw error;
    }
    return [];
  };
  const without = (field: keyof WrittenPrice) =>
    Object.fromEntries(Object.entries(GOOD).filter(([name]) => name !== field));

  test('are told from those without', () => {
    expect(problemsOf({ models: [GOOD, { ...GOOD, model: 'b', request: '0', cache_write_1h: '1000000' }] })).toEqual(
      [],
    );
    expect(loadPrices(folder, catalogue).get('groq')?.[0]).toEqual(GOOD);
  });

  test.each<[string, unknown, string]>([
    ['an unknown field', { ...GOOD, currency: 'EUR' }, 'models[0].currency is not a known field'],
    ['the provider inside', { ...GOOD, provider: 'groq' }, 'models[0].provider is not a known field'],
    ['no source', without('source'), 'models[0].source is missing'],
    ['no day of reading', without('read_on'), 'models[0].read_on is missing'],
    ['no input', without('input'), 'models[0].input is missing'],
    ['no output', without('output'), 'models[0].output is missing'],
    ['a source that is no address', { ...GOOD, source: 'the pricing page' }, 'models[0].source must be an https'],
    ['a day that is none', { ...GOOD, read_on: 'today' }, 'models[0].read_on must be a date'],
    ['a number', { ...GOOD, input: 0.1 }, 'models[0].input must be a decimal of USD in quotes'],
    ['less than nothing', { ...GOOD, input: '-1' }, 'models[0].input must be a decimal'],
    ['an exponent', { ...GOOD, input: '1e3' }, 'models[0].input must be a decimal'],
    ['a tenth place', { ...GOOD, input: '0.0000000001' }, 'models[0].input must be a decimal'],
    ['too much', { ...GOOD, request: '1000000.1' }, 'models[0].request must be a decimal'],
    ['no name', { ...GOOD, model: '' }, 'models[0].model must be a text that is not empty'],
    ['a blank round the name', { ...GOOD, model: 'a ' }, 'models[0].model must not begin or end with a blank'],
    [
      'a tier without output',
      { ...GOOD, tiers: [{ above_input_tokens: 9, input: '1' }] },
      'models[0].tiers[0].output is missing',
    ],
    [
      'tiers out of order',
      { ...GOOD, tiers: [...(GOOD.tiers ?? []), ...(GOOD.tiers ?? [])] },
      'models[0].tiers must ascend',
    ],
    ['a tier from 0', { ...GOOD, tiers: [{ above_input_tokens: 0, input: '1', output: '1' }] }, 'tiers must ascend'],
    [
      'an hour that is none',
      { ...GOOD, hours: [{ from: '24:00', to: '01:00', input: '1', output: '1' }] },
      'models[0].hours[0].from must be a time of the day',
    ],
  ])('are refused for %s', (_, price, problem) => {
    const problems = problemsOf({ models: [price] });
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).toContain('prices/groq.json: ');
  });

  test('are refused for a name that is there twice', () => {
    expect(problemsOf({ models: [GOOD, GOOD] })).toEqual(['prices/groq.json: models[1].model is there twice: a']);
  });

  test('are refused for a provider the catalogue has not', () => {
    expect(problemsOf({ models: [GOOD] }, 'nobody.json')).toEqual([
      'prices/nobody.json: the catalogue has no provider "nobody"',
    ]);
  });

  test('are refused with the problems of all files at once', () => {
    writeFileSync(join(folder, 'prices/broken.json'), '{');
    expect(problemsOf({ models: [without('source'), without('read_on')] })).toHaveLength(3);
  });

  test('are refused where the folder is missing: a correction is not lost in silence', () => {
    rmSync(join(folder, 'prices'), { recursive: true });
    expect(() => loadPrices(folder, catalogue)).toThrow(CatalogueError);
  });

  test('do not keep the catalogue from loading, which is all that the gateway reads', () => {
    expect(problemsOf({ models: [without('source')] })).toHaveLength(1);
    expect(loadCatalogue(folder)).toEqual(catalogue);
    rmSync(join(folder, 'prices'), { recursive: true });
    expect(loadCatalogue(folder)).toEqual(catalogue);
  });
});
