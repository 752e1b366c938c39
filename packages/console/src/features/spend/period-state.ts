import type { Spend, SpendOf, SpendPeriod } from '@ownkey/contract/api/money';
import { parseUsd } from '@ownkey/contract/money';
import type { MeterTone } from '../../ui/Meter.tsx';

/** From this share of a cap on, it is said; from all of it, calls are refused. */
export const NEAR_PERCENT = 80;
/** From this share of the credits on, little is left. */
export const CREDITS_LOW_PERCENT = 20;

/** Where one period stands against its cap. Shares are per cent of the cap and 0 where there is none. */
export interface PeriodState {
  tone: MeterTone;
  usedPercent: number;
  heldPercent: number;
  /** Whole per cent of used and held together; never 100 while something is left. */
  percent: number;
}

export function periodState(
  period: Pick<SpendPeriod, 'used_usd' | 'reserved_usd' | 'cap_usd' | 'paused'>,
): PeriodState {
  const cap = period.cap_usd === null ? null : nano(period.cap_usd);
  if (cap === null) return { tone: 'plain', usedPercent: 0, heldPercent: 0, percent: 0 };
  // A cap of 0 is used up before anything is spent.
  if (cap === 0n) return { tone: 'bad', usedPercent: 100, heldPercent: 0, percent: 100 };
  const used = percentOf(nano(period.used_usd), cap);
  const held = percentOf(nano(period.reserved_usd), cap);
  const whole = Math.floor(used + held);
  return {
    tone: period.paused ? 'bad' : whole >= NEAR_PERCENT ? 'warn' : 'plain',
    usedPercent: used,
    heldPercent: held,
    percent: period.paused ? Math.max(100, whole) : Math.min(99, whole),
  };
}

/** Credits left, in whole per cent of what is granted; null: no limit. */
export function creditsLeftPercent(credits: Spend['credits']): number | null {
  if (credits.granted_usd === null || credits.remaining_usd === null) return null;
  const granted = nano(credits.granted_usd);
  return granted === 0n ? 0 : Math.floor(percentOf(nano(credits.remaining_usd), granted));
}

/** When today's cap is reached at the pace of today so far; null: not today, or too early to say. */
export function reachedToday(day: SpendPeriod, now: number): number | null {
  const used = nano(day.used_usd);
  const start = Math.floor(now / DAY_MS) * DAY_MS;
  if (day.cap_usd === null || used <= 0n || now - start < HOUR_MS) return null;
  const share = percentOf(nano(day.cap_usd), used) / 100;
  const at = start + (now - start) * share;
  return at > now && at < Date.parse(day.resets_at) ? at : null;
}

/** Whether nothing at all limits what is spent. */
export function hasNoCap(spend: Pick<SpendOf, 'request_cap_usd' | 'day' | 'month'>): boolean {
  return spend.request_cap_usd === null && spend.day.cap_usd === null && spend.month.cap_usd === null;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Per cent with two decimals: exact enough to draw, and no float of money on the way. */
function percentOf(part: bigint, whole: bigint): number {
  return Number((part * 10_000n) / whole) / 100;
}

function nano(usd: string): bigint {
  return parseUsd(usd) ?? 0n;
}
