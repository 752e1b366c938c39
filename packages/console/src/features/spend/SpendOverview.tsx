import type { Spend, SpendOf, SpendPeriod } from '@ownkey/contract/api/money';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { spendQuery } from '../../api/spend.ts';
import { formatMonth, formatUtcDay } from '../../format/time.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { Money } from '../../ui/Facts.tsx';
import { FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { useNow } from '../../ui/use-now.ts';
import { CreditsRow } from './CreditsRow.tsx';
import { MeterRow } from './MeterRow.tsx';
import { hasNoCap, periodState } from './period-state.ts';
import { type Reader, resetText } from './reset-text.ts';

/** Is AI running, how long still, what was spent: today, this month, one request, credits. */
export function SpendOverview({ co, whose }: { co: string; whose: 'company' | 'me' }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const spend = useQuery(spendQuery);
  const skeleton = useSkeleton(spend.isPending);
  if (spend.isError && spend.data === undefined) {
    return (
      <FailurePanel
        failure={explainError(spend.error, t)}
        lead={t('errors.load')}
        onRetry={() => void spend.refetch()}
      />
    );
  }
  if (spend.data === undefined) return skeleton ? <SkeletonRows rows={4} label={t('word.loading')} /> : null;
  const reader: Reader = { t, locale: i18n.language, now };
  const shown = whose === 'me' ? spend.data.me : spend.data.company;
  if (shown === null) return <p className="text-text-2">{t('spend.me_nobody')}</p>;
  return (
    <div className="flex flex-col gap-4">
      <section aria-label={t('spend.overview')} className="rounded-card border border-border bg-surface">
        <PeriodRow name={t('spend.today')} period={shown.day} reader={reader} />
        <PeriodRow name={monthName(now, i18n.language)} period={shown.month} reader={reader}>
          {whose === 'company' ? <Forecast spend={spend.data} reader={reader} /> : null}
        </PeriodRow>
        <MeterRow
          name={t('spend.request')}
          figure={
            shown.request_cap_usd === null ? (
              t('spend.none')
            ) : (
              <>
                {t('spend.up_to')} <Money usd={shown.request_cap_usd} />
              </>
            )
          }
        >
          {shown.request_cap_usd === null ? null : <p>{t('spend.request_hint')}</p>}
        </MeterRow>
        {whose === 'company' ? <CreditsRow credits={spend.data.credits} reader={reader} /> : null}
        {whose === 'company' ? <FallbackRow fallback={spend.data.fallback} reader={reader} /> : null}
      </section>
      {hasNoCap(shown) ? <p>{whose === 'me' ? t('spend.no_cap_me') : t('spend.no_cap')}</p> : null}
      {whose === 'company' ? <Unpriced unpriced={spend.data.unpriced} co={co} /> : null}
      <p className="text-hint text-text-3">{t('spend.utc_hint')}</p>
    </div>
  );
}

function PeriodRow(props: { name: string; period: SpendPeriod; reader: Reader; children?: React.ReactNode }) {
  const { t, i18n } = useTranslation();
  const { period, reader } = props;
  const state = periodState(period);
  const capped = period.cap_usd !== null;
  return (
    <MeterRow
      name={props.name}
      figure={
        <>
          <Money usd={period.used_usd} />
          {period.cap_usd === null ? null : (
            <span className="font-normal text-text-2">
              {' '}
              {t('spend.of')} <Money usd={period.cap_usd} />
            </span>
          )}
        </>
      }
      word={
        !capped
          ? t('spend.none')
          : period.paused
            ? t('spend.paused')
            : t('spend.percent_used', { percent: state.percent })
      }
      meter={capped ? { used: state.usedPercent, held: state.heldPercent, tone: state.tone } : undefined}
    >
      <p>
        {Number(period.reserved_usd) === 0 ? null : (
          <>
            <Money usd={period.reserved_usd} /> {t('spend.held')} ·{' '}
          </>
        )}
        {t('when.resets', { when: resetText(period.resets_at, reader) })}
      </p>
      {period.raised_until === null ? null : (
        <p>{t('spend.raised_until', { day: formatUtcDay(period.raised_until, i18n.language) })}</p>
      )}
      {period.refused === 0 ? null : <p>{t('spend.refused', { count: period.refused })}</p>}
      {props.children}
    </MeterRow>
  );
}

/** How the month goes on at the pace of the last days. */
function Forecast({ spend, reader }: { spend: Spend; reader: Reader }) {
  const { t } = useTranslation();
  const { pace_usd, days, month_cap_reached_on } = spend.forecast;
  if (Number(pace_usd) === 0 || spend.company.month.paused) return null;
  const pace = <Money usd={pace_usd} />;
  return (
    <p>
      {t('spend.pace', { count: days })} {pace} {t('spend.a_day')}
      {month_cap_reached_on !== null
        ? t('spend.pace_reached', { day: formatUtcDay(month_cap_reached_on, reader.locale) })
        : spend.company.month.cap_usd === null
          ? '.'
          : t('spend.pace_fine')}
    </p>
  );
}

/** What fallbacks to the shared key cost; nothing to say while there were none and nothing limits them. */
function FallbackRow({ fallback, reader }: { fallback: SpendOf; reader: Reader }) {
  const { t } = useTranslation();
  const period = fallback.day.cap_usd !== null && fallback.month.cap_usd === null ? fallback.day : fallback.month;
  if (hasNoCap(fallback) && Number(period.used_usd) === 0) return null;
  return <PeriodRow name={t('spend.fallback')} period={period} reader={reader} />;
}

function Unpriced({ unpriced, co }: { unpriced: Spend['unpriced']; co: string }) {
  const { t } = useTranslation();
  if (unpriced.month === 0) return null;
  return (
    <p>
      {t('spend.unpriced', { count: unpriced.month, today: unpriced.today })}{' '}
      <Link to={paths.spendPrices(co, { unknown: 'true' })} className="underline underline-offset-2">
        {t('spend.unpriced_link')}
      </Link>
    </p>
  );
}

function monthName(now: number, locale: string): string {
  const name = formatMonth(now, locale);
  return name.charAt(0).toLocaleUpperCase(locale) + name.slice(1);
}
