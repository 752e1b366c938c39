import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { providersQuery } from '../../api/keys.ts';
import { useUser } from '../../api/session.ts';
import { usageFile, usageQuery } from '../../api/usage.ts';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { buttonStyle } from '../../ui/button-style.ts';
import { EmptyState, FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { SelectField } from '../../ui/Field.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { type AnalyticsSearch, analyticsSearchValues, isNarrowed, usageFilters } from './analytics-search.ts';
import { UsageFigure } from './UsageFigure.tsx';
import { UsageParts } from './UsageParts.tsx';
import { UsageTotals } from './UsageTotals.tsx';

/** What AI did, what it cost and on whose key. Days are UTC; members see their own. */
export function AnalyticsPage({ co, search }: { co: string; search: AnalyticsSearch }) {
  const { t } = useTranslation();
  const go = useGo();
  const user = useUser();
  const filters = usageFilters(search);
  const title = user.role === 'admin' ? t('analytics.title') : t('analytics.title_own');
  usePageTitle([title, user.company?.name]);
  const change = (next: AnalyticsSearch) =>
    go(paths.analytics(co, analyticsSearchValues({ ...search, ...next })), { replace: true });
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={title}
        room="analytics"
        lead={t('analytics.lead')}
        actions={
          <>
            <Segmented
              label={t('analytics.range')}
              value={filters.range}
              onChange={(range) => change({ range })}
              segments={[
                { value: '7d', label: t('analytics.days', { count: 7 }) },
                { value: '30d', label: t('analytics.days', { count: 30 }) },
                { value: '90d', label: t('analytics.days', { count: 90 }) },
              ]}
            />
            {(['csv', 'json'] as const).map((form) => (
              <a key={form} href={usageFile(filters, form)} download className={buttonStyle('secondary')}>
                {t(`analytics.export_${form}`)}
              </a>
            ))}
          </>
        }
      />
      <Report co={co} search={search} onChange={change} />
    </div>
  );
}

function Report(props: { co: string; search: AnalyticsSearch; onChange: (change: AnalyticsSearch) => void }) {
  const { t } = useTranslation();
  const { co, search, onChange } = props;
  const filters = usageFilters(search);
  const usage = useQuery(usageQuery(filters));
  const skeleton = useSkeleton(usage.isPending);
  if (usage.isError && usage.data === undefined) {
    return (
      <FailurePanel
        failure={explainError(usage.error, t)}
        lead={t('errors.load')}
        onRetry={() => void usage.refetch()}
      />
    );
  }
  if (usage.data === undefined) return skeleton ? <SkeletonRows rows={6} label={t('word.loading')} /> : null;
  const report = usage.data;
  return (
    <div className="flex flex-col gap-6" aria-busy={usage.isPlaceholderData}>
      <Filters search={search} report={report} onChange={onChange} />
      {report.total.operations === 0 ? (
        <EmptyState
          actions={
            isNarrowed(search) ? (
              <Button onClick={() => onChange({ provider: undefined, operation: undefined, user: undefined })}>
                {t('action.clear_filters')}
              </Button>
            ) : filters.range === '90d' ? undefined : (
              <Button onClick={() => onChange({ range: '90d' })}>{t('analytics.days', { count: 90 })}</Button>
            )
          }
        >
          {isNarrowed(search) ? t('analytics.no_match') : t('analytics.empty', { count: report.days.length })}
        </EmptyState>
      ) : (
        <>
          <UsageTotals report={report} />
          <UsageFigure report={report} search={search} onChange={onChange} />
          <UsageParts co={co} report={report} search={search} onChange={onChange} />
        </>
      )}
    </div>
  );
}

/** Choices that are in the report, and the ones that are set. */
function Filters(props: {
  search: AnalyticsSearch;
  report: Parameters<typeof UsageTotals>[0]['report'];
  onChange: (change: AnalyticsSearch) => void;
}) {
  const { t } = useTranslation();
  const user = useUser();
  const providers = useQuery(providersQuery);
  const { search, report, onChange } = props;
  const names = new Map(report.by.provider.map(({ id, name }) => [id, name ?? id]));
  for (const { id, name } of providers.data?.data ?? []) names.set(id, name);
  const choose = (name: 'provider' | 'operation' | 'user', label: string, options: ReadonlyMap<string, string>) => {
    const all = new Map(options);
    const set = search[name];
    if (set !== undefined && !all.has(set)) all.set(set, set);
    return (
      <SelectField
        label={label}
        value={set ?? ''}
        options={[
          { value: '', label: t('analytics.all') },
          ...[...all].map(([value, text]) => ({ value, label: text })),
        ]}
        onChange={(value) => onChange({ [name]: value === '' ? undefined : value })}
      />
    );
  };
  const people = report.by.user.filter(({ id }) => id !== '');
  return (
    <div className="grid grid-cols-1 gap-3 sm:max-w-3xl sm:grid-cols-[repeat(3,minmax(0,1fr))]">
      {choose('provider', t('analytics.provider'), names)}
      {choose(
        'operation',
        t('analytics.operation'),
        new Map(report.by.operation.filter(({ id }) => id !== '').map(({ id }) => [id, id])),
      )}
      {user.role === 'admin'
        ? choose(
            'user',
            t('analytics.person'),
            new Map(people.map(({ id, name }) => [id, name ?? t('analytics.removed')])),
          )
        : null}
    </div>
  );
}
