/**
 * What is counted, and against which limit. A meter is one running sum of one company: its rows have the period in their key, so
 * that nothing is ever set back. The ledger's functions and both planes use the same names.
 */

/** Meters of a company beside those of its users, whose meter is the user's id, and of tokens, whose meter is the token's id. */
export const METERS = { company: '', fallback: 'fallback', credits: 'credits' } as const;

/**
 * Money by UTC day and month; requests by minute; calls running now.
 * `request` is no meter of its own: it bounds one call alone.
 */
export type LimitKind = 'request' | 'day' | 'month' | 'minute' | 'running';

/** The codes of refusals by a limit, in the order in which they are answered when several apply. */
export const LIMIT_CODES = {
  minute: 'rate.limited',
  running: 'rate.concurrency',
  request: 'spend.request_cap_reached',
  day: 'spend.day_cap_reached',
  month: 'spend.month_cap_reached',
  credits: 'credits.exhausted',
} as const;

/** One limit that applies to a call, as the worker hands it to `reserve()`. Amounts are nano-USD, or counts for the last two kinds. */
export interface Limit {
  meter: string;
  kind: LimitKind;
  cap: bigint;
  /** In these days (UTC, `YYYY-MM-DD`, both inclusive) the cap is this instead. */
  raised?: { to: bigint; from: string; until: string };
}

/** `caps.subject`: whom a cap is for. Users by id have a cap of their own; `me:<id>` is what a user set for themselves. */
export const CAP_SUBJECTS = { company: 'company', users: 'users', fallback: 'fallback' } as const;
export const SELF = 'me:';

export const CAP_PERIODS = ['request', 'day', 'month'] as const;
export type CapPeriod = (typeof CAP_PERIODS)[number];

/** A row of `caps`; there is a row only where somebody set something. */
export interface CapRow {
  subject: string;
  period: CapPeriod;
  /** null = none, and that was set. */
  amount: bigint | null;
  raised: { to: bigint; from: string; until: string } | null;
}
