import type { Quirks } from '@ownkey/contract/provider';
import type { Usage } from '@ownkey/contract/usage';
import { isJson, type Json, jsonOf } from '../../json.ts';
import { consistentUsage, tokensOf, usdOf } from '../../tokens.ts';

/**
 * Usage of a chat completion, or null where the value reports none. `prompt_tokens` includes cached and cache-written tokens.
 * Reasoning is inside `completion_tokens` unless the quirk says it comes on top; then it is what `total_tokens` holds beyond
 * prompt and completion. Shapes: platform.openai.com/docs/api-reference/chat/object, and the providers' own additions.
 */
export function readChatUsage(value: unknown, quirks: Quirks): Usage | null {
  if (!isJson(value)) return null;
  const input = tokensOf(value.prompt_tokens);
  const completion = tokensOf(value.completion_tokens);
  if (input === null && completion === null) return null;
  const prompt = jsonOf(value.prompt_tokens_details);
  const details = jsonOf(value.completion_tokens_details);
  let reasoning = tokensOf(details.reasoning_tokens) ?? tokensOf(value.reasoning_tokens) ?? 0;
  let output = completion ?? 0;
  if (quirks.reasoning_on_top) {
    const total = tokensOf(value.total_tokens);
    const beyond = total === null ? reasoning : Math.max(0, total - (input ?? 0) - output);
    // Where the whole is no larger than prompt and completion, the reasoning reported is inside.
    output += beyond;
    reasoning = Math.max(reasoning, beyond);
  }
  const cost = costOf(value);
  return consistentUsage({
    input: input ?? 0,
    // Beside the counts at DeepSeek and Together, in the details elsewhere.
    cacheRead:
      tokensOf(prompt.cached_tokens) ?? tokensOf(value.prompt_cache_hit_tokens) ?? tokensOf(value.cached_tokens) ?? 0,
    cacheWrite5m: tokensOf(prompt.cache_write_tokens) ?? 0,
    cacheWrite1h: 0,
    output,
    reasoning,
    ...(cost === undefined ? {} : { providerCostUsd: cost }),
  });
}

/** xAI counts in ticks of 1e-10 USD; with a key of one's own behind OpenRouter the upstream's price is the real one. */
function costOf(usage: Json): string | undefined {
  if (typeof usage.cost_in_usd_ticks === 'number') return usdOf(usage.cost_in_usd_ticks / 1e10);
  if (isJson(usage.cost)) return usdOf(usage.cost.total_cost);
  const upstream = jsonOf(usage.cost_details).upstream_inference_cost;
  return usage.is_byok === true && typeof upstream === 'number' ? usdOf(upstream) : usdOf(usage.cost);
}

/** Usage as chat completions write it. */
export function writeChatUsage(usage: Usage): Json {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: {
      cached_tokens: usage.cacheRead,
      cache_write_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    },
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
  };
}
