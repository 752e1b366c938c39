import type { Hold, Reservation, Settlement } from './ledger.ts';

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
    fallback_reason: call.fallbackReason,
    reserved_nano_usd: call.reservedNanoUsd.toString(),
    worker_id: workerId,
  };
}

/** A settlement as settle() takes it. */
export function toSettleCall({ hold, settlement }: { hold: Hold; settlement: Settlement }): Record<string, unknown> {
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
    latency_ms: settlement.latencyMs,
    ttfb_ms: settlement.ttfbMs,
  };
}
