import { OwnkeyError } from '@ownkey/contract/errors';
import { formatUsd, NANO_PER_USD, parseUsd } from '@ownkey/contract/money';
import type { CapPeriod } from '@ownkey/contract/spend';

/** No amount is larger, whatever the policy says: sums of them still fit where they are stored. */
export const AMOUNT_MAX = 1_000_000_000n * NANO_PER_USD;

export const FIELD_OF = {
  request: 'per_request_usd',
  day: 'per_day_usd',
  month: 'per_month_usd',
} as const satisfies Record<CapPeriod, string>;

/**
 * Reads an amount of USD between `min` and `max` (nano-USD, both allowed), rounded down to nano-USD.
 * @throws OwnkeyError request.invalid naming the field and the range
 */
export function readAmount(value: string | number, field: string, max: bigint = AMOUNT_MAX, min = 0n): bigint {
  const amount = parseUsd(value);
  if (amount !== null && amount >= min && amount <= max) return amount;
  throw invalid(field, `must be an amount of USD from ${formatUsd(min)} to ${formatUsd(max)}`);
}

export function invalid(param: string, problem: string): OwnkeyError {
  return new OwnkeyError('request.invalid', { problem: `${param}: ${problem}.`, param });
}
