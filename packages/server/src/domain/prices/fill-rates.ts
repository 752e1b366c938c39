import type { Rates } from '@ownkey/contract/price';

/** What a price names, in nano-USD: per million tokens, and per request. */
export interface NamedRates {
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number | undefined;
  readonly cacheWrite5m?: number | undefined;
  readonly cacheWrite1h?: number | undefined;
  readonly request?: number | undefined;
}

/**
 * Fills in what a price does not name: tokens read from a cache or written to it cost what input costs, for an hour at least
 * twice as much where writing has a price of its own. No fee for a request is none to pay.
 */
export function fillRates({
  input,
  output,
  cachedInput,
  cacheWrite5m: write,
  cacheWrite1h,
  request,
}: NamedRates): Rates {
  return {
    input,
    cache_read: cachedInput ?? input,
    cache_write_5m: write ?? input,
    cache_write_1h: cacheWrite1h ?? (write === undefined ? input : Math.max(write, 2 * input)),
    output,
    request: request ?? 0,
  };
}
