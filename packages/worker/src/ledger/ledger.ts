import type { FallbackReason } from '@ownkey/contract/fallback';
import type { Wire } from '@ownkey/contract/provider';
import type { Limit } from '@ownkey/contract/spend';
import type { Usage, UsageBasis } from '@ownkey/contract/usage';
import type { Refusal } from '../spend/refusal.ts';

/** One call to reserve, with the versions of the configuration it was decided on. */
export interface Reservation {
  id: string;
  companyId: string | null;
  configVersion: number;
  globalVersion: number;
  userId: string | null;
  tokenId: string | null;
  actor: string;
  account: string | null;
  operation: string | null;
  kind: 'call' | 'probe' | 'models';
  wire: Wire | null;
  streaming: boolean;
  provider: string;
  slug: string;
  /** The model as the provider names it; empty for model lists. */
  model: string;
  keyId: string;
  keyVersion: number;
  last4: string | null;
  keySource: 'own' | 'platform';
  /** Why the platform's key answers for an own one, which, and after which failed call; null = it was decided so. */
  fallback: { reason: FallbackReason; keyId: string; afterId: string | null } | null;
  /** The price it is counted at; null = none is known, or it costs nothing. */
  priceId: string | null;
  /** Most it may cost; 0n where that is not known, or nothing. */
  reservedNanoUsd: bigint;
  /** Less than `reservedNanoUsd` may be granted, down to this; null = all or nothing. */
  leastNanoUsd: bigint | null;
  /** Limits it has to keep. */
  limits: readonly Limit[];
}

/**
 * `ok`: the row and its audit event are committed, within every limit. `refused`: by a limit, on the newest configuration; no row.
 * `changed`: the configuration moved on; nothing was written, decide again on a fresh one. `missing`: there is no such company any
 * more.
 */
export type ReserveOutcome =
  | { outcome: 'ok'; hold: Hold }
  | { outcome: 'refused'; refusal: Refusal }
  | { outcome: 'changed' | 'missing' };

/** A committed reservation. It is renewed until it is settled. */
export interface Hold {
  id: string;
  /** UTC day the database filed it under, as YYYY-MM-DD. */
  day: string;
  /** What was reserved: all that was asked for, or less where that was allowed. */
  grantedNanoUsd: bigint;
  /** What is left of the smallest cap on a day or month after this reservation; null = no such cap applies. */
  remainingNanoUsd: bigint | null;
  /** When it was reserved by the database's clock, milliseconds since 1970. */
  at: number;
}

/** How a call ended. */
export interface Settlement {
  /** `released`: nothing reached the provider, so nothing is counted. */
  state: 'settled' | 'released';
  /** What the caller was answered; null = the caller had left. */
  httpStatus: number | null;
  errorCode: string | null;
  providerRequestId: string | null;
  usage: Usage | null;
  basis: UsageBasis | null;
  /** null = not known. */
  costNanoUsd: bigint | null;
  /** The price `costNanoUsd` is by; null leaves what was reserved with. */
  priceId: string | null;
  /** null = not told. */
  latencyMs: number | null;
  ttfbMs: number | null;
}

/** The one door to the ledger. Every call that leaves the worker for a provider has a row here before it leaves. */
export interface Ledger {
  /**
   * Commits before it resolves. Safe to call at once from many places: they share a commit.
   * @throws OwnkeyError ledger.unavailable when the database does not take it: nothing may be sent then
   */
  reserve(reservation: Reservation): Promise<ReserveOutcome>;
  /**
   * Books the end of a call. Never rejects. Resolves when it is committed, or after the first failure or one second, whichever
   * comes first; from then on it is tried until it succeeds.
   */
  settle(hold: Hold, settlement: Settlement): Promise<void>;
  /** Settlements not yet committed. */
  readonly unsettled: number;
  /** Reservations not yet settled. */
  readonly open: number;
  /** Stops renewing and expiring, and waits up to `limitMs` for what is unsettled. */
  close(limitMs: number): Promise<void>;
}
