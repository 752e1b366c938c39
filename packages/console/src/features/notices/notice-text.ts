import type { Notice } from '@ownkey/contract/api/notices';
import { FALLBACK_REASONS } from '@ownkey/contract/fallback';
import type { TFunction } from 'i18next';
import { formatCount } from '../../format/count.ts';
import { formatUsd } from '../../format/money.ts';
import { formatDay, formatTime } from '../../format/time.ts';
import type { Tone } from '../../ui/Feedback.tsx';
import { stops } from './notice-order.ts';

export interface Reader {
  t: TFunction;
  locale: string;
  now: number;
}

/** The fact, since when, how many calls, what they cost. */
export function noticeText(notice: Notice, reader: Reader): string {
  const { t, locale } = reader;
  const words = {
    provider: notice.provider_name,
    key: notice.last4 === null ? '' : ` ••••${notice.last4}`,
    what: whatWord(notice, t),
    since: momentText(notice.started_at, reader),
    cost: formatUsd(notice.cost_usd, locale),
  };
  if (notice.ended_at !== null) return endedText(notice, words, reader);
  if (notice.kind === 'fallback')
    return `${t('notice.fallback', words)} ${t('notice.so_far', { ...counted(notice.calls, locale), cost: words.cost })}`;
  if (!stops(notice)) return t('notice.failing', words);
  return `${t('notice.stopped', words)} ${t('notice.refused', counted(notice.refused, locale))}`;
}

function endedText(
  notice: Notice,
  words: { provider: string; key: string; what: string; since: string; cost: string },
  reader: Reader,
): string {
  const { t, locale } = reader;
  const at = momentText(notice.ended_at ?? notice.started_at, reader);
  const how = notice.resolution === 'replaced' ? 'recovered' : (notice.resolution ?? 'switched');
  const lead = t(`notice.ended_${how}`, { ...words, at });
  const answered =
    notice.calls === 0 ? '' : ` ${t('notice.answered', { ...counted(notice.calls, locale), cost: words.cost })}`;
  return `${lead}${answered}`;
}

/** A count for its plural form, and as it is written. */
function counted(count: number, locale: string): { count: number; number: string } {
  return { count, number: formatCount(count, locale) };
}

/** What is wrong with the key, after "your key is". */
function whatWord({ reason }: Notice, t: TFunction): string {
  const fallback = FALLBACK_REASONS.find((known) => known === reason);
  if (fallback !== undefined) return t(`fallback.${fallback}`);
  switch (reason) {
    case 'invalid':
      return t('fallback.key_rejected');
    case 'unreachable':
      return t('fallback.outage');
    case 'undecryptable':
      return t('notice.undecryptable');
    default:
      return t('notice.failing_word');
  }
}

/** "14:02" today, else with its day. */
function momentText(at: string, { locale, now }: Reader): string {
  const today = new Date(at).toDateString() === new Date(now).toDateString();
  return today ? formatTime(at, locale, 'local') : formatDay(at, locale, 'local', now);
}

export function toneOf(notice: Notice): Tone {
  if (notice.ended_at !== null)
    return notice.resolution === 'recovered' || notice.resolution === 'replaced' ? 'good' : 'info';
  return stops(notice) ? 'bad' : 'warn';
}
