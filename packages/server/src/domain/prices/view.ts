import type { ListedPrice, PriceRatesView, UsedPrice } from '@ownkey/contract/api/prices';
import { formatUsd } from '@ownkey/contract/money';
import { PROVIDERS_OWN_COST, type PriceRates, type Rates, type TieredRates } from '@ownkey/contract/price';
import type { Sql } from '../../storage/database.ts';
import { findStored, type StoredPrice } from './store.ts';

/** Rates as the API shows them: decimal strings of USD. */
export function ratesView(rates: PriceRates): PriceRatesView {
  return {
    ...tieredView(rates),
    windows: rates.windows.map(({ from, to, ...window }) => ({ from, to, ...tieredView(window) })),
    unbounded: rates.unbounded,
  };
}

function tieredView({ base, tiers }: TieredRates) {
  return {
    ...amounts(base),
    tiers: tiers.map(({ above, rates }) => ({ above_input_tokens: above, ...amounts(rates) })),
  };
}

function amounts(rates: Rates) {
  const usd = (nano: number): string => formatUsd(BigInt(nano));
  return {
    input_usd_per_mtok: usd(rates.input),
    cached_input_usd_per_mtok: usd(rates.cache_read),
    cache_write_5m_usd_per_mtok: usd(rates.cache_write_5m),
    cache_write_1h_usd_per_mtok: usd(rates.cache_write_1h),
    output_usd_per_mtok: usd(rates.output),
    request_usd: usd(rates.request),
  };
}

export function priceView(price: StoredPrice, inForce: boolean): ListedPrice {
  return {
    id: price.id,
    origin: price.origin,
    provider: price.slug,
    model: price.model,
    price: ratesView(price.rates),
    in_force: inForce,
    valid_from: price.validFrom === 0 ? null : new Date(price.validFrom).toISOString(),
    ended_at: price.endedAt === null ? null : new Date(price.endedAt).toISOString(),
    context_tokens: price.contextTokens,
    source: price.source,
  };
}

/** A model without a price: known to be used, and that is all. */
export function unknownView(provider: string, model: string): ListedPrice {
  return {
    id: null,
    origin: null,
    provider,
    model,
    price: null,
    in_force: false,
    valid_from: null,
    ended_at: null,
    context_tokens: null,
    source: null,
  };
}

/** The price a call was made with, as it was then; null where none was known. `priceId` is that of the call's row. */
export async function usedPriceView(sql: Sql, companyId: string, priceId: string | null): Promise<UsedPrice | null> {
  if (priceId === null) return null;
  if (priceId === PROVIDERS_OWN_COST) return { basis: 'provider', id: null, origin: null, source: null, price: null };
  const price = await findStored(sql, companyId, priceId);
  if (price === null) return null;
  const { id, origin, source, rates } = price;
  return { basis: 'price', id, origin, source, price: ratesView(rates) };
}
