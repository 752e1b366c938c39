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

export const companiesQuery = pageQuery.extend({ q: z.string().max(200).optional() });
export const operatorCompany = company.extend({
  users: z.number().int(),
  keys: z.number().int(),
});
export const operatorCompanyList = listOf(operatorCompany);

const waiting = z.object({ queued: z.number().int(), failed: z.number().int(), oldest_queued_at: time.nullable() });

export const health = z.object({
  version: z.string(),
  database: z.object({ ok: z.literal(true), latency_ms: z.number() }),
  workers: z.array(z.object({ id: z.string(), seen_at: time, open_requests: z.number().int() })),
  jobs: z.object({ queued: z.number().int(), running: z.number().int(), oldest_queued_at: time.nullable() }),
  outbox: z.object({
    mail: z.enum(['smtp', 'sandbox', 'none']).describe('none: no mail server is set up, mails stay queued'),
    mails: waiting,
    webhooks: waiting.describe('Deliveries of all companies'),
  }),
  audit: z.object({ unsealed: z.number().int(), sealed_up_to: time.nullable() }),
});
export type Health = z.infer<typeof health>;
