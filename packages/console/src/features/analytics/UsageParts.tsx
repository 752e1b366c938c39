import type { UsagePart, UsageReport } from '@ownkey/contract/api/usage';
import { USAGE_DIMENSIONS, type UsageDimension } from '@ownkey/contract/usage-report';
import { useTranslation } from 'react-i18next';
import { useUser } from '../../api/session.ts';
import { formatCount, formatShare } from '../../format/count.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { DataTable } from '../../table/DataTable.tsx';
import { Count, Foreign, Money } from '../../ui/Facts.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import type { AnalyticsSearch } from './analytics-search.ts';
import { tokensOf } from './measure.ts';

/** The same sums by provider, operation, model or person; what needs a second look leads to the audit. */
export function UsageParts(props: {
  co: string;
  report: UsageReport;
  search: AnalyticsSearch;
  onChange: (change: AnalyticsSearch) => void;
}) {
  const { t } = useTranslation();
  const user = useUser();
  const { report, search, onChange } = props;
  // A member's calls are one person's.
  const dimensions = USAGE_DIMENSIONS.filter((dimension) => dimension !== 'user' || user.role === 'admin');
  const by = dimensions.find((dimension) => dimension === search.by) ?? 'provider';
  const rows = report.by[by];
  const most = Math.max(1, ...rows.map(({ operations }) => operations));
  return (
    <section aria-labelledby="usage-by" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2 id="usage-by" className="text-dialog font-semibold">
          {t('analytics.distribution')}
        </h2>
        <Segmented
          label={t('analytics.by')}
          value={by}
          onChange={(value) => onChange({ by: value })}
          segments={dimensions.map((value) => ({ value, label: t(`analytics.by_${value}`) }))}
        />
      </div>
      <DataTable
        caption={t('analytics.distribution')}
        rowKey={(row) => row.id}
        groups={[{ id: 'all', rows }]}
        columns={[
          {
            id: 'name',
            header: t(`analytics.by_${by}`),
            names: true,
            card: 'col-span-2',
            cell: (row) => <Name row={row} by={by} />,
          },
          {
            id: 'bar',
            header: t('analytics.bar'),
            hideHeader: true,
            className: 'sm:w-1/4',
            card: 'col-span-2',
            cell: (row) => <Bar row={row} most={most} />,
          },
          end('operations', t('analytics.total_operations'), (row) => <Count value={row.operations} />),
          end('tokens', t('analytics.total_tokens'), (row) => <Count value={tokensOf(row)} />),
          end('cost', t('analytics.total_cost'), (row) => <Money usd={row.cost_usd} />),
          end('share', t('analytics.own_share'), (row) => formatShare(row.own_operations, row.operations)),
        ]}
      />
      {report.more[by] === undefined || report.more[by] === 0 ? null : (
        <p className="text-hint text-text-3">{t('analytics.more_rows', { count: report.more[by] })}</p>
      )}
      <Marked co={props.co} report={report} />
    </section>
  );
}

function end(id: string, header: string, cell: (row: UsagePart) => React.ReactNode) {
  return {
    id,
    header,
    className: 'sm:text-end',
    cell: (row: UsagePart) => (
      <>
        <span className="block text-hint text-text-2 sm:hidden">{header}</span>
        {cell(row)}
      </>
    ),
  };
}

function Name({ row, by }: { row: UsagePart; by: UsageDimension }) {
  const { t } = useTranslation();
  if (row.id === '')
    return <span className="text-text-2">{t(by === 'user' ? 'analytics.nobody' : 'analytics.untagged')}</span>;
  if (row.name === null) return <span className="text-text-2">{t('analytics.removed')}</span>;
  return <Foreign text={row.name} lines={1} />;
}

function Bar({ row, most }: { row: UsagePart; most: number }) {
  const own = (row.own_operations / most) * 100;
  const shared = ((row.operations - row.own_operations) / most) * 100;
  return (
    <svg aria-hidden="true" viewBox="0 0 100 8" preserveAspectRatio="none" className="block h-2 w-full">
      <rect width={own} height="8" className="fill-own" />
      <rect x={own} width={shared} height="8" className="fill-shared" />
    </svg>
  );
}

/** Calls whose payer or cost is not the usual: each count opens them in the audit. */
function Marked({ co, report }: { co: string; report: UsageReport }) {
  const { t, i18n } = useTranslation();
  const { fallbacks, unpriced, estimated } = report.total;
  const count = (value: number): string => formatCount(value, i18n.language);
  return (
    <p className="flex flex-wrap gap-x-4 gap-y-1 text-compact text-text-2">
      {fallbacks === 0 ? (
        <span>{t('analytics.fallbacks', { value: count(0) })}</span>
      ) : (
        <Link to={paths.audit(co, { payer: 'fallback', from: report.from })} className="underline">
          {t('analytics.fallbacks', { value: count(fallbacks) })}
        </Link>
      )}
      {unpriced === 0 ? (
        <span>{t('analytics.unpriced', { value: count(0) })}</span>
      ) : (
        <Link to={paths.spendPrices(co, { unknown: 'true' })} className="underline">
          {t('analytics.unpriced', { value: count(unpriced) })}
        </Link>
      )}
      <span>{t('analytics.estimated', { value: count(estimated) })}</span>
    </p>
  );
}
