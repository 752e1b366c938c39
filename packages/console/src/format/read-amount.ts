import { formatUsd, parseUsd } from '@ownkey/contract/money';

/** A dollar sign before, a dollar sign or USD behind. */
const CURRENCY = /^(?:US)?\$\s*|\s*(?:\$|USD)$/gi;
const SPACES = /[\s'’]/g;
/** What may be thousands in one locale and a fraction in another: "12,345". */
const ONE_GROUP = /^[1-9]\d{0,2}[.,]\d{3}$/;

/**
 * Reads an amount of USD as people type it, with comma or point, with or without thousands ("1,234.50", "1.234,50", "10,5").
 * One separator before three digits is read as the locale writes thousands; what was read is always shown beneath the field.
 * Returns the API's decimal string, rounded down to nano-USD, or null for anything that is no amount.
 */
export function readAmount(text: string, locale: string): string | null {
  const bare = text.trim().replace(CURRENCY, '').replace(SPACES, ' ').trim();
  const sign = decimalSign(bare, locale);
  const cut = sign === null ? -1 : bare.lastIndexOf(sign);
  const whole = cut === -1 ? bare : bare.slice(0, cut);
  const fraction = cut === -1 ? '' : bare.slice(cut + 1);
  if (!/^(?:\d*|\d{1,3}(?:([ .,])\d{3})(?:\1\d{3})*)$/.test(whole) || !/^\d*$/.test(fraction)) return null;
  const digits = whole.replace(/\D/g, '').replace(/^0+(?=\d)/, '');
  if (digits === '' && fraction === '') return null;
  const nano = parseUsd(`${digits === '' ? '0' : digits}.${fraction.slice(0, 30)}`);
  return nano === null ? null : formatUsd(nano);
}

/** The sign that parts dollars from cents in this text; null: there is none. */
function decimalSign(text: string, locale: string): ',' | '.' | null {
  const comma = text.lastIndexOf(',');
  const point = text.lastIndexOf('.');
  if (comma === -1 && point === -1) return null;
  const sign = comma > point ? ',' : '.';
  if (comma !== -1 && point !== -1) return sign;
  if (text.split(sign).length > 2) return null;
  return ONE_GROUP.test(text) && sign === groupSign(locale) ? null : sign;
}

function groupSign(locale: string): string | undefined {
  return new Intl.NumberFormat(locale).formatToParts(12_345).find(({ type }) => type === 'group')?.value;
}

/** An amount as it stands in a field that is edited: no symbol, no thousands, at least two decimals. */
export function amountInField(usd: string, locale: string): string {
  return new Intl.NumberFormat(locale, {
    useGrouping: false,
    minimumFractionDigits: 2,
    maximumFractionDigits: 9,
  }).format(Number(usd));
}
