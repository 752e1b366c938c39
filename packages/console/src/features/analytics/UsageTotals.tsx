import type { UsageReport, UsageTotal } from '@ownkey/contract/api/usage';
import { useTranslation } from 'react-i18next';
import { exactCount, formatCount, formatShare } from '../../format/count.ts';
import { exactUsd } from '../../format/money.ts';
import { PayerDot } from '../../ui/PayerMark.tsx';
import { MEASURES, type Measure } from './analytics-search.ts';
import { amountOf, changeOf, formatMeasure, tokensOf } from './measure.ts';

/** The sums of the range, each beside what it was in the days before. */
export function UsageTotals({ report }: { report: UsageReport }) {
  const { t, i18n } = useTranslation();
  const { total, before } = report;
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-card border border-border bg-border lg:grid-cols-[repeat(4,minmax(0,1fr))]">
      {MEASURES.map((measure) => (
        <div key={measure} className="flex flex-col gap-1 bg-surface p-4">
          <dt className="text-hint text-text-2">{t(`analytics.total_${measure}`)}</dt>
          <dd className="text-page font-semibold sm:text-key" title={exact(total, measure, i18n.language)}>
            {formatMeasure(total, measure, i18n.language)}
          </dd>
          <dd className="text-hint text-text-2">
            <Change total={total} before={before} measure={measure} />
          </dd>
        </div>
      ))}
      <div className="flex flex-col gap-1 bg-surface p-4">
        <dt className="text-hint text-text-2">{t('analytics.own_share')}</dt>
        <dd className="flex items-baseline gap-2 text-page font-semibold sm:text-key">
          <PayerDot payer="own" />
          {formatShare(total.own_operations, total.operations)}
        </dd>
        <dd className="text-hint text-text-2">
          {t('analytics.own_of', {
            own: formatCount(total.own_operations, i18n.language),
            all: formatCount(total.operations, i18n.language),
          })}
        </dd>
      </div>
    </dl>
  );
}

function Change({ total, before, measure }: { total: UsageTotal; before: UsageTotal | null; measure: Measure }) {
  const { t, i18n } = useTranslation();
  const change = changeOf(amountOf(total, measure), before === null ? null : amountOf(before, measure));
  if (before === null || change === null) return <>{t('analytics.no_before')}</>;
  const was = t('analytics.before', { value: formatMeasure(before, measure, i18n.language) });
  if (change === 0) return <>{t('analytics.same', { was })}</>;
  return <>{t(change > 0 ? 'analytics.more' : 'analytics.less', { percent: Math.abs(change), was })}</>;
}

function exact(total: UsageTotal, measure: Measure, locale: string): string {
  if (measure === 'cost') return exactUsd(total.cost_usd);
  return exactCount(measure === 'tokens' ? tokensOf(total) : total.operations, locale);
}
