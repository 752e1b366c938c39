import type { UsageReport } from '@ownkey/contract/api/usage';
import { useTranslation } from 'react-i18next';
import { formatUtcDay } from '../../format/time.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { PayerMark } from '../../ui/PayerMark.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { type AnalyticsSearch, MEASURES, type Measure } from './analytics-search.ts';
import { amountOf, formatMeasure } from './measure.ts';

type Day = UsageReport['days'][number];

/** A measure by day, own keys below the shared one; the same days as a table. */
export function UsageFigure(props: {
  report: UsageReport;
  search: AnalyticsSearch;
  onChange: (change: AnalyticsSearch) => void;
}) {
  const { t } = useTranslation();
  const { report, search, onChange } = props;
  const measure = search.measure ?? 'operations';
  const view = search.view ?? 'chart';
  return (
    <section aria-labelledby="usage-by-day" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2 id="usage-by-day" className="text-dialog font-semibold">
          {t('analytics.by_day')}
        </h2>
        <div className="flex flex-wrap gap-3">
          <Segmented
            label={t('analytics.measure')}
            value={measure}
            onChange={(value) => onChange({ measure: value })}
            segments={MEASURES.map((value) => ({ value, label: t(`analytics.total_${value}`) }))}
          />
          <Segmented
            label={t('analytics.view')}
            value={view}
            onChange={(value) => onChange({ view: value === 'table' ? 'table' : undefined })}
            segments={[
              { value: 'chart', label: t('key.chart') },
              { value: 'table', label: t('key.table') },
            ]}
          />
        </div>
      </div>
      {view === 'chart' ? <Chart days={report.days} measure={measure} /> : <Days days={report.days} />}
    </section>
  );
}

const BAR = 8;
const GAP = 2;
const HEIGHT = 96;

function Chart({ days, measure }: { days: readonly Day[]; measure: Measure }) {
  const { t, i18n } = useTranslation();
  const sums = days.map((day) => ({
    day: day.day,
    own: amountOf(day.own, measure),
    shared: amountOf(day.platform, measure),
  }));
  const most = Math.max(...sums.map(({ own, shared }) => own + shared));
  const top = days[sums.findIndex(({ own, shared }) => own + shared === most)];
  const scale = (amount: number): number => (most === 0 ? 0 : (amount / most) * (HEIGHT - 2));
  return (
    <figure className="rounded-card border border-border bg-surface p-4">
      <svg
        aria-hidden="true"
        viewBox={`0 0 ${days.length * (BAR + GAP)} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="h-40 w-full"
      >
        {sums.map(({ day, own, shared }, index) => {
          const x = index * (BAR + GAP);
          const lower = scale(own);
          // A gap between the two, so that they are told apart without their colours.
          const gap = lower > 0 && shared > 0 ? 1 : 0;
          const upper = Math.max(0, scale(shared) - gap);
          return own + shared === 0 ? (
            <rect key={day} x={x} y={HEIGHT - 1} width={BAR} height={1} className="fill-border-strong" />
          ) : (
            <g key={day}>
              <rect x={x} y={HEIGHT - lower} width={BAR} height={lower} className="fill-own" />
              <rect x={x} y={HEIGHT - lower - gap - upper} width={BAR} height={upper} className="fill-shared" />
            </g>
          );
        })}
      </svg>
      <figcaption className="mt-3 flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1 text-compact text-text-2">
        <span className="flex flex-wrap gap-x-4">
          <PayerMark payer="own" />
          <PayerMark payer="shared" />
        </span>
        <span>
          {t('analytics.caption', {
            from: formatUtcDay(days[0]?.day ?? '', i18n.language),
            to: formatUtcDay(days.at(-1)?.day ?? '', i18n.language),
          })}
          {top === undefined || most === 0
            ? null
            : ` ${t('analytics.peak', {
                day: formatUtcDay(top.day, i18n.language),
                value: formatMeasure(addUp(top), measure, i18n.language),
              })}`}
        </span>
      </figcaption>
    </figure>
  );
}

/** Both payers of a day together; money adds up in whole nano-dollars. */
function addUp({ own, platform }: Day): Day['own'] {
  const nano = (usd: string): bigint => BigInt(Math.round(Number(usd) * 1e9));
  const cost = nano(own.cost_usd) + nano(platform.cost_usd);
  return {
    operations: own.operations + platform.operations,
    errors: own.errors + platform.errors,
    input_tokens: own.input_tokens + platform.input_tokens,
    cached_tokens: own.cached_tokens + platform.cached_tokens,
    output_tokens: own.output_tokens + platform.output_tokens,
    cost_usd: String(Number(cost) / 1e9),
  };
}

function Days({ days }: { days: readonly Day[] }) {
  const { t, i18n } = useTranslation();
  const used = days.filter(({ own, platform }) => own.operations + platform.operations > 0).toReversed();
  const columns = MEASURES.flatMap((measure) =>
    (['own', 'platform'] as const).map((payer) => {
      const header = `${t(`analytics.total_${measure}`)}, ${t(payer === 'own' ? 'word.your_key' : 'word.shared_key')}`;
      return {
        id: `${measure}-${payer}`,
        header,
        className: 'sm:text-end',
        cell: (day: Day) => (
          <>
            <span className="block text-hint text-text-2 sm:hidden">{header}</span>
            {formatMeasure(day[payer], measure, i18n.language)}
          </>
        ),
      };
    }),
  );
  return (
    <DataTable
      caption={t('analytics.by_day')}
      compact
      rowKey={(day) => day.day}
      groups={[{ id: 'days', rows: used }]}
      columns={[
        {
          id: 'day',
          header: t('key.day'),
          names: true,
          card: 'col-span-2',
          cell: (day: Day) => formatUtcDay(day.day, i18n.language),
        },
        ...columns,
      ]}
    />
  );
}
