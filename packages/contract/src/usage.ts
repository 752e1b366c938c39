/** Where token counts come from. `reported` by the provider, `counted` by us from what was streamed, `estimated` = worst case. */
export type UsageBasis = 'reported' | 'counted' | 'estimated';

/**
 * Token usage in one normal form, whatever the provider's own accounting. All counts are whole numbers ≥ 0.
 * - `input` is everything sent: it includes `cacheRead`, `cacheWrite5m` and `cacheWrite1h`.
 * - `output` is everything generated: it includes `reasoning`, also where a provider reports reasoning on top.
 */
export interface Usage {
  input: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  output: number;
  reasoning: number;
  /** USD the provider itself says it charged (as a decimal string), where it says so. */
  providerCostUsd?: string;
}

export const NO_USAGE: Readonly<Usage> = Object.freeze({
  input: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  output: 0,
  reasoning: 0,
});
