import type { KeyUsage } from '@ownkey/contract/api/keys';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { keyUsageQuery } from '../../api/keys.ts';
import { exactCount } from '../../format/count.ts';
import { formatUsd } from '../../format/money.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { Count, Money } from '../../ui/Facts.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { lastDays } from './last-days.ts';

type Day = KeyUsage['days'][number];
type Bar = Pick<Day, 'day' | 'requests'>;

/** The last 30 days of a key as bars, with the same rows as a table. */
export function KeyUsageFigure({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const usage = useQuery(keyUsageQuery(id));
  const [view, setView] = useState<'chart' | 'table'>('chart');
  const busiest = usage.data?.days.reduce<Day | null>(
    (most, day) => (most === null || day.requests > most.requests ? day : most),
    null,
  );
  return (
    <section aria-labelledby="usage-title" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2 id="usage-title" className="text-dialog font-semibold">
          {t('key.usage')}
        </h2>
        {usage.data && usage.data.total.requests > 0 ? (
          <Segmented
            label={t('key.usage')}
            value={view}
            onChange={setView}
            segments={[
              { value: 'chart', label: t('key.chart') },
              { value: 'table', label: t('key.table') },
            ]}
          />
        ) : null}
      </div>
      {usage.isError && usage.data === undefined ? (
        <FailurePanel
          failure={explainError(usage.error, t)}
          lead={t('errors.load')}
          onRetry={() => void usage.refetch()}
        />
      ) : usage.data === undefined ? (
        <div className="h-24" />
      ) : usage.data.total.requests === 0 || !busiest ? (
        <p className="text-text-2">{t('key.usage_empty')}</p>
      ) : view === 'chart' ? (
        <figure className="rounded-card border border-border bg-surface p-4">
          <Bars days={lastDays(usage.data.days, 30, Date.now())} max={busiest.requests} />
          <figcaption className="mt-2 text-compact text-text-2">
            {t('key.usage_caption', {
              count: usage.data.total.requests,
              cost: costText(usage.data.total, i18n.language, t),
              day: dayName(busiest.day, i18n.language),
              most: exactCount(busiest.requests, i18n.language),
            })}
          </figcaption>
        </figure>
      ) : (
        <DaysTable days={usage.data.days} />
      )}
    </section>
  );
}

/** A sum of money: unknown prices are named, never counted as nothing. */
function costText(total: KeyUsage['total'], locale: string, t: TFunction): string {
  if (total.unpriced >= total.requests) return t('audit.no_price');
  const sum = formatUsd(total.cost_usd, locale);
  return total.unpriced === 0 ? sum : `${sum} ${t('key.unpriced', { count: total.unpriced })}`;
}

const BAR = 8;
const GAP = 2;
const HEIGHT = 64;

/** Bars from zero; a day without requests keeps a tick on the base line. */
function Bars({ days, max }: { days: readonly Bar[]; max: number }) {
  return (
    <svg
      aria-hidden="true"
      viewBox={`0 0 ${days.length * (BAR + GAP)} ${HEIGHT}`}
      preserveAspectRatio="none"
      className="h-24 w-full"
    >
      {days.map((day, index) => {
        const height = day.requests === 0 ? 1 : Math.max(2, (day.requests / max) * (HEIGHT - 2));
        return (
          <rect
            key={day.day}
            x={index * (BAR + GAP)}
            y={HEIGHT - height}
            width={BAR}
            height={height}
            className={day.requests === 0 ? 'fill-border-strong' : 'fill-own'}
          />
        );
      })}
    </svg>
  );
}

function DaysTable({ days }: { days: readonly Day[] }) {
  const { t, i18n } = useTranslation();
  const used = days.filter((day) => day.requests > 0).toReversed();
  return (
    <DataTable
      caption={t('key.usage')}
      compact
      rowKey={(day) => day.day}
      groups={[{ id: 'days', rows: used }]}
      columns={[
        { id: 'day', header: t('key.day'), names: true, cell: (day) => dayName(day.day, i18n.language) },
        {
          id: 'requests',
          header: t('key.requests'),
          className: 'sm:text-end',
          cell: (day) => <Count value={day.requests} />,
        },
        {
          id: 'errors',
          header: t('key.errors'),
          className: 'sm:text-end',
          cell: (day) => <Count value={day.errors} />,
        },
        {
          id: 'tokens',
          header: t('key.tokens'),
          className: 'sm:text-end',
          cell: (day) => <Count value={day.input_tokens + day.output_tokens} />,
        },
        { id: 'cost', header: t('key.cost'), className: 'sm:text-end', cell: (day) => <Money usd={day.cost_usd} /> },
      ]}
    />
  );
}

function dayName(day: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(new Date(day));
}
