import { OwnkeyError } from '@ownkey/contract/errors';
import { formatUsd } from '@ownkey/contract/money';
import { LIMIT_CODES, type LimitKind, METERS } from '@ownkey/contract/spend';

/** Which limit refused a call, as `reserve()` says it. Amounts are nano-USD, or counts. */
export interface Refusal {
  meter: string;
  kind: LimitKind;
  cap: bigint;
  used: bigint;
  /** What is left of the smallest cap on a day or month; null = no such cap applies. */
  remaining: bigint | null;
  resetsAt: string | null;
  /** Until the minute is over. */
  seconds: number | null;
}

/** What the sentence of a refusal needs of the call. */
export interface RefusedCall {
  /** The most it could have cost. */
  cost: bigint;
  userId: string | null;
  /** Whether the plan allows own keys. */
  byok: boolean;
  upgradeUrl: string | null;
}

/** The error a refused call is answered with. */
export function refusalError(refusal: Refusal, call: RefusedCall): OwnkeyError {
  const { meter, kind, cap, used, remaining, resetsAt } = refusal;
  const capLeft = remaining === null ? {} : { cap_remaining_usd: formatUsd(remaining) };
  if (kind === 'minute') {
    return new OwnkeyError('rate.limited', { limit: Number(cap), seconds: refusal.seconds ?? 60, ...capLeft });
  }
  if (kind === 'running') return new OwnkeyError('rate.concurrency', { limit: Number(cap), seconds: 1, ...capLeft });
  const left = cap > used ? cap - used : 0n;
  const facts = {
    cap_usd: formatUsd(cap),
    remaining_usd: formatUsd(kind === 'request' ? cap : left),
    cost_usd: formatUsd(call.cost),
    ...capLeft,
    whose: WHOSE[meter] ?? (meter === call.userId ? 'user' : 'company'),
    ...(resetsAt === null ? {} : { resets_at: resetsAt, until: cap === 0n ? 'an admin raises it' : resetsAt }),
  };
  if (meter === METERS.credits) {
    return new OwnkeyError('credits.exhausted', { ...facts, upgrade_url: call.upgradeUrl, remedy: remedyOf(call) });
  }
  return new OwnkeyError(LIMIT_CODES[kind], facts);
}

/** What helps where credits are used up: only what this plan and host offer. */
function remedyOf({ byok, upgradeUrl }: RefusedCall): string {
  const ways = [
    ...(byok ? ['connect your own key, whose calls use no credits'] : []),
    ...(upgradeUrl === null ? [] : [`upgrade: ${upgradeUrl}`]),
  ];
  const text = ways.length === 0 ? 'ask your administrator for a larger plan' : ways.join(', or ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

const WHOSE: Readonly<Record<string, string>> = {
  [METERS.company]: 'company',
  [METERS.fallback]: 'fallback',
  [METERS.credits]: 'credits',
};
