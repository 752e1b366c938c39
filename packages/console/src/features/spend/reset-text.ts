import type { TFunction } from 'i18next';
import { formatTime, formatUtcDay } from '../../format/time.ts';

/** What texts about periods are made with. */
export interface Reader {
  t: TFunction;
  locale: string;
  now: number;
}

/** When a period ends: "00:00 UTC (01:00 here, in 3 h 12 min)", with the day where that is not the next midnight. */
export function resetText(at: string, reader: Reader): string {
  const { t, locale } = reader;
  const utc = untilText(at, reader);
  const wait = waitText(at, reader);
  const here = formatTime(at, locale, 'local');
  return here === formatTime(at, locale, 'utc')
    ? t('when.reset_utc', { utc, wait })
    : t('when.reset', { utc, here, wait });
}

/** "00:00 UTC", or "1 Dec, 00:00 UTC" where it is more than a day off. */
export function untilText(at: string, { t, locale, now }: Reader): string {
  const time = t('when.utc', { time: formatTime(at, locale, 'utc') });
  if (Date.parse(at) - now <= 86_400_000) return time;
  return t('when.day_time', { day: formatUtcDay(at.slice(0, 10), locale), time });
}

const HOUR = 60;
const DAY = 24 * HOUR;

/** How long it is until then: "3 h 12 min", from two days on "5 days"; never less than a minute. */
export function waitText(at: string, { t, now }: Pick<Reader, 't' | 'now'>): string {
  const whole = Math.max(1, Math.ceil((Date.parse(at) - now) / 60_000));
  if (whole >= 2 * DAY) return t('when.days', { days: Math.floor(whole / DAY) });
  const hours = Math.floor(whole / HOUR);
  const minutes = whole % HOUR;
  if (hours === 0) return t('when.minutes', { minutes });
  return minutes === 0 ? t('when.hours', { hours }) : t('when.hours_minutes', { hours, minutes });
}
