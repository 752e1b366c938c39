import { z } from 'zod';
import { TAG_PATTERN } from '../headers.ts';
import { isParentOrigin, PARENT_ORIGINS_MAX } from '../policies.ts';
import { reference, text, time, usd } from './common.ts';

/**
 * Caps, spend, the host's policies and estimates. Amounts come in as a decimal string or a number, rounded down to nano-USD, and
 * go out as exact decimal strings. What an amount may be is told by the answer to a wrong one: it names the field and the range.
 */

const amountIn = z.union([z.string().max(60), z.number()], {
  error: 'must be an amount of USD, as a decimal string or a number',
});
const date = z.string().describe('Day, UTC: `YYYY-MM-DD`');

export const CAP_FIELDS = ['per_request_usd', 'per_day_usd', 'per_month_usd'] as const;
export type CapField = (typeof CAP_FIELDS)[number];

/** null = none. */
export const capAmounts = z.object({
  per_request_usd: usd.nullable(),
  per_day_usd: usd.nullable(),
  per_month_usd: usd.nullable(),
});
export type CapAmountsUsd = z.infer<typeof capAmounts>;

const capChanges = {
  per_request_usd: amountIn.nullable().optional(),
  per_day_usd: amountIn.nullable().optional(),
  per_month_usd: amountIn.nullable().optional(),
};
/** From now on for `periods` days or months (this one is the first); requests count by days. null ends a raise early. */
const raiseIn = z.strictObject({ to_usd: amountIn, periods: z.number().int().min(1).max(366) }).nullable();
const raiseChanges = z.strictObject({
  per_request_usd: raiseIn.optional(),
  per_day_usd: raiseIn.optional(),
  per_month_usd: raiseIn.optional(),
});
export const capChange = z.strictObject({
  ...capChanges,
  raise: raiseChanges.optional().describe('Temporary; ends by itself'),
});
export type CapChange = z.infer<typeof capChange>;

/** Users whose caps one call may change. */
const USERS_MAX = 500;

/** Members not named stay, null clears. `company`, `users`, `fallback` and `block_unpriced` are for admins. */
export const capsBody = z.strictObject({
  company: capChange.optional(),
  users: z
    .record(reference, capChange.nullable())
    .refine((users) => Object.keys(users).length <= USERS_MAX, `at most ${USERS_MAX} users at once`)
    .optional()
    .describe('`default` is every user without caps of their own; a user set to null has none of their own any more'),
  fallback: capChange.optional().describe('What a fallback to the shared key may spend'),
  me: z.strictObject(capChanges).optional().describe("The caller's own; never above what an admin set for them"),
  block_unpriced: z.boolean().optional().describe('Refuse models without a known price on own keys too'),
});
export type CapsBody = z.infer<typeof capsBody>;

export const capRaise = z.object({
  for: z.string().describe('`company`, `fallback`, `default` (users) or the id of a user'),
  field: z.enum(CAP_FIELDS),
  base_usd: usd.nullable().describe('What holds again afterwards; null: none'),
  to_usd: usd,
  from: date,
  until: date.describe('Last day, UTC: `YYYY-MM-DD`'),
});
export type CapRaise = z.infer<typeof capRaise>;

export const capPolicy = z.object({
  preset: capAmounts.describe('In force where the company set nothing'),
  max: capAmounts.describe('The most a company may set; null: no bound'),
  required: z.boolean().describe('A company may not go without'),
});

export const caps = z.object({
  company: capAmounts.describe('Without raises. Where nothing was set: the preset'),
  users: z
    .record(z.string(), capAmounts)
    .describe('`default`, and users with caps of their own; members see their own'),
  fallback: capAmounts,
  me: capAmounts.describe('What the caller set for themselves'),
  in_force: z
    .object({ company: capAmounts, me: capAmounts, fallback: capAmounts })
    .describe('What holds today, raises and lower caps of the person included'),
  preset_fields: z.array(z.enum(CAP_FIELDS)).describe('Fields of `company` that nobody set: the preset holds'),
  raises: z.array(capRaise).describe('Active today'),
  policy: capPolicy,
  block_unpriced: z.boolean(),
  changed_at: time.nullable(),
  changed_by: z.string().nullable(),
  etag: z.string(),
});
export type Caps = z.infer<typeof caps>;

