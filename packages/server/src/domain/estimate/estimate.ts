import type { Estimate } from '@ownkey/contract/api/money';
import type { PriceRow } from '@ownkey/contract/price';
import { NO_USAGE } from '@ownkey/contract/usage';
import type { CostBound } from '@ownkey/policy/bound-cost';
import { costOf } from '@ownkey/policy/price';
import { usd } from '../caps/view.ts';

/** A short answer, and a usual one where the company has no calls of the model to tell from. Tokens. */
const SHORT_ANSWER = 50;
const USUAL_ANSWER = 500;

export interface CostInput {
  readonly price: PriceRow | null;
  /** null = no price is known. */
  readonly bound: CostBound | null;
  readonly inputTokens: number;
  readonly choices: number;
  /** The limit of the answer, as far as it is known. */
  readonly maxTokens: number | null;
  /** What this company's answers of the model come to; null = not known. */
  readonly typicalOutput: number | null;
  /** By the ledger's clock, milliseconds since 1970. */
  readonly at: number;
}

/**
 * Low: the input as counted and a short answer (50 tokens). Likely: an answer as long as this company's of the model were in the
 * last 30 days, else 500 tokens; never longer than its limit. Worst: what is reserved. Low ≤ likely ≤ worst. Pure.
 */
export function costsOf(
  input: CostInput,
): Pick<
  Estimate,
  'low_usd' | 'likely_usd' | 'worst_usd' | 'likely_basis' | 'price' | 'price_known' | 'price_confidence'
> {
  const { price, bound, typicalOutput } = input;
  const basis = { likely_basis: typicalOutput === null ? ('default' as const) : ('own_calls' as const) };
  if (price === null || bound === null) return { ...basis, ...UNKNOWN };
  const worst = bound.unbounded.length > 0 ? null : bound.worst;
  const most = input.maxTokens ?? Number.POSITIVE_INFINITY;
  const costWith = (answer: number): bigint => {
    const output = Math.min(answer, most) * input.choices;
    const cost = costOf(price.rates, { ...NO_USAGE, input: input.inputTokens, output }, input.at);
    return worst !== null && cost > worst ? worst : cost;
  };
  const usual = typicalOutput ?? USUAL_ANSWER;
  return {
    ...basis,
    low_usd: usd(costWith(Math.min(SHORT_ANSWER, usual))),
    likely_usd: usd(costWith(usual)),
    worst_usd: usd(worst),
    price_known: true,
    price: { id: price.id, origin: price.origin },
    price_confidence: confidenceOf(price),
  };
}

const UNKNOWN = {
  low_usd: null,
  likely_usd: null,
  worst_usd: null,
  price_known: false,
  price: null,
  price_confidence: 'unknown' as const,
};

function confidenceOf({ origin, match }: PriceRow): Estimate['price_confidence'] {
  if (match !== null && !('equals' in match)) return 'pattern';
  return origin === 'company' || origin === 'operator' ? 'set' : 'listed';
}
