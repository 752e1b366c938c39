/** Nano-USD: 1 USD = 1,000,000,000. Money is always an integer; floats never hold it. */
export type NanoUsd = bigint;

export const NANO_PER_USD: NanoUsd = 1_000_000_000n;

const DECIMAL = /^(\d{1,12})(?:\.(\d{0,30}))?$/;

/**
 * Reads a non-negative amount of USD written as a decimal (string or JSON number) and rounds it down to nano-USD.
 * Returns null for anything else: negative, NaN, exponent outside a number's own range, text, more than 12 integer digits.
 */
export function parseUsd(value: string | number): NanoUsd | null {
  const text = typeof value === 'number' ? numberText(value) : value.trim();
  const match = text === null ? null : DECIMAL.exec(text);
  if (!match) return null;
  const fraction = (match[2] ?? '').padEnd(9, '0').slice(0, 9);
  return BigInt(match[1] ?? '0') * NANO_PER_USD + BigInt(fraction);
}

/** A JSON number without exponent, or null. Numbers below one nano-USD become "0". */
function numberText(value: number): string | null {
  if (!Number.isFinite(value) || value < 0) return null;
  return value >= 1e12 ? null : value.toFixed(12);
}

/** Decimal string of USD without trailing zeros, exact: `1500000000n` is "1.5", `42n` is "0.000000042". */
export function formatUsd(amount: NanoUsd): string {
  const sign = amount < 0n ? '-' : '';
  const absolute = amount < 0n ? -amount : amount;
  const fraction = (absolute % NANO_PER_USD).toString().padStart(9, '0').replace(/0+$/, '');
  const whole = (absolute / NANO_PER_USD).toString();
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
