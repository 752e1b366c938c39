import type { Usage } from '@ownkey/contract/usage';
import type { SandboxModel } from './profile.ts';
import type { TemplateValues } from './template.ts';

const PER_MILLION = 1_000_000;
/** xAI's unit of cost. Reference: https://docs.x.ai/docs/api-reference */
const TICKS_PER_USD = 10_000_000_000;

/** Template values of one call's usage, in the accounting of a provider that counts thinking inside or on top of the output. */
export function usageValues(usage: Usage, model: SandboxModel, reasoningOnTop: boolean): TemplateValues {
  const output = reasoningOnTop ? usage.output - usage.reasoning : usage.output;
  const cacheWrite = usage.cacheWrite5m + usage.cacheWrite1h;
  const inputCost = roundCost((usage.input * model.price.input) / PER_MILLION);
  const outputCost = roundCost((usage.output * model.price.output) / PER_MILLION);
  const cost = roundCost(inputCost + outputCost + model.price.request);
  return {
    input: usage.input,
    output,
    reasoning: usage.reasoning,
    total: usage.input + usage.output,
    cache_read: usage.cacheRead,
    cache_write: cacheWrite,
    cache_miss: usage.input - usage.cacheRead,
    input_cost: inputCost,
    output_cost: outputCost,
    cost,
    cost_ticks: Math.round(cost * TICKS_PER_USD),
  };
}

/** Costs are shown as providers do, to a billionth of a dollar. */
function roundCost(usd: number): number {
  return Number(usd.toFixed(9));
}
