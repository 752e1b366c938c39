import { OwnkeyError } from '@ownkey/contract/errors';
import { parseUsd } from '@ownkey/contract/money';
import { PROVIDERS_OWN_COST, type PriceRow } from '@ownkey/contract/price';
import { type Limit, METERS } from '@ownkey/contract/spend';
import type { Usage } from '@ownkey/contract/usage';
import { type BoundInput, boundCost, type CostBound } from '@ownkey/policy/bound-cost';
import { capsFor } from '@ownkey/policy/caps';
import { costOf } from '@ownkey/policy/price';
import type { CompanySnapshot, Configuration, InstallationSnapshot } from '../access/snapshot.ts';

/** What a call may cost, and which limits it has to keep. */
export interface SpendPlan {
  /** null = no price is known. */
  price: PriceRow | null;
  /** null where no price is known, and for calls that cost nothing. */
  bound: CostBound | null;
  limits: readonly Limit[];
}

export interface SpendInput {
  configuration: Configuration;
  userId: string | null;
  /** Limits of the token; null = none, also for probes. */
  token: { id: string; requestsPerMinute: number | null; concurrentRequests: number | null } | null;
  source: 'own' | 'platform';
  fallback: boolean;
  slug: string;
  /** As people name it. */
  modelName: string;
  /** As the provider names it. */
  model: string;
  /** null = the call costs nothing. */
  body: Omit<BoundInput, 'model' | 'rates' | 'policies'> | null;
  now: number;
}

/**
 * Decides what one call has to reserve. Pure, from the configuration alone.
 * @throws OwnkeyError price.unknown (a platform key, or a company that blocks models without a price), spend.unbounded_feature
 */
export function planSpend(input: SpendInput): SpendPlan {
  const { company, installation } = input.configuration;
  const limits = limitsOf(input);
  if (input.body === null) return { price: null, bound: null, limits };
  // What a company says its models cost counts for its own keys alone: the shared key's price is the operator's to set.
  const price = findPrice(installation, input.source === 'own' ? company : null, input);
  if (price === null) {
    if (input.source === 'platform' || company.blockUnpriced) {
      throw new OwnkeyError('price.unknown', { model: input.modelName, param: 'model' });
    }
    return { price, bound: null, limits };
  }
  const bound = boundCost({
    ...input.body,
    model: input.model,
    rates: price.rates,
    policies: installation.policies,
  });
  const [feature] = bound.unbounded;
  if (feature !== undefined && limits.some(isMoney)) {
    throw new OwnkeyError('spend.unbounded_feature', { feature, param: feature });
  }
  return { price, bound, limits };
}

/** The price now in force, by the ledger's clock; `now` is this process's. */
export function findPrice(
  installation: InstallationSnapshot,
  company: Pick<CompanySnapshot, 'prices'> | null,
  call: { slug: string; model: string; now: number },
): PriceRow | null {
  const at = call.now + installation.clockOffsetMs;
  return installation.prices.find(call.slug, call.model, at, company?.prices ?? []);
}

/** Whether what a call may cost is limited at all. */
export function isCapped({ limits }: Pick<SpendPlan, 'limits'>): boolean {
  return limits.some(isMoney);
}

/** What a call's cost is worked out with. */
export interface PricedBy {
  price: PriceRow | null;
  /** The provider is one whose reports of its own charge are believed. */
  reportsCost: boolean;
}

/**
 * What a finished call cost, with the price it is known by: what the provider itself says it charged, else its usage at the price
 * of the moment it was reserved. Cost null = no price is known.
 */
export function costOfUsage(
  { price, reportsCost }: PricedBy,
  usage: Usage,
  reservedAt: number,
): { costNanoUsd: bigint | null; priceId: string | null } {
  const own = !reportsCost || usage.providerCostUsd === undefined ? null : parseUsd(usage.providerCostUsd);
  if (own !== null) return { costNanoUsd: own, priceId: PROVIDERS_OWN_COST };
  if (price === null) return { costNanoUsd: null, priceId: null };
  return { costNanoUsd: costOf(price.rates, usage, reservedAt), priceId: price.id };
}

function limitsOf({ configuration: { company, installation }, userId, token, source, fallback }: SpendInput): Limit[] {
  const limits = capsFor({ policies: installation.policies, rows: company.caps, userId, fallback });
  const plan = installation.plans.get(company.planId);
  if (source === 'platform' && plan?.creditsNanoUsd != null) {
    limits.push({ meter: METERS.credits, kind: 'month', cap: plan.creditsNanoUsd });
  }
  if (token !== null) {
    addRates(limits, METERS.company, plan ?? null);
    addRates(limits, token.id, token);
  }
  return limits;
}

function addRates(
  limits: Limit[],
  meter: string,
  rates: { requestsPerMinute: number | null; concurrentRequests: number | null } | null,
): void {
  if (rates?.requestsPerMinute != null) limits.push({ meter, kind: 'minute', cap: BigInt(rates.requestsPerMinute) });
  if (rates?.concurrentRequests != null) limits.push({ meter, kind: 'running', cap: BigInt(rates.concurrentRequests) });
}

function isMoney({ kind }: Limit): boolean {
  return kind === 'request' || kind === 'day' || kind === 'month';
}