/** What saving one field would do. */
export const capPreview = z.object({
  for: z.string().describe('`company`, `fallback`, `default` (users), `me` or the id of a user'),
  field: z.enum(CAP_FIELDS),
  from_usd: usd.nullable().describe('In force now'),
  to_usd: usd.nullable().describe('In force after saving'),
  used_usd: usd
    .nullable()
    .describe('Settled in the running period; null: the field has no period of its own, or no one meter'),
  reserved_usd: usd.nullable().describe('Held by running calls'),
  effect: z.enum(['pauses', 'resumes', 'stays_paused', 'none']),
  paused_until: time
    .nullable()
    .describe('Set where AI is paused after saving and a new period ends it; a cap of 0 has none'),
  highest_usd: usd.nullable().describe('Highest day of the last 30, highest month of the last 12'),
  periods_reached: z
    .number()
    .int()
    .nullable()
    .describe('Days of the last 30, months of the last 12, that reach this cap'),
  periods: z.number().int().nullable().describe('How many days or months were looked at'),
});
export type CapPreview = z.infer<typeof capPreview>;
export const capsPreview = z.object({ data: z.array(capPreview) });
export type CapsPreview = z.infer<typeof capsPreview>;

/** One period of one meter. */
export const spendPeriod = z.object({
  used_usd: usd,
  reserved_usd: usd,
  cap_usd: usd.nullable().describe('In force today, raises included; null: none'),
  remaining_usd: usd.nullable().describe('Cap less used and reserved, never below 0'),
  refused: z.number().int().describe('Calls that this cap refused in this period'),
  paused: z.boolean().describe('What is used has reached the cap'),
  raised_until: date.nullable(),
  resets_at: time,
});
export type SpendPeriod = z.infer<typeof spendPeriod>;
export const spendOf = z.object({
  today_usd: usd.describe('Settled'),
  month_usd: usd.describe('Settled'),
  reserved_usd: usd.describe('Held by running calls of today, not in `today_usd`'),
  request_cap_usd: usd.nullable(),
  day: spendPeriod,
  month: spendPeriod,
});
export type SpendOf = z.infer<typeof spendOf>;
export const spend = z.object({
  company: spendOf,
  me: spendOf.describe('Of the person who calls; nothing where the caller is no person'),
  fallback: spendOf,
  credits: z.object({
    granted_usd: usd.nullable().describe('Per UTC month, by the plan; null: no limit'),
    used_usd: usd,
    reserved_usd: usd,
    remaining_usd: usd.nullable(),
    resets_at: time,
  }),
  forecast: z.object({
    pace_usd: usd.describe('A day, on average of the last 7 whole days, or since the first of them with spend'),
    days: z.number().int().describe('Days the pace is made of'),
    month_cap_reached_on: date.nullable().describe('null: not this month at this pace, or no cap'),
  }),
  unpriced: z
    .object({ today: z.number().int(), month: z.number().int() })
    .describe('Calls whose cost is not known; they count as 0'),
});
export type Spend = z.infer<typeof spend>;

