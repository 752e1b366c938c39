import type { Usage } from '@ownkey/contract/usage';

/** No answer of anybody has more tokens; a larger count is a provider's mistake and is not believed. */
const TOKENS_MAX = 1_000_000_000;

/** A count of tokens, or null where it is no such thing. */
export function tokensOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX ? value : null;
}

/** Makes the parts of a usage fit into their wholes, whatever the provider wrote. */
export function consistentUsage(usage: Usage): Usage {
  const cacheRead = Math.min(usage.cacheRead, usage.input);
  const cacheWrite1h = Math.min(usage.cacheWrite1h, usage.input - cacheRead);
  const cacheWrite5m = Math.min(usage.cacheWrite5m, usage.input - cacheRead - cacheWrite1h);
  return { ...usage, cacheRead, cacheWrite5m, cacheWrite1h, reasoning: Math.min(usage.reasoning, usage.output) };
}

/** An amount of USD as a decimal string without exponent; undefined where it is no amount. */
export function usdOf(value: unknown): string | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0 || value > 1e9) return undefined;
  const text = value.toFixed(12);
  return text.replace(/\.?0+$/, '');
}
