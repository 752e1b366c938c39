import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { companiesQuery } from '../../api/operator.ts';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { Button } from '../../ui/Button.tsx';
import { Count, Foreign, Moment } from '../../ui/Facts.tsx';
import { EmptyState, FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { Search } from '../../ui/Search.tsx';
import { useNow } from '../../ui/use-now.ts';

/** State and sums of all companies; never their keys' last four or providers' words. */
export function CompaniesPage({ q }: { q: string | undefined }) {
  const { t } = useTranslation();
  const go = useGo();
  const now = useNow();
  const companies = useQuery(companiesQuery(q));
  const skeleton = useSkeleton(companies.isPending);
  usePageTitle([t('operator.companies'), t('shell.operator')]);
  const search = (text: string) =>
    go(paths.operatorCompanies({ q: text === '' ? undefined : text }), { replace: true });
  return (
    <div className="flex flex-col gap-6">
      <PageHeader title={t('operator.companies')} room="companies" lead={t('operator.lead')} />
      <Search label={t('operator.search')} value={q ?? ''} onChange={search} className="sm:w-72" />
      {companies.isError && companies.data === undefined ? (
        <FailurePanel
          failure={explainError(companies.error, t)}
          lead={t('errors.load')}
          onRetry={() => void companies.refetch()}
        />
      ) : companies.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={5} label={t('word.loading')} />
        ) : null
      ) : companies.data.data.length === 0 ? (
        q === undefined ? (
          <EmptyState>{t('operator.empty')}</EmptyState>
        ) : (
          <EmptyState actions={<Button onClick={() => search('')}>{t('action.clear_filters')}</Button>}>
            {t('operator.no_match')}
          </EmptyState>
        )
      ) : (
        <DataTable
          caption={t('operator.companies')}
          rowKey={(company) => company.id}
          groups={[{ id: 'all', rows: companies.data.data }]}
          columns={[
            {
              id: 'name',
              header: t('operator.column_company'),
              names: true,
              card: 'col-span-2',
              cell: (company) => (
                <>
                  <span className="font-medium">
                    <Foreign text={company.name} />
                  </span>
                  <span className="block font-mono text-hint text-text-2">{company.external_id ?? company.id}</span>
                </>
              ),
            },
            { id: 'plan', header: t('operator.column_plan'), cell: (company) => company.plan },
            {
              id: 'users',
              header: t('operator.column_users'),
              className: 'sm:text-end',
              cell: (company) => <Count value={company.users} />,
            },
            {
              id: 'keys',
              header: t('operator.column_keys'),
              className: 'sm:text-end',
              cell: (company) => <Count value={company.keys} />,
            },
            {
              id: 'ai',
              header: t('operator.column_ai'),
              cell: (company) => (company.ai_enabled ? t('operator.ai_on') : t('operator.ai_off')),
            },
            {
              id: 'created',
              header: t('operator.column_created'),
              cell: (company) => <Moment at={company.created_at} now={now} />,
            },
          ]}
        />
      )}
    </div>
  );
}
