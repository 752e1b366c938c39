import type { UsageSums } from '@ownkey/contract/api/usage';
import { formatCount } from '../../format/count.ts';
import { formatUsd } from '../../format/money.ts';
import type { Measure } from './analytics-search.ts';

/** How much of a measure the sums hold, as a number for bars. */
export function amountOf(sums: UsageSums, measure: Measure): number {
  if (measure === 'operations') return sums.operations;
  return measure === 'cost' ? Number(sums.cost_usd) : tokensOf(sums);
}

export function tokensOf({ input_tokens, output_tokens }: UsageSums): number {
  return input_tokens + output_tokens;
}

export function formatMeasure(sums: UsageSums, measure: Measure, locale: string): string {
  return measure === 'cost' ? formatUsd(sums.cost_usd, locale) : formatCount(amountOf(sums, measure), locale);
}

/** Change in whole per cent; null = there was nothing to compare with. */
export function changeOf(now: number, before: number | null): number | null {
  return before === null || before === 0 ? null : Math.round(((now - before) / before) * 100);
}
