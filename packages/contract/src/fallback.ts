/**
 * Why the shared key may answer a call whose own key failed. Each is a failure of the key or its provider before the first byte of an
 * answer; a call that was wrong, refused or not found never moves to another payer.
 */
export const FALLBACK_REASONS = ['key_rejected', 'no_credit', 'rate_limited', 'outage', 'time_out'] as const;
export type FallbackReason = (typeof FALLBACK_REASONS)[number];

/** What calls do when the own key fails: stop with its error, or go on with the shared key. */
export type OnFailure = 'stop' | 'platform';

/** How a notice about a key ended. */
export const NOTICE_RESOLUTIONS = ['recovered', 'replaced', 'removed', 'off', 'switched'] as const;
export type NoticeResolution = (typeof NOTICE_RESOLUTIONS)[number];
