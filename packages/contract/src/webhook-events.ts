import type { FallbackReason, NoticeResolution } from './fallback.ts';
import type { KeyStatus } from './key.ts';

/** What a webhook may be told of; a name in `events` that is not here is refused. */
export const WEBHOOK_EVENTS = [
  'cap.near',
  'cap.reached',
  'key.invalid',
  'key.recovered',
  'fallback.started',
  'fallback.ended',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** Sent by `POST /api/webhooks/{id}/test` alone, whatever the webhook listens to. */
export const WEBHOOK_TEST = 'webhook.test';

/** The body of a delivery, as receivers get it. `id` is also the header `webhook-id`: the same at every try. */
export interface WebhookMessage {
  id: string;
  type: WebhookEvent | typeof WEBHOOK_TEST;
  /** ISO 8601, UTC: when it happened, not when it was sent. */
  created_at: string;
  company: { id: string; external_id: string | null; name: string };
  data: Record<string, unknown>;
}

/** `data` of `cap.near` and `cap.reached`. Amounts are decimal strings of USD. */
export interface CapEventData {
  alert: string;
  period: 'day' | 'month';
  period_start: string;
  resets_at: string;
  /** Per cent of the cap. */
  threshold: 80 | 100;
  cap_usd: string;
  spent_usd: string;
  /** Held by calls that were running. */
  reserved_usd: string;
  cause: 'spent' | 'refused' | 'cap_lowered';
}

/** `data` of the events of keys and fallbacks. Of company keys alone: what happens to a personal key is told to its person. */
export interface NoticeEventData {
  notice: string;
  /** `key.…`: what is wrong with the key; `fallback.…`: why calls on it fail. */
  reason: KeyStatus | FallbackReason;
  /** Catalogue id, or the slug of a custom endpoint. */
  provider: string;
  key: string;
  /** Never more of a key than these. */
  last4: string | null;
  started_at: string;
  /** null in events of a beginning, and so are `resolution`, `calls` and `cost_usd`. */
  ended_at: string | null;
  resolution: NoticeResolution | null;
  /** Answered by the shared key meanwhile. */
  calls: number | null;
  cost_usd: string | null;
}
