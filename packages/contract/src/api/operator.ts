import { z } from 'zod';
import { listOf, pageQuery, text, time, usd, usdIn } from './common.ts';
import { company } from './companies.ts';

export const plan = z.object({
  id: z.string(),
  name: z.string(),
  byok: z.boolean().describe('Own keys may be connected'),
  byok_providers: z.array(z.string()).nullable().describe('null: every provider'),
  personal_keys: z.boolean(),
  platform_models: z.array(z.string()).nullable().describe('null: every model of a platform key; []: none'),
  credits_usd: usd.nullable().describe('Per UTC month; null: no limit'),
  requests_per_minute: z.number().int().nullable(),
  concurrent_requests: z.number().int().nullable(),
  upgrade_url: z.string().nullable(),
  position: z.number().int(),
  companies: z.number().int(),
});
export type Plan = z.infer<typeof plan>;
export const planList = listOf(plan);
export const planParams = z.object({ id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/) });
/** Created or brought to this state; members not named stay, or have their defaults in a new plan. */
export const planBody = z.strictObject({
  name: text(200, 1).optional(),
  byok: z.boolean().optional(),
  byok_providers: z.array(z.string().max(64)).max(500).nullable().optional(),
  personal_keys: z.boolean().optional(),
  platform_models: z.array(text(200, 1)).max(2000).nullable().optional(),
  credits_usd: usdIn.nullable().optional(),
  requests_per_minute: z.number().int().min(1).max(1_000_000).nullable().optional(),
  concurrent_requests: z.number().int().min(1).max(100_000).nullable().optional(),
  upgrade_url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .nullable()
    .optional(),
  position: z.number().int().min(0).max(10_000).optional(),
});
export type PlanBody = z.infer<typeof planBody>;

export const COMPANY_STATES = ['fallback', 'paused', 'key_failing', 'ai_off'] as const;
export const companiesQuery = pageQuery.extend({
  q: z.string().max(200).optional(),
  plan: z.string().max(63).optional(),
  state: z.enum(COMPANY_STATES).optional(),
});
/** State and sums of a company: never the last four of a key, what a provider said, or anything of a request. */
export const operatorCompany = company.extend({
  users: z.number().int(),
  keys: z.number().int(),
  keys_failing: z.number().int().describe('Turned on, and rejected, out of credit or impossible to open'),
  fallback_since: time.nullable().describe('Since when the shared key answers in the place of an own key'),
  paused: z.enum(['day', 'month']).nullable().describe('The cap that is reached'),
  month_usd: usd.describe('This UTC month, on own and shared keys, as far as prices are known'),
  shared_usd: usd.describe('Of that on shared keys'),
});
export type OperatorCompany = z.infer<typeof operatorCompany>;
export const operatorCompanyList = listOf(operatorCompany);
/** One company, and until when backups keep what an erasure takes away. */
export const operatorCompanyDetail = operatorCompany.extend({
  backups_unreadable_by: time.nullable().describe('null where no date is promised'),
});
export type OperatorCompanyDetail = z.infer<typeof operatorCompanyDetail>;

export const planEffectQuery = z.object({ plan: z.string().min(1).max(63) });
/** What moving a company to a plan would do, counted now. */
export const planEffect = z.object({
  keys_stop: z.number().int().describe('Connected keys that are used now and would not be'),
  keys_start: z.number().int().describe('Stored keys that are not used now and would be'),
  shared_stops: z.boolean().describe('The plan has no models of shared keys, the present one has'),
  shared_starts: z.boolean(),
  credits_usd: usd.nullable().describe('A UTC month; null: no limit'),
});
export type PlanEffect = z.infer<typeof planEffect>;

const waiting = z.object({ queued: z.number().int(), failed: z.number().int(), oldest_queued_at: time.nullable() });
const calls = z.object({
  requests: z.number().int(),
  errors: z.number().int().describe('Answered with a status of 400 or more, or not at all'),
});

/** Each part is read by itself: one that cannot be read is null and named in `unread`. */
export const health = z.object({
  version: z.string(),
  at: time,
  unread: z.array(z.enum(['workers', 'jobs', 'outbox', 'audit', 'ledger', 'prices', 'providers'])),
  database: z.object({ ok: z.literal(true), latency_ms: z.number() }),
  workers: z
    .array(z.object({ id: z.string(), seen_at: time, alive: z.boolean(), open_requests: z.number().int() }))
    .nullable()
    .describe('Those that gave a sign of life in the last 5 minutes; alive: in the last 15 s'),
  jobs: z.object({ queued: z.number().int(), running: z.number().int(), oldest_queued_at: time.nullable() }).nullable(),
  outbox: z
    .object({
      mail: z.enum(['smtp', 'sandbox', 'none']).describe('none: no mail server is set up, mails stay queued'),
      mails: waiting,
      webhooks: waiting.describe('Deliveries of all companies'),
    })
    .nullable(),
  audit: z
    .object({ unsealed: z.number().int(), oldest_unsealed_at: time.nullable(), sealed_up_to: time.nullable() })
    .nullable(),
  ledger: z
    .object({
      running: z.number().int().describe('Requests that are reserved and not settled'),
      expired: z.number().int().describe('Of those: past their lease, to be given back'),
      oldest_expired_at: time.nullable(),
    })
    .nullable(),
  prices: z
    .object({
      as_of: time.nullable().describe('When the newest price of the catalogue came in'),
      known: z.number().int(),
    })
    .nullable(),
  providers: z
    .object({
      seconds: z.number().int().describe('How far back requests are counted'),
      sampled: z.boolean().describe('There were more than are looked at: the newest of each company count'),
      data: z.array(
        z.object({
          provider: z.string(),
          name: z.string(),
          own: calls,
          shared: calls,
          p50_ms: z.number().int().nullable().describe('Of answers without an error; null: there were none'),
          p95_ms: z.number().int().nullable(),
          own_keys_failing: z.number().int(),
          shared_keys_failing: z.number().int(),
        }),
      ),
    })
    .nullable(),
});
export type Health = z.infer<typeof health>;
