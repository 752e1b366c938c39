import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Usage } from '@ownkey/contract/usage';
import { costOf } from '@ownkey/policy/price';
import { PriceBook } from '@ownkey/policy/price-book';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { calcPrice, findProvider, type MatchLogic, type Provider } from '@pydantic/genai-prices';
import { expect, test } from 'vitest';
import { libraryPrices, PRICE_LIBRARY } from './library.ts';

const ROOT = join(import.meta.dirname, '../../../../..');
const catalogue = loadCatalogue(join(ROOT, 'catalogue'));
const prices = libraryPrices(catalogue);
const rows = prices.map((price, i) => ({ ...price, id: String(i), origin: 'catalogue' as const, companyId: null }));
// Another order than that of the library, as a database may give it.
const book = new PriceBook(rows.toReversed());

const sources = [...catalogue.entries.values()].flatMap(({ id, price_source }) => {
  const provider = price_source === undefined ? undefined : findProvider({ providerId: price_source });
  return provider === undefined ? [] : [{ id, provider }];
});

/** Every name that stands anywhere in a provider's models. */
function namesOf({ models }: Provider): string[] {
  const written = (match: MatchLogic): string[] => {
    if ('or' in match) return match.or.flatMap(written);
    if ('and' in match) return match.and.flatMap(written);
    return Object.values(match).filter((text): text is string => typeof text === 'string');
  };
  const plain = [...new Set(models.flatMap(({ id, match }) => [id, ...written(match)]))];
  const some = plain.filter((_, i) => i % Math.ceil(plain.length / 100) === 0);
  const varied = some.flatMap((name) => [
    `${name}-20250807`,
    `${name}-2025-08-07`,
    `${name}-latest`,
    name.toUpperCase(),
  ]);
  return [...new Set([...plain, ...varied])];
}

/** A call as we count it, and the same as the library does. */
const CALLS: readonly [Partial<Usage>, Record<string, number>][] = [
  [
    { input: 1000, output: 500 },
    { input_tokens: 1000, output_tokens: 500 },
  ],
  [
    { input: 1_234_567, output: 98_765, cacheRead: 1_000_003 },
    { input_tokens: 1_234_567, output_tokens: 98_765, cache_read_tokens: 1_000_003 },
  ],
  [
    { input: 200_000, output: 7, cacheWrite5m: 3333 },
    { input_tokens: 200_000, output_tokens: 7, cache_write_tokens: 3333 },
  ],
  [
    { input: 272_001, output: 1, cacheRead: 11, cacheWrite5m: 13 },
    { input_tokens: 272_001, output_tokens: 1, cache_read_tokens: 11, cache_write_tokens: 13 },
  ],
];
const NONE = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 };
const MOMENTS = [
  '2026-06-30T23:59:59Z',
  '2026-11-28T02:30:00Z',
  '2026-11-28T04:00:00Z',
  '2026-11-28T16:30:00Z',
  '2027-01-01T00:00:00Z',
];

/** Every call at one moment, and one call at every moment. */
const ASKED = [
  ...MOMENTS.map((moment) => [moment, CALLS[0]] as const),
  ...CALLS.slice(1).map((call) => [MOMENTS[2], call] as const),
];

function difference(
  slug: string,
  provider: Provider,
  name: string,
  moment = '',
  [usage, theirs] = CALLS[0] ?? [],
): string[] {
  const at = Date.parse(moment);
  const row = book.find(slug, name, at);
  // Prices of another provider's models are not taken over.
  const alone = { ...provider, fallback_model_providers: [] };
  const price = calcPrice(theirs ?? {}, name, { provider: alone, timestamp: new Date(at) });
  const isKnown = price !== null && price.model_price.input_mtok !== undefined;
  if (row === null || !isKnown) return isKnown || row !== null ? [`${name}: ${isKnown ? 'no price' : 'a price'}`] : [];
  const ours = Number(costOf(row.rates, { ...NONE, ...usage }, at));
  const expected = price.total_price * 1e9;
  // Ours is rounded up once; the library adds floats.
  return Math.abs(ours - expected) > 1 + expected * 1e-8 ? [`${name} at ${moment}: ${ours} for ${expected}`] : [];
}

test('the source names the version that is installed', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'packages/server/package.json'), 'utf8'));
  const name = PRICE_LIBRARY.split(' ')[0] ?? '';
  expect(PRICE_LIBRARY).toBe(`${name} ${manifest.dependencies[name]}`);
});

test('every provider has prices but those the library does not know', () => {
  expect([...catalogue.entries.keys()].filter((id) => !rows.some(({ slug }) => slug === id))).toEqual(['nvidia']);
});

test('only embeddings cost nothing to answer', () => {
  const free = rows.filter(({ rates }) => rates.base.output === 0).map(({ model }) => model);
  expect(free.filter((model) => !/embed/.test(model))).toEqual([]);
});

test.each(sources)(
  '$id: every name has the price the library gives it, and no other has one',
  ({ id, provider }) => {
    const wrong: string[] = [];
    for (const name of namesOf(provider))
      for (const [moment, call] of ASKED) wrong.push(...difference(id, provider, name, moment, call));
    expect(wrong).toEqual([]);
  },
  60_000,
);

test('an hour of cache costs what the library says where it says it', () => {
  const [entry] = sources.filter(({ provider }) =>
    provider.models.some(({ prices: price }) => 'cache_write_1h_mtok' in price),
  );
  const usage = { ...NONE, input: 50_000, cacheWrite1h: 40_000, cacheWrite5m: 5000, output: 3 };
  const theirs = { input_tokens: 50_000, cache_write_tokens: 45_000, cache_write_1h_tokens: 40_000, output_tokens: 3 };
  const at = Date.parse('2026-11-28T12:00:00Z');
  let compared = 0;
  for (const { id: model } of entry?.provider.models ?? []) {
    const row = book.find(entry?.id ?? '', model, at);
    const price = calcPrice(theirs, model, {
      ...(entry === undefined ? {} : { provider: entry.provider }),
      timestamp: new Date(at),
    });
    expect(Number(row === null ? -1 : costOf(row.rates, usage, at))).toBeCloseTo((price?.total_price ?? 0) * 1e9, 0);
    compared += 1;
  }
  expect(compared).toBeGreaterThan(10);
});
