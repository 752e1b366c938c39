import type { Usage } from '@ownkey/contract/usage';
import { isJson, type Json, jsonOf } from '../../json.ts';
import { consistentUsage, tokensOf } from '../../tokens.ts';

/**
 * Usage of a message, or null where the value reports none. `input_tokens` leaves cache reads and writes out. In streams the start
 * has the input, the last delta the output and, in newer answers, everything again: give the earlier value as `before`.
 * Shape: platform.claude.com/docs/en/api/messages
 */
export function readMessagesUsage(value: unknown, before: unknown = null): Usage | null {
  if (!isJson(value)) return null;
  const usage: Json = isJson(before) ? { ...before, ...withoutNulls(value) } : value;
  const plain = tokensOf(usage.input_tokens);
  const output = tokensOf(usage.output_tokens);
  if (plain === null && output === null) return null;
  const read = tokensOf(usage.cache_read_input_tokens) ?? 0;
  const written = tokensOf(usage.cache_creation_input_tokens) ?? 0;
  const cacheWrite1h = Math.min(tokensOf(jsonOf(usage.cache_creation).ephemeral_1h_input_tokens) ?? 0, written);
  return consistentUsage({
    input: (plain ?? 0) + read + written,
    cacheRead: read,
    cacheWrite5m: written - cacheWrite1h,
    cacheWrite1h,
    output: output ?? 0,
    reasoning: tokensOf(jsonOf(usage.output_tokens_details).thinking_tokens) ?? 0,
  });
}

/** Usage as messages write it. */
export function writeMessagesUsage(usage: Usage): Json {
  return {
    input_tokens: usage.input - usage.cacheRead - usage.cacheWrite5m - usage.cacheWrite1h,
    cache_creation_input_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWrite5m,
      ephemeral_1h_input_tokens: usage.cacheWrite1h,
    },
    output_tokens: usage.output,
    output_tokens_details: { thinking_tokens: usage.reasoning },
  };
}

function withoutNulls(value: Json): Json {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}
