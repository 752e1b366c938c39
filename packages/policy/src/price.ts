import type { PriceRates, Rates, TieredRates } from '@ownkey/contract/price';
import type { Usage } from '@ownkey/contract/usage';

const TOKENS_PER_RATE = 1_000_000n;

/**
 * Nano-USD of one call at these rates, rounded up once at the end. `at`: when the call was reserved, milliseconds since 1970 by
 * the database's clock; it chooses the window of the day. The number of input tokens chooses the tier for the whole call.
 */
export function costOf(price: PriceRates, usage: Usage, at: number): bigint {
  return amountOf(ratesFor(windowAt(price, at), usage.input), usage);
}

/** Rates of the window that `at` lies in, else those that hold for the rest of the day. */
export function windowAt(price: PriceRates, at: number): TieredRates {
  const minute = Math.floor(at / 60_000) % 1440;
  return (
    price.windows.find(({ from, to }) => {
      const [begin, end] = [minuteOf(from), minuteOf(to)];
      return end < begin ? minute >= begin || minute < end : minute >= begin && minute < end;
    }) ?? price
  );
}

export function ratesFor({ base, tiers }: TieredRates, inputTokens: number): Rates {
  let rates = base;
  for (const tier of tiers) if (inputTokens > tier.above) rates = tier.rates;
  return rates;
}

/**
 * The dearest that any window and any tier up to `inputTokens` could charge for each kind of token. Any input token may turn out
 * cached or cache-written, so `input` is the dearest of the four.
 */
export function dearestRates(price: PriceRates, inputTokens: number): Pick<Rates, 'input' | 'output' | 'request'> {
  const dearest = { input: 0, output: 0, request: 0 };
  for (const alternative of [price, ...price.windows]) {
    const reachable = alternative.tiers.filter((tier) => inputTokens > tier.above).map((tier) => tier.rates);
    for (const rates of [alternative.base, ...reachable]) {
      const { input, cache_read, cache_write_5m, cache_write_1h, output, request } = rates;
      dearest.input = Math.max(dearest.input, input, cache_read, cache_write_5m, cache_write_1h);
      dearest.output = Math.max(dearest.output, output);
      dearest.request = Math.max(dearest.request, request);
    }
  }
  return dearest;
}

/** Nano-USD of so many tokens at a rate, rounded up. */
export function tokensCost(tokens: number | bigint, rate: number): bigint {
  return divideUp(BigInt(tokens) * BigInt(rate), TOKENS_PER_RATE);
}

function amountOf(rates: Rates, usage: Usage): bigint {
  const { cacheRead, cacheWrite5m, cacheWrite1h } = usage;
  const plain = Math.max(0, usage.input - cacheRead - cacheWrite5m - cacheWrite1h);
  const millionths =
    BigInt(plain) * BigInt(rates.input) +
    BigInt(cacheRead) * BigInt(rates.cache_read) +
    BigInt(cacheWrite5m) * BigInt(rates.cache_write_5m) +
    BigInt(cacheWrite1h) * BigInt(rates.cache_write_1h) +
    BigInt(usage.output) * BigInt(rates.output);
  return divideUp(millionths, TOKENS_PER_RATE) + BigInt(rates.request);
}

function divideUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}

function minuteOf(time: string): number {
  const [hours, minutes] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}
