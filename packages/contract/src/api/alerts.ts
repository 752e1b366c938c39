import { z } from 'zod';
import { WEBHOOK_EVENTS } from '../webhook-events.ts';
import { listOf, time, usd } from './common.ts';

const deliveries = z.object({ queued: z.number().int(), sent: z.number().int(), failed: z.number().int() });

/** A threshold of the company's day or month cap that was passed: once per period and threshold. */
export const alert = z.object({
  id: z.string(),
  at: time,
  type: z.enum(['cap.near', 'cap.reached']),
  period: z.enum(['day', 'month']),
  period_start: time,
  resets_at: time,
  threshold: z.number().int().describe('Per cent of the cap: 80 or 100'),
  cap_usd: usd,
  spent_usd: usd,
  reserved_usd: usd.describe('Held by calls that were running'),
  cause: z.enum(['spent', 'refused', 'cap_lowered']),
  actor: z.string().nullable().describe('Who lowered the cap'),
  silent: z.boolean().describe('true: a higher threshold, passed at the same moment, tells it'),
  told_at: time.nullable(),
  mails: deliveries,
  webhooks: deliveries,
});
export type Alert = z.infer<typeof alert>;
export const alertList = listOf(alert);

export const webhook = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  enabled: z.boolean(),
  created_by: z.string().nullable(),
  created_at: time,
  last_tried_at: time.nullable(),
  last_delivered_at: time.nullable(),
  last_status: z.number().int().nullable().describe('HTTP status of the last answer; null: none came'),
});
export type Webhook = z.infer<typeof webhook>;
export const webhookList = listOf(webhook);
export const webhookCreated = webhook.extend({
  secret: z.string().describe('`whsec_…`, shown once; signs every delivery'),
});

const url = z.string().min(1).max(2048);
const events = z.array(z.enum(WEBHOOK_EVENTS)).min(1).max(WEBHOOK_EVENTS.length);
export const webhookBody = z.strictObject({
  url,
  events: events.optional().describe('Default: every event there is now'),
});
/** Members not named stay. */
export const webhookChange = z.strictObject({
  url: url.optional(),
  events: events.optional(),
  enabled: z.boolean().optional(),
});

export const delivery = z.object({
  id: z.string().describe('The header `webhook-id`'),
  event: z.string(),
  state: z.enum(['queued', 'sent', 'failed']),
  attempts: z.number().int(),
  status: z.number().int().nullable().describe('HTTP status of the last answer; null: none came'),
  created_at: time,
  sent_at: time.nullable(),
  next_try_at: time.nullable(),
});
export type Delivery = z.infer<typeof delivery>;
export const deliveryList = listOf(delivery);
