import type { Policies } from '@ownkey/contract/policies';
import type { PriceRates } from '@ownkey/contract/price';
import { dearestRates, tokensCost } from './price.ts';
import type { RequestFeatures } from './request-features.ts';

export interface BoundInput {
  /** As the provider names it. */
  model: string;
  rates: PriceRates;
  /** Whose ceilings of images count. */
  provider: string;
  bodyBytes: number;
  features: RequestFeatures;
  /** Embeddings generate nothing. */
  generates: boolean;
  /** The limit of the answer as the caller stated it; null = none stated. */
  maxTokens: number | null;
  /** The most the model answers with, where its provider or the catalogue says; null = nobody knows. */
  modelMaxTokens: number | null;
  /** How many answers are asked for. */
  choices: number;
  policies: Pick<Policies, 'default_max_tokens' | 'min_max_tokens' | 'ceilings'>;
}

export interface CostBound {
  /** The most the call can cost, nano-USD. */
  worst: bigint;
  /** The least that may be reserved in its place, the limit of the answer lowered; null = the limit is the caller's own. */
  least: bigint | null;
  /** The limit of the answer `worst` was worked out with. */
  maxTokens: number;
  /** Nobody knows the model's maximum: the limit has to be sent for the bound to hold. */
  limitMustBeSent: boolean;
  /** What has no bound, by name: such a call is refused where a cap applies. */
  unbounded: string[];
  /** What the call costs before the first token of its answer. */
  fixed: bigint;
  /** Nano-USD per million tokens of the answer, all choices together. */
  outputRate: number;
}

/**
 * Tokens a request has beyond its text: what the wire's own marks and the providers' hidden instructions for tools come to at most.
 * Anthropic names up to 735 for its own tools: https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview
 */
const REQUEST_TOKENS = 512;
/** Least limit some wires take: translation raises smaller ones to it. */
const LIMIT_MIN = 16;
/** Models that search, draw or speak beside the text they are priced for, whatever row of a price list covers their name. */
const UNBOUNDED_MODEL =
  /(?:^|[-/])(?:search-preview|search-api|deep-research|image|audio|realtime|tts|transcribe)(?:[-:]|$)/i;
const TOOLS_TOKENS = 1_024;

/**
 * The worst case of one call, which estimates show and reservations hold. A token is at least one byte, so the bytes of the body
 * bound the tokens of its text; images and files cost what the host declared; the answer costs its limit; every token costs the
 * dearest rate that could apply. Never less than the call costs, as long as providers keep to their limits. Pure.
 */
export function boundCost(input: BoundInput): CostBound {
  const { rates, features, policies, choices } = input;
  const { ceilings } = policies;
  const unbounded = [...features.unbounded, ...rates.unbounded];
  const special = UNBOUNDED_MODEL.exec(input.model);
  if (special !== null && unbounded.length === 0 && input.generates) unbounded.push(`model ${input.model}`);
  const textBytes = Math.max(0, input.bodyBytes - features.imageBytes);
  const imageTokens = ceilings.image_tokens[input.provider] ?? ceilings.image_tokens.default ?? 0;
  if (features.files > 0 && ceilings.file_tokens === null) unbounded.push('files');
  const inputTokens =
    textBytes +
    REQUEST_TOKENS +
    (features.hasTools ? TOOLS_TOKENS : 0) +
    features.images * imageTokens +
    features.files * (ceilings.file_tokens ?? 0);

  let extra = 0n;
  for (const tool of features.hostedTools) {
    const ceiling = ceilings.hosted_tools[tool];
    if (ceiling === undefined) unbounded.push(tool);
    else extra += BigInt(Math.ceil(ceiling)) * BigInt(choices);
  }
  let times = 1;
  if (features.serviceTier !== null) {
    const ceiling = ceilings.service_tiers[features.serviceTier];
    if (ceiling === undefined) unbounded.push(`service_tier ${features.serviceTier}`);
    else times = Math.max(1, ceiling);
  }

  const dearest = dearestRates(rates, inputTokens);
  const outputRate = Math.ceil(dearest.output * times) * choices;
  const fixed =
    tokensCost(inputTokens, Math.ceil(dearest.input * times)) + BigInt(Math.ceil(dearest.request * times)) + extra;
  const maxTokens = input.generates ? (input.maxTokens ?? input.modelMaxTokens ?? policies.default_max_tokens) : 0;
  const isOpen = input.generates && input.maxTokens === null;
  return {
    worst: fixed + tokensCost(input.generates ? Math.max(maxTokens, LIMIT_MIN) : 0, outputRate),
    least: isOpen
      ? fixed + tokensCost(Math.max(LIMIT_MIN, Math.min(maxTokens, policies.min_max_tokens)), outputRate)
      : null,
    maxTokens,
    limitMustBeSent: isOpen && input.modelMaxTokens === null,
    unbounded,
    fixed,
    outputRate,
  };
}

/** The limit of the answer that a reservation of `granted` pays for. */
export function tokensWithin(bound: CostBound, granted: bigint): number {
  if (granted >= bound.worst || bound.outputRate === 0) return bound.maxTokens;
  const tokens = ((granted - bound.fixed) * 1_000_000n) / BigInt(bound.outputRate);
  return Math.min(bound.maxTokens, Math.max(0, Number(tokens)));
}