const tokens = z.number().int().min(1).max(1_000_000_000);
const names = text(200, 1);
export const policies = z.object({
  caps: capPolicy,
  on_failure: z
    .object({ choice: z.enum(['free', 'stop', 'platform']), preset: z.enum(['stop', 'platform']) })
    .describe('What calls do when an own key fails: whether companies choose, and what counts where nobody chose'),
  default_max_tokens: z.number().int(),
  min_max_tokens: z.number().int(),
  ceilings: z.object({
    image_tokens: z.record(z.string(), z.number()),
    file_tokens: z.number().int().nullable(),
    hosted_tools: z.record(z.string(), usd),
    service_tiers: z.record(z.string(), z.number()),
  }),
  retention: z.object({ audit_days: z.number().int().nullable(), usage_days: z.number().int().nullable() }),
  embed: z.object({ parent_origins: z.array(z.string()) }),
});
export type PoliciesUsd = z.infer<typeof policies>;
/** Members not named stay; a map that is named is replaced as a whole. */
export const policiesBody = z.strictObject({
  caps: z
    .strictObject({
      preset: z.strictObject(capChanges).optional(),
      max: z.strictObject(capChanges).optional(),
      required: z.boolean().optional(),
    })
    .optional(),
  on_failure: z
    .strictObject({
      choice: z.enum(['free', 'stop', 'platform']).optional(),
      preset: z.enum(['stop', 'platform']).optional(),
    })
    .optional(),
  default_max_tokens: tokens.optional(),
  min_max_tokens: tokens.optional(),
  ceilings: z
    .strictObject({
      image_tokens: z.record(names, tokens).optional().describe('By provider; `default` for the rest'),
      file_tokens: tokens.nullable().optional().describe('null: refused under a cap'),
      hosted_tools: z.record(names, amountIn).optional().describe('By type: USD one request may spend on it'),
      service_tiers: z
        .record(names, z.number().positive().max(100))
        .optional()
        .describe('By name: times the standard price'),
    })
    .optional(),
  retention: z
    .strictObject({
      audit_days: z.number().int().min(30).max(3650).nullable().optional(),
      usage_days: z.number().int().min(62).max(3650).nullable().optional(),
    })
    .optional()
    .describe('Days the record and the sums of usage are kept where a company set nothing; null: for ever'),
  embed: z
    .strictObject({
      parent_origins: z
        .array(z.string().refine(isParentOrigin, { error: 'must be an origin such as https://app.example.com' }))
        .max(PARENT_ORIGINS_MAX)
        .optional()
        .describe('Pages that may hold frames of this installation; replaced as a whole'),
    })
    .optional(),
});
export type PoliciesBody = z.infer<typeof policiesBody>;

export const ESTIMATE_WIRES = ['openai-chat', 'openai-responses', 'anthropic-messages'] as const;
export const estimateQuery = z.object({
  wire: z
    .enum(ESTIMATE_WIRES)
    .optional()
    .describe('Default: Responses where the body has `input`, else Chat Completions'),
});
export const estimateHeaders = z.looseObject({
  'x-ownkey-account': z.string().regex(TAG_PATTERN).optional().describe('Sub-account, as in calls of the gateway'),
  'x-ownkey-operation': z.string().regex(TAG_PATTERN).optional().describe('Operation, as in calls of the gateway'),
});
/** The body of a chat, responses or messages call as it would be sent, or `{ body, wire? }` around it. */
export const estimateBody = z.looseObject({
  model: z.string().optional(),
  body: z.looseObject({}).optional(),
  wire: z.enum(ESTIMATE_WIRES).optional(),
});
export type EstimateBody = z.infer<typeof estimateBody>;

export const estimate = z.object({
  model: z.string(),
  provider: z.string(),
  key_source: z.enum(['own', 'platform']),
  input_tokens: z.number().int(),
  tokens_counted: z.boolean().describe('false: reckoned from the length of the text'),
  max_tokens: z.number().int().nullable().describe('The limit of the answer the worst case is made with'),
  low_usd: usd.nullable(),
  likely_usd: usd.nullable(),
  worst_usd: usd.nullable().describe('What is reserved; null: nothing bounds it, or no price is known'),
  likely_basis: z.enum(['own_calls', 'default']).describe('What the length of the likely answer comes from'),
  price_known: z.boolean(),
  price: z.object({ id: z.string(), origin: z.enum(['company', 'operator', 'catalogue', 'sandbox']) }).nullable(),
  price_confidence: z
    .enum(['set', 'listed', 'pattern', 'unknown'])
    .describe(
      '`set` by you or the operator for this model; `listed` under its very name; by a `pattern` of names; `unknown`',
    ),
  would_block: z
    .object({
      code: z.string(),
      cap_usd: usd.nullable(),
      resets_at: time.nullable(),
      meter: z.enum(['company', 'user', 'fallback', 'credits']).nullable(),
      feature: z.string().nullable().describe('What has no bound, where that is the reason'),
    })
    .nullable(),
  remaining: z
    .object({
      request_usd: usd.nullable(),
      day_usd: usd.nullable(),
      month_usd: usd.nullable(),
      credits_usd: usd.nullable().describe('Shared keys alone draw credits'),
    })
    .describe('The least that any cap leaves; null: no cap'),
});
export type Estimate = z.infer<typeof estimate>;
