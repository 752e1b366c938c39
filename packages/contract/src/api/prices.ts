import { z } from 'zod';
import { listOf, text, time, usd } from './common.ts';

const rates = {
  input_usd_per_mtok: usd,
  cached_input_usd_per_mtok: usd,
  cache_write_5m_usd_per_mtok: usd,
  cache_write_1h_usd_per_mtok: usd,
  output_usd_per_mtok: usd,
  request_usd: usd.describe('On top of every request'),
};
const tiers = z
  .array(z.object({ above_input_tokens: z.number().int(), ...rates }))
  .describe('Rates of the whole request once its input has more tokens');

/** What a price charges: USD per million tokens. */
export const priceRates = z.object({
  ...rates,
  tiers,
  windows: z
    .array(z.object({ from: z.string(), to: z.string(), ...rates, tiers }))
    .describe('Other rates at these times of the day (UTC, `HH:MM`, the end not included)'),
  unbounded: z
    .array(z.string())
    .describe('What it charges beside, and no limit bounds: such a model is refused where a cap applies'),
});
export type PriceRatesView = z.infer<typeof priceRates>;

export const priceOrigin = z.enum(['company', 'operator', 'catalogue', 'sandbox']);

/** One price, or a model that was used and has none: then `price` is null, which is not the same as free. */
export const listedPrice = z.object({
  id: z.string().nullable(),
  origin: priceOrigin.nullable(),
  provider: z.string().describe('A catalogue id, or the slug of a custom endpoint'),
  model: z.string().describe('Of seeded prices the name of a family: dated and other names of it are covered too'),
  price: priceRates.nullable().describe('null: unknown'),
  in_force: z.boolean().describe('Calls of this model are priced with it now'),
  valid_from: time.nullable().describe('null: since ever'),
  ended_at: time.nullable(),
  context_tokens: z.number().nullable(),
  source: z.string().nullable(),
});
export type ListedPrice = z.infer<typeof listedPrice>;
export const priceList = listOf(listedPrice);

export const pricesQuery = z.object({
  cursor: z
    .string()
    .max(4000)
    .regex(/^[A-Za-z0-9_-]+$/)
    .optional()
    .describe('`next_cursor` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).optional(),
  q: z.string().max(200).optional().describe('In names of models'),
  provider: z.string().min(1).max(64).optional().describe('A catalogue id or alias, or the slug of a custom endpoint'),
  unknown: z.enum(['true', 'false']).optional().describe('`true`: models used in the last 90 days without a price'),
});
export type PricesQuery = z.infer<typeof pricesQuery>;

const AMOUNT = 'must be a decimal of USD from 0 to 1000000 with at most 9 places, without an exponent';
/** USD, as text or number. */
const amountIn = z
  .union([z.string().regex(/^\d{1,7}(\.\d{1,9})?$/), z.number().nonnegative()], { error: AMOUNT })
  .refine((value) => Number(value) <= 1_000_000, { error: AMOUNT });

/**
 * Sets the price of one model by its very name: input and output have to be given, other rates not given are what input costs.
 * Or removes what was set.
 */
export const priceBody = z.strictObject({
  provider: z.string().min(1).max(64),
  model: text(200, 1),
  remove: z.literal(true).optional(),
  input_usd_per_mtok: amountIn.optional(),
  output_usd_per_mtok: amountIn.optional(),
  cached_input_usd_per_mtok: amountIn.optional(),
  cache_write_5m_usd_per_mtok: amountIn.optional(),
  cache_write_1h_usd_per_mtok: amountIn.optional(),
  request_usd: amountIn.optional(),
  valid_from: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('By default now; ahead, or back to the start of this UTC month at most'),
});
export type PriceBody = z.infer<typeof priceBody>;

/** Which price a call was made with; `provider`: the provider itself said what it charged. */
export const usedPrice = z.object({
  basis: z.enum(['price', 'provider']),
  id: z.string().nullable(),
  origin: priceOrigin.nullable(),
  source: z.string().nullable(),
  price: priceRates.nullable(),
});
export type UsedPrice = z.infer<typeof usedPrice>;
