import type { PriceFilters } from '../../api/prices.ts';
import type { SearchValues } from '../../paths.ts';

/** Search values of a page of prices, and the model its dialog is open for. Junk is dropped without an error. */
export interface PricesSearch extends PriceFilters {
  /** The dialog: provider and model a price is set for. */
  of?: string | undefined;
  model?: string | undefined;
}

const LENGTHS = { q: 200, provider: 64, of: 64, model: 200 } as const;

export function parsePricesSearch(raw: Readonly<Record<string, unknown>>): PricesSearch {
  const search: Record<string, string> = {};
  for (const [name, length] of Object.entries(LENGTHS)) {
    const value = raw[name];
    if (typeof value === 'string' && value !== '') search[name] = value.slice(0, length);
  }
  return { ...search, ...(raw.unknown === 'true' ? { unknown: 'true' as const } : {}) };
}

/** Back to the address. */
export function pricesSearchValues(search: PricesSearch): SearchValues {
  return { ...search };
}

/** The list alone, without the dialog over it. */
export function listSearch({ q, provider, unknown }: PricesSearch): PriceFilters {
  return { q, provider, unknown };
}
