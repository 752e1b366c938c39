import type { OperatorCompany } from '@ownkey/contract/api/operator';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { companiesQuery } from '../../api/companies.ts';
import { explainError } from '../../api/explain-error.ts';
import { plansQuery } from '../../api/operator.ts';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { CopyButton } from '../../ui/CopyButton.tsx';
import { EmptyState, FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { SelectField } from '../../ui/Field.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { Search } from '../../ui/Search.tsx';
import { CompaniesTable } from './CompaniesTable.tsx';
import { COMPANY_STATES, type CompaniesSearch, companiesSearchValues } from './companies-search.ts';

/** State and sums of all companies; never their keys' last four or providers' words, and no way in. */
export function CompaniesPage({ search }: { search: CompaniesSearch }) {
  const { t } = useTranslation();
  const go = useGo();
  const companies = useInfiniteQuery(companiesQuery(search));
  const plans = useQuery(plansQuery);
  const skeleton = useSkeleton(companies.isPending);
  usePageTitle([t('operator.companies'), t('shell.operator')]);
  const change = (next: CompaniesSearch, typed = false) =>
    go(paths.operatorCompanies(companiesSearchValues(next)), { replace: typed });
  const rows: OperatorCompany[] = companies.data?.pages.flatMap((page) => page.data) ?? [];
  const filtered = search.q !== undefined || search.plan !== undefined || search.state !== undefined;
  return (
    <div className="flex flex-col gap-6">
      <PageHeader title={t('operator.companies')} room="companies" lead={t('operator.lead')} />
      <div className="flex flex-wrap items-end gap-3">
        <Search
          label={t('operator.search')}
          value={search.q ?? ''}
          onChange={(q) => change({ ...search, q }, true)}
          className="w-full sm:w-72"
        />
        <SelectField
          label={t('companies.plan')}
          value={search.plan ?? ''}
          options={[
            { value: '', label: t('companies.any') },
            ...(plans.data ?? []).map((plan) => ({ value: plan.id, label: plan.name })),
          ]}
          onChange={(plan) => change({ ...search, plan })}
          className="w-40"
        />
        <SelectField
          label={t('companies.state')}
          value={search.state ?? ''}
          options={[
            { value: '', label: t('companies.any') },
            ...COMPANY_STATES.map((state) => ({ value: state, label: t(`companies.state_${state}`) })),
          ]}
          onChange={(state) => {
            const { state: _, ...others } = search;
            change(state === '' ? others : { ...others, state });
          }}
          className="w-40"
        />
      </div>
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
      ) : rows.length > 0 ? (
        <>
          <CompaniesTable companies={rows} />
          {companies.isFetchNextPageError ? <FailurePanel failure={explainError(companies.error, t)} /> : null}
          {companies.hasNextPage ? (
            <div>
              <Button busy={companies.isFetchingNextPage} onClick={() => void companies.fetchNextPage()}>
                {t('companies.more')}
              </Button>
            </div>
          ) : null}
        </>
      ) : filtered ? (
        <EmptyState actions={<Button onClick={() => change({})}>{t('action.clear_filters')}</Button>}>
          {t('companies.no_match')}
        </EmptyState>
      ) : (
        <EmptyState actions={<CopyButton text={REQUEST} label={t('companies.copy_request')} />}>
          {t('operator.empty')}
        </EmptyState>
      )}
    </div>
  );
}

const REQUEST = `curl -X PUT ${globalThis.location?.origin ?? ''}/api/companies/acme-42 -H "authorization: Bearer $HOST_TOKEN" -H "content-type: application/json" -d '{"name": "Acme"}'`;
