import type { Spend, SpendPeriod } from '@ownkey/contract/api/money';
import { CREDITS_LOW_PERCENT, creditsLeftPercent, NEAR_PERCENT, periodState } from './period-state.ts';

/** What is most worth saying about money now. `key` changes with the facts: what was dismissed is said again when they do. */
export type SpendNotice =
  | { kind: 'reached'; whose: 'company' | 'me'; period: 'day' | 'month'; of: SpendPeriod; key: string }
  | { kind: 'near'; period: 'day' | 'month'; of: SpendPeriod; percent: number; key: string }
  | { kind: 'credits'; left: string; granted: string; until: string; key: string };

/** The first that holds: a cap that is reached, a cap that is near, credits that are low. null: all is well. */
export function spendNotice(spend: Spend): SpendNotice | null {
  return reached(spend) ?? near(spend) ?? credits(spend);
}

function reached({ company, me }: Spend): SpendNotice | null {
  for (const [whose, of] of [['company', company] as const, ['me', me] as const]) {
    if (of === null) continue;
    // What lasts longer is said first.
    for (const period of ['month', 'day'] as const) {
      if (of[period].paused && of[period].cap_usd !== null)
        return { kind: 'reached', whose, period, of: of[period], key: keyOf('reached', period, of[period]) };
    }
  }
  return null;
}

function near({ company }: Spend): SpendNotice | null {
  for (const period of ['day', 'month'] as const) {
    const of = company[period];
    const { percent } = periodState(of);
    if (of.cap_usd !== null && percent >= NEAR_PERCENT)
      return { kind: 'near', period, of, percent, key: keyOf('near', period, of) };
  }
  return null;
}

function credits({ credits: of }: Spend): SpendNotice | null {
  const left = creditsLeftPercent(of);
  if (left === null || left > CREDITS_LOW_PERCENT || of.granted_usd === null || Number(of.granted_usd) === 0)
    return null;
  const { remaining_usd, granted_usd, resets_at } = of;
  return {
    kind: 'credits',
    left: remaining_usd ?? '0',
    granted: granted_usd,
    until: resets_at,
    key: `credits ${resets_at} ${granted_usd} ${Number(remaining_usd) === 0 ? 'out' : 'low'}`,
  };
}

function keyOf(kind: string, period: string, of: SpendPeriod): string {
  return `${kind} ${period} ${of.resets_at} ${of.cap_usd}`;
}
