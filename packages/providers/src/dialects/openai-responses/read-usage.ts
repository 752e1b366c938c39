import type { Usage } from '@ownkey/contract/usage';
import { isJson, type Json, jsonOf } from '../../json.ts';
import { consistentUsage, tokensOf, usdOf } from '../../tokens.ts';

/**
 * Usage of a response, or null where the value reports none. Cached tokens are inside the input, reasoning inside the output.
 * Shape: platform.openai.com/docs/api-reference/responses/object
 */
export function readResponsesUsage(value: unknown): Usage | null {
  if (!isJson(value)) return null;
  const input = tokensOf(value.input_tokens);
  const output = tokensOf(value.output_tokens);
  if (input === null && output === null) return null;
  const details = jsonOf(value.input_tokens_details);
  const ticks = value.cost_in_usd_ticks;
  const cost = typeof ticks === 'number' ? usdOf(ticks / 1e10) : usdOf(value.cost);
  return consistentUsage({
    input: input ?? 0,
    cacheRead: tokensOf(details.cached_tokens) ?? 0,
    cacheWrite5m: tokensOf(details.cache_write_tokens) ?? 0,
    cacheWrite1h: 0,
    output: output ?? 0,
    reasoning: tokensOf(jsonOf(value.output_tokens_details).reasoning_tokens) ?? 0,
    ...(cost === undefined ? {} : { providerCostUsd: cost }),
  });
}

/** Usage as responses write it. */
export function writeResponsesUsage(usage: Usage): Json {
  return {
    input_tokens: usage.input,
    input_tokens_details: {
      cached_tokens: usage.cacheRead,
      cache_write_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}
