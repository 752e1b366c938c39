import type { ListedPrice, PriceBody } from '@ownkey/contract/api/prices';
import { amountInField, readAmount } from '../../format/read-amount.ts';

/** Rates in the order of the form; what is left empty costs what input costs (a request: nothing). */
export const RATES = [
  'input_usd_per_mtok',
  'output_usd_per_mtok',
  'cached_input_usd_per_mtok',
  'cache_write_5m_usd_per_mtok',
  'cache_write_1h_usd_per_mtok',
  'request_usd',
] as const;
export type RateName = (typeof RATES)[number];
const NEEDED: readonly RateName[] = ['input_usd_per_mtok', 'output_usd_per_mtok'];

export interface PriceDraft {
  provider: string;
  model: string;
  rates: Record<RateName, string>;
  /** `YYYY-MM-DD`; empty: from now on. */
  validFrom: string;
}

/** Starts from the price the model has now, if any. */
export function draftFrom(provider: string, model: string, known: ListedPrice | null, locale: string): PriceDraft {
  const price = known?.price ?? null;
  const text = (name: RateName): string => {
    const amount = price?.[name];
    if (amount === undefined || (name === 'request_usd' && Number(amount) === 0)) return '';
    return amountInField(amount, locale);
  };
  return {
    provider,
    model,
    rates: {
      input_usd_per_mtok: text('input_usd_per_mtok'),
      output_usd_per_mtok: text('output_usd_per_mtok'),
      cached_input_usd_per_mtok: text('cached_input_usd_per_mtok'),
      cache_write_5m_usd_per_mtok: text('cache_write_5m_usd_per_mtok'),
      cache_write_1h_usd_per_mtok: text('cache_write_1h_usd_per_mtok'),
      request_usd: text('request_usd'),
    },
    validFrom: '',
  };
}

export type WrongField = RateName | 'provider' | 'model';

/** What the API is sent, or which fields cannot be read. */
export function priceBodyOf(
  draft: PriceDraft,
  locale: string,
): { body: PriceBody | null; wrong: ReadonlySet<WrongField> } {
  const wrong = new Set<WrongField>();
  if (draft.provider === '') wrong.add('provider');
  if (draft.model.trim() === '') wrong.add('model');
  const rates: Partial<Record<RateName, string>> = {};
  for (const name of RATES) {
    const text = draft.rates[name].trim();
    if (text === '' && !NEEDED.includes(name)) continue;
    const amount = readAmount(text, locale);
    if (amount === null) wrong.add(name);
    else rates[name] = amount;
  }
  const { input_usd_per_mtok, output_usd_per_mtok, ...others } = rates;
  if (wrong.size > 0 || input_usd_per_mtok === undefined || output_usd_per_mtok === undefined) {
    return { body: null, wrong };
  }
  return {
    body: {
      provider: draft.provider,
      model: draft.model.trim(),
      input_usd_per_mtok,
      output_usd_per_mtok,
      ...others,
      ...(draft.validFrom === '' ? {} : { valid_from: `${draft.validFrom}T00:00:00Z` }),
    },
    wrong,
  };
}
