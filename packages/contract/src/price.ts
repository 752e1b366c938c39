/**
 * What one model costs, in integers: nano-USD per million tokens, and nano-USD per request. Every rate is filled in: where a
 * provider has no rate of its own for cached or cache-written tokens, the rate says what those tokens cost all the same.
 */
export interface Rates {
  input: number;
  cache_read: number;
  cache_write_5m: number;
  cache_write_1h: number;
  output: number;
  /** Nano-USD on top of every request. */
  request: number;
}

/** Rates by the length of the input; a tier prices the whole request, not the part beyond it. */
export interface TieredRates {
  base: Rates;
  /** Ascending. A tier counts once the input has more tokens than `above`. */
  tiers: { above: number; rates: Rates }[];
}

/** Rates that hold between two times of the day, UTC, `HH:MM`; `to` exclusive, and before `from` where the window spans midnight. */
export interface RateWindow extends TieredRates {
  from: string;
  to: string;
}

export interface PriceRates extends TieredRates {
  windows: RateWindow[];
  /** What the price leaves out and no limit bounds (`citations`, `searches`): such a model is refused where a cap applies. */
  unbounded: string[];
}

/** Which model names a price covers. Names are compared in lower case, also by regular expressions. */
export type ModelMatch =
  | { equals: string }
  | { starts_with: string }
  | { ends_with: string }
  | { contains: string }
  | { regex: string }
  | { or: ModelMatch[] }
  | { and: ModelMatch[] };

/** Where a price comes from; the first that has one wins, in this order. */
export const PRICE_ORIGINS = ['company', 'operator', 'catalogue', 'sandbox'] as const;
export type PriceOrigin = (typeof PRICE_ORIGINS)[number];

/** A price as stored. Rows are never changed: what replaces one ends it, so that the record can name the price it was made with. */
export interface PriceRow {
  id: string;
  origin: PriceOrigin;
  /** Set for `company`. */
  companyId: string | null;
  /** Catalogue id, or slug of a company's endpoint. */
  slug: string;
  model: string;
  /** null = the very name in `model`. */
  match: ModelMatch | null;
  rates: PriceRates;
  contextTokens: number | null;
  /** Milliseconds since 1970. */
  validFrom: number;
  /** First moment it counts no more; null = open. */
  endedAt: number | null;
  /** Of several that fit a name, the lowest counts; 0 where absent. */
  position?: number;
}

/** In `requests.price_id` where the provider itself said what it charged. */
export const PROVIDERS_OWN_COST = 'provider';
