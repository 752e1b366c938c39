/** A count: exact to 9,999, then with a letter and one decimal ("12.4K"). */
export function formatCount(count: number, locale: string): string {
  if (Math.abs(count) < 10_000) return exactCount(count, locale);
  return new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(count);
}

export function exactCount(count: number, locale: string): string {
  return new Intl.NumberFormat(locale).format(count);
}

/** A share of a whole in whole percent; 0 and 100 only when exact ("<1 %", ">99 %"). */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0) return '–';
  const percent = (part / whole) * 100;
  if (part > 0 && percent < 1) return '<1 %';
  if (part < whole && percent > 99) return '>99 %';
  return `${Math.round(percent)} %`;
}

/** A duration: "412 ms", from one second "1.4 s". */
export function formatLatency(milliseconds: number, locale: string): string {
  if (milliseconds < 1000) return `${exactCount(Math.round(milliseconds), locale)} ms`;
  return `${new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(milliseconds / 1000)} s`;
}
