import type { Limit, LimitKind } from '@ownkey/contract/spend';
import type { Hold, Reservation, ReserveOutcome, Settlement } from './ledger.ts';

/** A reservation as reserve() takes it. */
export function toReserveCall(call: Reservation, workerId: string): Record<string, unknown> {
  return {
    id: call.id,
    company_id: call.companyId,
    config_version: call.configVersion,
    global_version: call.globalVersion,
    user_id: call.userId,
    token_id: call.tokenId,
    actor: call.actor,
    account: call.account,
    operation: call.operation,
    kind: call.kind,
    wire: call.wire,
    streaming: call.streaming,
    provider: call.provider,
    slug: call.slug,
    model: call.model,
    key_id: call.keyId,
    key_version: call.keyVersion,
    last4: call.last4,
    key_source: call.keySource,
    fallback_reason: call.fallback?.reason ?? null,
    fallback_for: call.fallback?.keyId ?? null,
    after_id: call.fallback?.afterId ?? null,
    price_id: call.priceId,
    reserved_nano_usd: call.reservedNanoUsd.toString(),
    least_nano_usd: call.leastNanoUsd?.toString() ?? null,
    limits: call.limits.map(toLimit),
    worker_id: workerId,
  };
}

function toLimit({ meter, kind, cap, raised }: Limit): Record<string, unknown> {
  const limit = { meter, kind, cap: cap.toString() };
  return raised === undefined
    ? limit
    : { ...limit, raised_to: raised.to.toString(), raised_from: raised.from, raised_until: raised.until };
}

/** A row of what reserve() answers. */
export interface ReservedRow {
  id: string;
  outcome: 'ok' | 'refused' | 'changed' | 'missing';
  day: string | null;
  granted_nano_usd: string | null;
  remaining_nano_usd: string | null;
  at_ms: string;
  refusal: {
    meter: string;
    kind: LimitKind;
    cap: string;
    used: string;
    resets_at: string | null;
    seconds: number | null;
  } | null;
}

/** Amounts of a refusal come as text, because JSON numbers are floats. */
export const RESERVE = `SELECT id, outcome, day, granted_nano_usd::text, remaining_nano_usd::text, at_ms::text,
  CASE WHEN refusal IS NOT NULL THEN refusal || jsonb_build_object('cap', refusal->>'cap', 'used', refusal->>'used') END AS refusal
  FROM reserve($1::jsonb)`;

/** What became of a call; null = ask again. */
export function toOutcome(row: ReservedRow): ReserveOutcome | null {
  if (row.outcome === 'refused' && row.refusal !== null) {
    const { meter, kind, cap, used, resets_at, seconds } = row.refusal;
    return {
      outcome: 'refused',
      refusal: {
        meter,
        kind,
        cap: BigInt(cap),
        used: BigInt(used),
        remaining: row.remaining_nano_usd === null ? null : BigInt(row.remaining_nano_usd),
        resetsAt: resets_at,
        seconds,
      },
    };
  }
  if (row.outcome === 'changed' || row.outcome === 'missing') return { outcome: row.outcome };
  // No day: another connection's commit of the same id was not visible yet. The next try finds it.
  if (row.day === null) return null;
  return {
    outcome: 'ok',
    hold: {
      id: row.id,
      day: row.day,
      grantedNanoUsd: BigInt(row.granted_nano_usd ?? 0),
      remainingNanoUsd: row.remaining_nano_usd === null ? null : BigInt(row.remaining_nano_usd),
      at: Number(row.at_ms),
    },
  };
}

/** A settlement as settle() takes it. */
export function toSettleCall({
  hold,
  settlement,
}: {
  hold: Pick<Hold, 'id' | 'day'>;
  settlement: Settlement;
}): Record<string, unknown> {
  const { usage } = settlement;
  return {
    id: hold.id,
    day: hold.day,
    state: settlement.state,
    http_status: settlement.httpStatus,
    error_code: settlement.errorCode,
    provider_request_id: settlement.providerRequestId,
    input_tokens: usage?.input ?? 0,
    cached_tokens: usage?.cacheRead ?? 0,
    cache_write_5m_tokens: usage?.cacheWrite5m ?? 0,
    cache_write_1h_tokens: usage?.cacheWrite1h ?? 0,
    output_tokens: usage?.output ?? 0,
    reasoning_tokens: usage?.reasoning ?? 0,
    cost_nano_usd: settlement.costNanoUsd?.toString() ?? null,
    cost_basis: settlement.basis,
    price_id: settlement.priceId,
    latency_ms: settlement.latencyMs,
    ttfb_ms: settlement.ttfbMs,
  };
}
