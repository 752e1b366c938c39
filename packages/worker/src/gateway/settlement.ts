import type { AnswerReader } from '@ownkey/contract/dialect';
import { formatUsd } from '@ownkey/contract/money';
import { NO_USAGE, type Usage, type UsageBasis } from '@ownkey/contract/usage';
import type { Hold, Settlement } from '../ledger/ledger.ts';
import { costOfUsage, type PricedBy, type SpendPlan } from '../spend/plan-spend.ts';
import type { Route } from './route.ts';

/** Bytes of text that count as one token where a provider reports nothing: the usual rule of thumb for English. */
const BYTES_PER_TOKEN = 4;
/** More tokens in a second than models of today answer with: bounds what can have been generated unseen. */
const TOKENS_PER_SECOND = 1_000;

/** How far a call came that reached its provider. */
export interface CallEnding {
  requestBytes: number;
  /** The provider's own end of a good answer was seen. */
  complete: boolean;
  /** The provider answered with an error. */
  failed: boolean;
  elapsedMs: number;
  /** The limit of the answer. */
  maxTokens: number;
}

/**
 * What a call used. Reported and complete: that. Reported in part, or text seen: the larger of reported and counted. An error of the
 * provider's before any text: nothing. A whole answer without a report: counted, and the worst case where it has no text. Sent, and
 * nothing heard before it broke off: what can have been generated in that time, `estimated`.
 */
export function usageOf(
  reader: Pick<AnswerReader, 'usage' | 'generatedCharacters'>,
  ending: CallEnding,
): { usage: Usage; basis: UsageBasis | null } {
  const reported = reader.usage();
  if (reported !== null && !reported.partial) return { usage: reported.usage, basis: reported.basis };
  const counted = Math.ceil(reader.generatedCharacters() / BYTES_PER_TOKEN);
  if (reported !== null) {
    const { usage, basis } = reported;
    return counted > usage.output ? { usage: { ...usage, output: counted }, basis: 'counted' } : { usage, basis };
  }
  if (counted === 0 && ending.failed) return { usage: NO_USAGE, basis: null };
  const usage = { ...NO_USAGE, input: Math.ceil(ending.requestBytes / BYTES_PER_TOKEN), output: counted };
  if (counted > 0 || (ending.complete && ending.maxTokens === 0)) return { usage, basis: 'counted' };
  // An end without text and without a report: what the provider does from here on is not seen.
  if (ending.complete) return { usage: { ...usage, output: ending.maxTokens }, basis: 'estimated' };
  const possible = Math.ceil((ending.elapsedMs / 1_000) * TOKENS_PER_SECOND);
  return { usage: { ...usage, output: Math.min(ending.maxTokens, possible) }, basis: 'estimated' };
}

/** What it cost; an estimate never passes what was reserved. */
export function costAtEnd(
  pricedBy: PricedBy,
  { usage, basis }: { usage: Usage; basis: UsageBasis | null },
  hold: Pick<Hold, 'at' | 'grantedNanoUsd'>,
): Pick<Settlement, 'costNanoUsd' | 'priceId'> {
  // An error, or a call that costs nothing: no usage has no price to miss.
  if (basis === null) return { costNanoUsd: 0n, priceId: null };
  const cost = costOfUsage(pricedBy, usage, hold.at);
  if (basis !== 'estimated' || cost.costNanoUsd === null || cost.costNanoUsd <= hold.grantedNanoUsd) return cost;
  return { ...cost, costNanoUsd: hold.grantedNanoUsd };
}

/** What the settlement of a call needs of its plan. */
export interface SettledPlan {
  spend: SpendPlan;
  /** The provider charges nothing for it. */
  free: boolean;
  hold: Hold;
  requestBytes: number;
  route: Pick<Route, 'target'>;
}

/** How a call ended, whoever ended it. */
export interface EndOfCall extends Pick<Settlement, 'httpStatus' | 'errorCode' | 'providerRequestId' | 'ttfbMs'> {
  latencyMs: number;
  /** Something of it may have reached the provider. */
  reached: boolean;
  /** The provider's own end of a good answer was seen. */
  complete: boolean;
}

/** How the call is booked. What never reached its provider is given back. */
export function settlementOf(plan: SettledPlan, reader: AnswerReader, end: EndOfCall): Settlement {
  const { reached, complete, ...told } = end;
  const used = plan.free
    ? { usage: NO_USAGE, basis: null }
    : usageOf(reader, {
        requestBytes: plan.requestBytes,
        complete,
        failed: reader.failure() !== null,
        elapsedMs: end.latencyMs,
        maxTokens: plan.spend.bound?.maxTokens ?? 0,
      });
  if (!reached) return { state: 'released', ...told, ...used, costNanoUsd: null, priceId: null };
  const pricedBy = {
    price: plan.spend.price,
    reportsCost: plan.route.target.entry.quirks.reports_cost === true,
  };
  return { state: 'settled', ...told, ...used, ...costAtEnd(pricedBy, used, plan.hold) };
}

/** The last comment of a stream whose caller asked for its usage. */
export function usageComment({
  usage,
  basis,
  costNanoUsd,
}: Pick<Settlement, 'usage' | 'basis' | 'costNanoUsd'>): Buffer {
  const facts = {
    input_tokens: usage?.input ?? 0,
    output_tokens: usage?.output ?? 0,
    cached_tokens: usage?.cacheRead ?? 0,
    cost_usd: costNanoUsd === null ? null : formatUsd(costNanoUsd),
    basis,
  };
  return Buffer.from(`: x-ownkey-usage ${JSON.stringify(facts)}\n\n`);
}
