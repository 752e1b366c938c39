import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { spendQuery } from '../../api/spend.ts';
import { formatUsd } from '../../format/money.ts';
import { formatTime, formatUtcDay } from '../../format/time.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { IconButton } from '../../ui/Button.tsx';
import { buttonStyle } from '../../ui/button-style.ts';
import { Note } from '../../ui/Feedback.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { useNow } from '../../ui/use-now.ts';
import { dismiss, dismissed } from './dismissed.ts';
import { reachedToday } from './period-state.ts';
import { type Reader, resetText, untilText, waitText } from './reset-text.ts';
import { type SpendNotice, spendNotice } from './spend-notice.ts';

/** The notice about money, where there is one; what is said of a cap that stops AI cannot be dismissed. */
export function SpendBanner({ co, admin }: { co: string; admin: boolean }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const spend = useQuery(spendQuery);
  const [gone, setGone] = useState(dismissed);
  if (spend.data === undefined) return null;
  const notice = spendNotice(spend.data);
  if (notice === null || (notice.kind !== 'reached' && gone === notice.key)) return null;
  const reader: Reader = { t, locale: i18n.language, now };
  const action =
    notice.kind === 'credits'
      ? { to: paths.connect(co), label: t('keys.connect') }
      : admin
        ? { to: paths.spendCaps(co), label: t('banner.raise_cap') }
        : { to: paths.spend(co), label: t('banner.see') };
  return (
    <Note
      tone={notice.kind === 'reached' ? 'bad' : 'warn'}
      actions={
        <>
          <Link to={action.to} className={buttonStyle('secondary')}>
            {action.label}
          </Link>
          {notice.kind === 'reached' ? null : (
            <IconButton
              label={t('action.close')}
              onClick={() => {
                dismiss(notice.key);
                setGone(notice.key);
              }}
            >
              <Icon name="cross" />
            </IconButton>
          )}
        </>
      }
    >
      {noticeText(notice, spend.data.forecast.month_cap_reached_on, reader)}
    </Note>
  );
}

function noticeText(notice: SpendNotice, monthReachedOn: string | null, reader: Reader): string {
  const { t, locale, now } = reader;
  const usd = (amount: string) => formatUsd(amount, locale);
  if (notice.kind === 'credits') {
    const until = formatUtcDay(notice.until, locale);
    return Number(notice.left) === 0
      ? t('banner.credits_out', { until })
      : t('banner.credits_low', { left: usd(notice.left), granted: usd(notice.granted), until });
  }
  const { of, period } = notice;
  const cap = usd(of.cap_usd ?? '0');
  if (notice.kind === 'reached') {
    // A cap of 0 is meant to pause: no new period ends it.
    if (Number(of.cap_usd) === 0) return t(`banner.zero_${notice.whose}_${period}`);
    const when = untilText(of.resets_at, reader);
    const wait = waitText(of.resets_at, reader);
    return t(`banner.reached_${notice.whose}_${period}`, { cap, when, wait });
  }
  const fact = t(`banner.near_${period}`, { percent: notice.percent, used: usd(of.used_usd), cap });
  const at = period === 'day' ? reachedToday(of, now) : null;
  if (at !== null) return `${fact} ${t('banner.pace_day', { time: formatTime(at, locale, 'utc') })}`;
  if (period === 'month' && monthReachedOn !== null) {
    return `${fact} ${t('banner.pace_month', { day: formatUtcDay(monthReachedOn, locale) })}`;
  }
  return `${fact} ${t('when.resets', { when: resetText(of.resets_at, reader) })}.`;
}
