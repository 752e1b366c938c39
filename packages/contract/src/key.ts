export const KEY_STATUSES = [
  'pending',
  'valid',
  'limited',
  'no_credit',
  'rate_limited',
  'invalid',
  'unreachable',
  'undecryptable',
] as const;
export type KeyStatus = (typeof KEY_STATUSES)[number];

export type KeyOwner = 'company' | 'user' | 'platform';

/** Why a key has its status, in facts the console turns into sentences. Texts are scrubbed and at most 500 characters. */
export interface StatusDetail {
  http_status?: number;
  code?: string;
  provider_message?: string;
  /** Since when this status holds (ISO 8601, UTC). */
  since?: string;
  /** When the next attempt is due or a limit ends. */
  until?: string;
  tries?: number;
}

/** What a key was seen to be allowed; absent = not tried. */
export interface KeyPermissions {
  list_models?: boolean;
  generate?: boolean;
}

/** Destination a key is bound to: its envelope opens for no other. */
export function catalogueDestination(provider: string): string {
  return `catalogue:${provider}`;
}

/** Owner id inside sealed contexts and envelopes of the operator's own keys. */
export const PLATFORM_OWNER = 'platform';
/** Provider id of custom endpoints. */
export const CUSTOM_PROVIDER = 'custom';
/** Form of a custom endpoint's slug; it may not equal a catalogue id or alias. */
export const SLUG_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
