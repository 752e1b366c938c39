import { z } from 'zod';
import { USAGE_DIMENSIONS, USAGE_RANGES } from '../usage-report.ts';
import { usd } from './common.ts';

/**
 * What AI did in a company, from the hourly sums. Days are UTC; a range ends with today, which is not over. Members see their own.
 * `operations` are AI calls; tests of keys and lists of models are not among them.
 */
export const usageQuery = z.object({
  range: z.enum(USAGE_RANGES).default('30d'),
  provider: z.string().min(1).max(64).optional().describe('A catalogue id, or the slug of a custom endpoint'),
  operation: z.string().max(128).optional().describe('A tag; empty = calls without one'),
  user: z.string().max(200).optional().describe("Our id or the host's; empty = calls for nobody"),
});
export type UsageQuery = z.infer<typeof usageQuery>;

export const usageSums = z.object({
  operations: z.number().int(),
  errors: z.number().int(),
  input_tokens: z.number().int(),
  cached_tokens: z.number().int(),
  output_tokens: z.number().int(),
  cost_usd: usd.describe('Calls whose cost is not known count as 0'),
});
export type UsageSums = z.infer<typeof usageSums>;

const total = usageSums.extend({
  own_operations: z.number().int().describe('On keys of the company or its people'),
  fallbacks: z.number().int(),
  unpriced: z.number().int().describe('Whose cost is not known'),
  estimated: z.number().int().describe('Whose cost is an estimate'),
});
export type UsageTotal = z.infer<typeof total>;

const part = total.extend({
  id: z.string().describe('Empty: calls without one'),
  name: z.string().nullable().describe('As people read it; null: none, or a person who was removed'),
});
export type UsagePart = z.infer<typeof part>;

export const usage = z.object({
  range: z.enum(USAGE_RANGES),
  from: z.iso.date(),
  to: z.iso.date().describe('Today'),
  total,
  before: total.nullable().describe('The same number of days before; null: nothing ran before `from`'),
  days: z
    .array(z.object({ day: z.iso.date(), own: usageSums, platform: usageSums }))
    .describe('Every day, also empty ones'),
  by: z.object({
    provider: z.array(part),
    operation: z.array(part),
    model: z.array(part),
    user: z.array(part),
  }),
  more: z
    .record(z.enum(USAGE_DIMENSIONS), z.number().int())
    .describe('How many entries of each list above are left out: the 100 with most calls are in it'),
});
export type UsageReport = z.infer<typeof usage>;

/** One line of the export: everything that is counted, by UTC day. */
export const usageRow = usageSums.extend({
  day: z.iso.date(),
  provider: z.string(),
  model: z.string(),
  operation: z.string(),
  user: z.string(),
  key_source: z.enum(['own', 'platform']),
  fallbacks: z.number().int(),
  unpriced: z.number().int(),
  estimated: z.number().int(),
});
export type UsageRow = z.infer<typeof usageRow>;
export const usageExport = z.object({
  range: z.enum(USAGE_RANGES),
  from: z.iso.date(),
  to: z.iso.date(),
  data: z.array(usageRow),
});
export const usageCsv = z.string().describe('CSV (RFC 4180) with a header line');
