const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export type Zone = 'local' | 'utc';

/** A past moment for lists: "4 min ago" for 7 days, then "12 Nov, 14:02". */
export function formatMoment(at: string, now: number, locale: string): string {
  const age = now - Date.parse(at);
  if (Number.isNaN(age)) return '–';
  if (age >= 7 * DAY || age < -MINUTE) return formatDay(at, locale);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  if (age < MINUTE) return relative.format(0, 'second');
  if (age < HOUR) return relative.format(-Math.floor(age / MINUTE), 'minute');
  if (age < DAY) return relative.format(-Math.floor(age / HOUR), 'hour');
  return relative.format(-Math.floor(age / DAY), 'day');
}

/** "12 Nov, 14:02" in the reader's zone; with the year where it is another one. */
export function formatDay(at: string, locale: string, zone: Zone = 'local', now: number = Date.now()): string {
  const date = new Date(at);
  const sameYear = date.getUTCFullYear() === new Date(now).getUTCFullYear();
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    ...(sameYear ? {} : { year: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...zoneOption(zone),
  }).format(date);
}

/** "14:02:11", with the date where it is not today in that zone. */
export function formatClock(at: string, locale: string, zone: Zone, now: number): string {
  const date = new Date(at);
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'short', ...zoneOption(zone) });
  const clock: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
  const dated: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', ...clock };
  const today = day.format(date) === day.format(now);
  return new Intl.DateTimeFormat(locale, { ...(today ? clock : dated), ...zoneOption(zone) }).format(date);
}

/** A day that has no time ("2026-12-01"), in UTC: "1 Dec". */
export function formatUtcDay(day: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(new Date(day));
}

/** "00:00" of a moment, in the reader's zone or UTC. */
export function formatTime(at: string | number, locale: string, zone: Zone): string {
  const clock: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  return new Intl.DateTimeFormat(locale, { ...clock, ...zoneOption(zone) }).format(new Date(at));
}

/** The month of a moment in UTC, by name. */
export function formatMonth(at: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { month: 'long', timeZone: 'UTC' }).format(at);
}

/** The whole stamp with seconds and zone, shown on focus. */
export function formatStamp(at: string, locale: string, zone: Zone = 'local'): string {
  return new Intl.DateTimeFormat(locale, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
    ...zoneOption(zone),
  }).format(new Date(at));
}

function zoneOption(zone: Zone): Intl.DateTimeFormatOptions {
  return zone === 'utc' ? { timeZone: 'UTC' } : {};
}
