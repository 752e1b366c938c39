import type { ProviderFailure } from '@ownkey/contract/dialect';
import type { FallbackReason } from '@ownkey/contract/fallback';
import type { EgressErrorCode } from '../egress/egress.ts';

/** What a failed call says about the key it ran on. */
export interface KeyFailure {
  /** Why another payer may follow; null = the call was wrong, or it had been answered in part. */
  reason: FallbackReason | null;
  /** The provider said that the key may not do this. */
  restricted: boolean;
  httpStatus: number | null;
  /** The provider's own, not scrubbed yet. */
  message: string | null;
  code: string | null;
  retryAfterMs: number | null;
}

/** An error the provider answered with. */
export function ofProviderFailure(failure: ProviderFailure): KeyFailure {
  const { kind, status, message, code, retryAfterMs } = failure;
  return {
    reason:
      kind === 'key_rejected' || kind === 'no_credit' || kind === 'rate_limited' || kind === 'outage' ? kind : null,
    restricted: kind === 'key_restricted',
    httpStatus: status,
    message,
    code,
    retryAfterMs,
  };
}

/** No answer. `begun`: the provider's head had come, so that the call may be half answered. */
export function ofLostCall(code: EgressErrorCode, begun: boolean): KeyFailure {
  const reason = code === 'provider.unreachable' ? 'outage' : code === 'provider.time_out' ? 'time_out' : null;
  return {
    reason: begun ? null : reason,
    restricted: false,
    httpStatus: null,
    message: null,
    code,
    retryAfterMs: null,
  };
}
