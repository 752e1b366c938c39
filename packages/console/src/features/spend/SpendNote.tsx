import type { Spend } from '@ownkey/contract/api/money';
import { useTranslation } from 'react-i18next';
import { formatUsd } from '../../format/money.ts';
import { formatTime, formatUtcDay } from '../../format/time.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { buttonStyle } from '../../ui/button-style.ts';
import { useNow } from '../../ui/use-now.ts';
import { reachedToday } from './period-state.ts';
import { type Reader, resetText, untilText, waitText } from './reset-text.ts';
import type { SpendNotice } from './spend-notice.ts';

/** The next step about money. */
export function SpendAction({ co, admin, notice }: { co: string; admin: boolean; notice: SpendNotice }) {
  const { t } = useTranslation();
  const action =
    notice.kind === 'credits'
      ? { to: paths.connect(co), label: t('keys.connect') }
      : admin
        ? { to: paths.spendCaps(co), label: t('banner.raise_cap') }
        : { to: paths.spend(co), label: t('banner.see') };
  return (
    <Link to={action.to} className={buttonStyle('secondary')}>
      {action.label}
    </Link>
  );
}

/** Says a notice about money as of now. */
export function useSpendText(): (notice: SpendNotice, spend: Spend) => string {
  const { t, i18n } = useTranslation();
  const now = useNow();
  return (notice, spend) => noticeText(notice, spend.forecast.month_cap_reached_on, { t, locale: i18n.language, now });
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
