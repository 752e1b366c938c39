import type { TFunction } from 'i18next';
import { formatTime, formatUtcDay, formatWait } from '../../format/time.ts';

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
  const wait = formatWait(Date.parse(at) - reader.now, locale);
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
