import { parseUsd } from '@ownkey/contract/money';
import type { PriceRates, Rates } from '@ownkey/contract/price';
import { PriceBook } from '@ownkey/policy/price-book';
import type { Catalogue } from '@ownkey/providers/catalogue';
import {
  loadPrices,
  type WrittenPrice,
  type WrittenPrices,
  type WrittenRates,
} from '@ownkey/providers/catalogue-prices';
import type { SeedPrice } from './convert-model.ts';
import { fillRates } from './fill-rates.ts';
import { libraryPrices } from './library.ts';
import type { SourcedPrice } from './seed.ts';

/**
 * All prices a build comes with: those of the library, and those written in `<directory>/prices`, which come before the library's
 * because they name their models exactly. @throws CatalogueError
 */
export function buildPrices(directory: string, catalogue: Catalogue): SourcedPrice[] {
  const library = libraryPrices(catalogue);
  return [...library, ...writtenPrices(loadPrices(directory, catalogue), library)];
}

/** What a model charges beside its tokens, and how long its context is, stays as the library knows it. */
export function writtenPrices(written: WrittenPrices, library: readonly SeedPrice[]): SourcedPrice[] {
  const book = new PriceBook(
    library.map((price, i) => ({ ...price, id: String(i), origin: 'catalogue' as const, companyId: null })),
  );
  return [...written].flatMap(([slug, prices]) =>
    prices.map((price) => {
      const known = book.find(slug, price.model, Date.now());
      return {
        slug,
        model: price.model,
        match: null,
        rates: ratesOf(price, known?.rates.unbounded ?? []),
        contextTokens: known?.contextTokens ?? null,
        validFrom: 0,
        endedAt: null,
        position: 0,
        source: `${price.source}, read ${price.read_on}`,
      };
    }),
  );
}

function ratesOf({ tiers = [], hours = [], ...base }: WrittenPrice, unbounded: string[]): PriceRates {
  const inNano = (rates: WrittenRates): Rates => ratesInNano(rates, base.request);
  return {
    base: inNano(base),
    tiers: tiers.map((tier) => ({ above: tier.above_input_tokens, rates: inNano(tier) })),
    windows: hours.map(({ from, to, ...rates }) => ({ from, to, base: inNano(rates), tiers: [] })),
    unbounded,
  };
}

function ratesInNano(rates: WrittenRates, usualRequest: string | undefined): Rates {
  return fillRates({
    input: nanoOf(rates.input),
    output: nanoOf(rates.output),
    cachedInput: optionalNanoOf(rates.cached_input),
    cacheWrite5m: optionalNanoOf(rates.cache_write_5m),
    cacheWrite1h: optionalNanoOf(rates.cache_write_1h),
    request: optionalNanoOf(rates.request ?? usualRequest),
  });
}

const optionalNanoOf = (usd: string | undefined): number | undefined => (usd === undefined ? undefined : nanoOf(usd));

/** Exact: the loader lets no more than nine places through. */
function nanoOf(usd: string): number {
  const nano = parseUsd(usd);
  if (nano === null) throw new Error(`no price: ${usd}`);
  return Number(nano);
}
