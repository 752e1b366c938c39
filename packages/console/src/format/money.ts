/**
 * An amount of USD as people read it: from $1 two decimals, from one cent four, below that two significant digits. An amount
 * that is not 0 never shows as 0. `usd` is the API's decimal string.
 */
export function formatUsd(usd: string, locale: string): string {
  const amount = Number(usd);
  const size = Math.abs(amount);
  const digits: Intl.NumberFormatOptions =
    size === 0 || size >= 1
      ? { minimumFractionDigits: 2, maximumFractionDigits: 2 }
      : size >= 0.01
        ? { minimumFractionDigits: 4, maximumFractionDigits: 4 }
        : { minimumSignificantDigits: 2, maximumSignificantDigits: 2 };
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'USD',
    currencyDisplay: 'narrowSymbol',
    ...digits,
  }).format(amount);
}

/** The exact amount, to the nano-dollar, without grouping or rounding: shown on focus and in exports. */
export function exactUsd(usd: string): string {
  return `${usd} USD`;
}

/** An amount as it was read from a field: every digit that was kept, at least two decimals. */
export function formatMoneyAsRead(usd: string, locale: string): string {
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'USD',
    currencyDisplay: 'narrowSymbol',
    minimumFractionDigits: 2,
    maximumFractionDigits: 9,
  }).format(Number(usd));
}
