import type { Plan } from '@ownkey/contract/api/operator';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { plansQuery } from '../../api/operator.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { Button } from '../../ui/Button.tsx';
import { Count, Foreign, Money } from '../../ui/Facts.tsx';
import { EmptyState, FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { NEW_PLAN } from './plan-draft.ts';

/** What companies may use, plan by plan. */
export function PlansPage() {
  const { t } = useTranslation();
  const go = useGo();
  const plans = useQuery(plansQuery);
  const skeleton = useSkeleton(plans.isPending);
  usePageTitle([t('plans.title'), t('shell.operator')]);
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={t('plans.title')}
        room="plans"
        lead={t('plans.lead')}
        actions={
          <Button kind="primary" onClick={() => go(paths.operatorPlan(NEW_PLAN))} className="max-sm:w-full">
            {t('plans.new')}
          </Button>
        }
      />
      {plans.isError && plans.data === undefined ? (
        <FailurePanel
          failure={explainError(plans.error, t)}
          lead={t('errors.load')}
          onRetry={() => void plans.refetch()}
        />
      ) : plans.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={3} label={t('word.loading')} />
        ) : null
      ) : plans.data.length === 0 ? (
        <EmptyState>{t('plans.lead')}</EmptyState>
      ) : (
        <PlansTable plans={plans.data.toSorted((one, other) => one.position - other.position)} />
      )}
    </div>
  );
}

function PlansTable({ plans }: { plans: readonly Plan[] }) {
  const { t } = useTranslation();
  return (
    <DataTable
      caption={t('plans.table')}
      rowKey={(plan) => plan.id}
      groups={[{ id: 'plans', rows: plans }]}
      columns={[
        {
          id: 'name',
          header: t('plans.name'),
          names: true,
          card: 'col-span-2',
          cell: (plan) => (
            <>
              <Link
                to={paths.operatorPlan(plan.id)}
                className="font-medium underline decoration-border-strong underline-offset-2 hover:decoration-text"
              >
                <Foreign text={plan.name} />
              </Link>
              <span className="block font-mono text-hint text-text-2">{plan.id}</span>
            </>
          ),
        },
        {
          id: 'companies',
          header: t('plans.column_companies'),
          className: 'sm:text-end',
          cell: (plan) => (
            <>
              <span className="text-text-2 sm:hidden">{t('plans.column_companies')} </span>
              <Count value={plan.companies} />
            </>
          ),
        },
        {
          id: 'keys',
          header: t('plans.column_keys'),
          cell: (plan) => (
            <>
              <span className="text-text-2 sm:hidden">{t('plans.column_keys')}: </span>
              {!plan.byok
                ? t('plans.keys_none')
                : plan.byok_providers === null
                  ? t('plans.keys_all')
                  : t('plans.keys_some', { count: plan.byok_providers.length })}
            </>
          ),
        },
        {
          id: 'credits',
          header: t('plans.column_credits'),
          className: 'sm:text-end sm:whitespace-nowrap',
          cell: (plan) => (
            <>
              <span className="text-text-2 sm:hidden">{t('plans.column_credits')} </span>
              {plan.credits_usd === null ? t('plans.credits_unlimited') : <Money usd={plan.credits_usd} />}
            </>
          ),
        },
        {
          id: 'limits',
          header: t('plans.column_limits'),
          cell: (plan) => {
            const limits = [
              plan.requests_per_minute === null ? null : t('plans.per_minute', { count: plan.requests_per_minute }),
              plan.concurrent_requests === null ? null : t('plans.at_once', { count: plan.concurrent_requests }),
            ].filter((limit) => limit !== null);
            return (
              <>
                <span className="text-text-2 sm:hidden">{t('plans.column_limits')}: </span>
                {limits.length === 0 ? t('plans.no_limits') : limits.join(', ')}
              </>
            );
          },
        },
      ]}
    />
  );
}
