import { OwnkeyError } from '@ownkey/contract/errors';
import { formatUsd } from '@ownkey/contract/money';
import { LIMIT_CODES, type LimitKind, METERS } from '@ownkey/contract/spend';

/** Which limit refused a call, as `reserve()` says it. Amounts are nano-USD, or counts. */
export interface Refusal {
  meter: string;
  kind: LimitKind;
  cap: bigint;
  used: bigint;
  resetsAt: string | null;
  /** Until the minute is over. */
  seconds: number | null;
}

/** The error a refused call is answered with. `cost`: the most it could have cost. */
export function refusalError(
  refusal: Refusal,
  call: { cost: bigint; userId: string | null; upgradeUrl: string | null },
): OwnkeyError {
  const { meter, kind, cap, used, resetsAt } = refusal;
  if (kind === 'minute') return new OwnkeyError('rate.limited', { limit: Number(cap), seconds: refusal.seconds ?? 60 });
  if (kind === 'running') return new OwnkeyError('rate.concurrency', { limit: Number(cap), seconds: 1 });
  const left = cap > used ? cap - used : 0n;
  const facts = {
    cap_usd: formatUsd(cap),
    remaining_usd: formatUsd(kind === 'request' ? cap : left),
    cost_usd: formatUsd(call.cost),
    whose: WHOSE[meter] ?? (meter === call.userId ? 'user' : 'company'),
    ...(resetsAt === null ? {} : { resets_at: resetsAt }),
  };
  if (meter === METERS.credits) {
    return new OwnkeyError('credits.exhausted', { ...facts, upgrade_url: call.upgradeUrl });
  }
  return new OwnkeyError(LIMIT_CODES[kind], facts);
}

const WHOSE: Readonly<Record<string, string>> = {
  [METERS.company]: 'company',
  [METERS.fallback]: 'fallback',
  [METERS.credits]: 'credits',
};
