import type { Estimate } from '@ownkey/contract/api/money';
import { LIMIT_CODES, type Limit, METERS } from '@ownkey/contract/spend';
import type { CostBound } from '@ownkey/policy/bound-cost';
import { amountOn } from '../caps/in-force.ts';
import { usd } from '../caps/view.ts';
import { endOf, type RunningSums } from '../spend/meters.ts';
import { leftOf } from '../spend/spend.ts';

/** A limit in money with what is left of it now, nano-USD. */
export interface LimitLeft {
  readonly limit: Limit;
  readonly cap: bigint;
  readonly left: bigint;
  readonly resetsAt: string | null;
}

/** Limits in the order in which they refuse. Pure. */
export function limitsLeft(limits: readonly Limit[], sums: RunningSums, today: string): LimitLeft[] {
  return limits
    .map((limit): LimitLeft => {
      const cap =
        amountOn({ subject: '', period: 'day', amount: limit.cap, raised: limit.raised ?? null }, today) ?? 0n;
      if (limit.kind !== 'day' && limit.kind !== 'month') return { limit, cap, left: cap, resetsAt: null };
      const { settled, reserved } = sums.of(limit.meter, limit.kind);
      return { limit, cap, left: leftOf(cap, settled + reserved) ?? 0n, resetsAt: endOf(limit.kind, today) };
    })
    .sort((a, b) => rank(a) - rank(b));
}

function rank({ limit: { meter, kind } }: LimitLeft): number {
  return meter === METERS.credits ? 3 : ['request', 'day', 'month'].indexOf(kind);
}

/** Why the call would be refused now, by the rules of the ledger; null = it would be sent. Pure. */
export function findBlock(
  call: {
    keySource: 'own' | 'platform';
    blocksUnpriced: boolean;
    /** null = no price is known. */
    bound: CostBound | null;
    userId: string | null;
  },
  limits: readonly LimitLeft[],
): Estimate['would_block'] {
  const { bound } = call;
  if (bound === null && (call.keySource === 'platform' || call.blocksUnpriced))
    return { ...NO_LIMIT, code: 'price.unknown' };
  const [feature] = bound?.unbounded ?? [];
  if (feature !== undefined && limits.length > 0) return { ...NO_LIMIT, code: 'spend.unbounded_feature', feature };
  const needed = bound === null ? 0n : (bound.least ?? bound.worst);
  for (const { limit, cap, left, resetsAt } of limits) {
    const isCredits = limit.meter === METERS.credits;
    // A cap of 0 is a pause: it also stops what costs nothing.
    if ((cap !== 0n || isCredits) && needed <= left) continue;
    const code = isCredits ? LIMIT_CODES.credits : LIMIT_CODES[limit.kind];
    return { code, cap_usd: usd(cap), resets_at: resetsAt, meter: meterName(limit, call.userId), feature: null };
  }
  return null;
}

const NO_LIMIT = { cap_usd: null, resets_at: null, meter: null, feature: null };

function meterName({ meter }: Limit, userId: string | null): 'company' | 'user' | 'fallback' | 'credits' {
  if (meter === METERS.credits || meter === METERS.fallback) return meter;
  return meter === userId ? 'user' : 'company';
}

/** The least that any limit leaves, by kind; null = none applies. Pure. */
export function remainingOf(limits: readonly LimitLeft[]): Estimate['remaining'] {
  const least = (matches: (limit: Limit) => boolean): string | null =>
    usd(
      limits
        .filter(({ limit }) => matches(limit))
        .reduce<bigint | null>((least, { left }) => (least === null || left < least ? left : least), null),
    );
  const isCap = ({ meter }: Limit): boolean => meter !== METERS.credits;
  return {
    request_usd: least((limit) => limit.kind === 'request'),
    day_usd: least((limit) => isCap(limit) && limit.kind === 'day'),
    month_usd: least((limit) => isCap(limit) && limit.kind === 'month'),
    credits_usd: least((limit) => !isCap(limit)),
  };
}
