import type { PriceRatesView } from '@ownkey/contract/api/prices';
import type { TFunction } from 'i18next';
import { exactCount } from '../../format/count.ts';
import { formatUsd } from '../../format/money.ts';

type Rates = Pick<PriceRatesView, 'input_usd_per_mtok' | 'output_usd_per_mtok'>;

/** What a price charges beside its plain rates: longer inputs, hours of the day, requests, what no cap can bound. */
export function rateNotes(price: PriceRatesView, t: TFunction, locale: string): string[] {
  const pair = (rates: Rates) =>
    t('prices.pair', {
      input: formatUsd(rates.input_usd_per_mtok, locale),
      output: formatUsd(rates.output_usd_per_mtok, locale),
    });
  return [
    ...price.tiers.map((tier) =>
      t('prices.tier', { tokens: exactCount(tier.above_input_tokens, locale), rates: pair(tier) }),
    ),
    ...price.windows.map((window) => t('prices.window', { from: window.from, to: window.to, rates: pair(window) })),
    ...(Number(price.request_usd) === 0
      ? []
      : [t('prices.per_request', { amount: formatUsd(price.request_usd, locale) })]),
    ...(price.unbounded.length === 0 ? [] : [t('prices.unbounded', { parts: price.unbounded.join(', ') })]),
  ];
}
