import type { Exchange } from '@ownkey/contract/dialect';
import type { FallbackReason } from '@ownkey/contract/fallback';
import type { Wire } from '@ownkey/contract/provider';
import type { KeyRef } from '../egress/egress.ts';
import type { Hold } from '../ledger/ledger.ts';
import type { SpendPlan } from '../spend/plan-spend.ts';
import type { Attempt } from './attempt.ts';
import type { Route } from './route.ts';

/** One call whose reservation stands. */
export interface CallPlan {
  wire: Wire;
  streaming: boolean;
  requestId: string;
  companyId: string;
  attempt: Attempt;
  hold: Hold;
  route: Route;
  keyRef: KeyRef;
  exchange: Exchange;
  requestBytes: number;
  spend: SpendPlan;
  /** The provider charges nothing for it (a count of tokens). */
  free: boolean;
  /** See `ReservedCall`. */
  sentMaxTokens: number | null;
  /** The caller asked for usage in a last comment of the stream. */
  usageComment: boolean;
  /** A key that is gone before the call is sent leads to a new decision, not to an error. */
  mayDecideAgain: boolean;
  /** The failure of an own key is handed back, not answered: another payer may follow. */
  mayFallBack: boolean;
  /** People were told that the key fails. */
  keyInNotice: boolean;
}

/**
 * `answered`: the caller has its answer. `again`: the key went away before anything was sent; decide anew, nothing was answered.
 * `failed`: the own key failed before the first byte and its call is booked; either another payer answers, or `answer()` does.
 */
export type CallEnd =
  | { kind: 'answered' }
  | { kind: 'again' }
  | { kind: 'failed'; reason: FallbackReason; answer: () => void };
