import type { KeyStatus } from './key.ts';
import type { UsageBasis } from './usage.ts';

/** One line of the audit list: an AI call (with what it came to) or an event. Amounts are decimal strings of USD. */
export interface AuditLine {
  id: string;
  at: string;
  /** 'call', 'probe', 'models' or an event such as 'key.connected', 'source.changed', 'settings.changed'. */
  kind: string;
  actor: string;
  user: string | null;
  account: string | null;
  provider: string | null;
  key_id: string | null;
  last4: string | null;
  key_source: 'own' | 'platform' | null;
  model: string | null;
  operation: string | null;
  /** HTTP status the caller got; null while running. */
  status: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cached_tokens: number | null;
  cost_usd: string | null;
  cost_basis: UsageBasis | null;
  latency_ms: number | null;
  ttfb_ms: number | null;
  fallback_reason: string | null;
  /** The own key that a fallback stands in for. */
  fallback_for: string | null;
  /** The call on that key that failed just before; null: the key was known to fail. */
  after_id: string | null;
  request_id: string | null;
  sealed: boolean;
  /** Facts of an event (never key material): {status, label, from, to, …}. */
  detail: Record<string, unknown> | null;
}

/** Names of the events beside calls. */
export const AUDIT_EVENTS = [
  'key.connected',
  'key.imported',
  'key.replaced',
  'key.removed',
  'key.tested',
  'key.status_changed',
  'key.changed',
  'key.refused',
  'key.undecryptable',
  'key.seal_refused',
  'key.destination_changed',
  'key.failing',
  'key.recovered',
  'fallback.started',
  'fallback.ended',
  'source.changed',
  'settings.changed',
  'ai.turned_on',
  'ai.turned_off',
  'operation.model_chosen',
  'token.created',
  'token.revoked',
  'token.used_after_end',
  'company.created',
  'company.changed',
  'company.plan_changed',
  'company.erased',
  'user.created',
  'user.changed',
  'user.removed',
  'plan.changed',
  'signed_in',
  'sign_in_refused',
  'signed_out',
  'session.revoked',
  'password.reset_asked',
  'password.changed',
  'embed_session.created',
  'price.changed',
  'caps.changed',
  'policies.changed',
  'webhook.created',
  'webhook.changed',
  'webhook.removed',
  'invitation.created',
  'invitation.withdrawn',
  'kek.rotation_ordered',
  'kek.rotated',
  'kek.destroyed',
  'kek.sealing_key_retired',
] as const;
export type AuditEventKind = (typeof AUDIT_EVENTS)[number];

/** Facts of 'key.status_changed'. */
export interface KeyStatusChanged {
  from: KeyStatus;
  to: KeyStatus;
}
