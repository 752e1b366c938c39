import type { OperatorCompanyDetail } from '@ownkey/contract/api/operator';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { companyQuery } from '../../api/companies.ts';
import { explainError } from '../../api/explain-error.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { Count, Foreign, Moment, Money } from '../../ui/Facts.tsx';
import { FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { useNow } from '../../ui/use-now.ts';
import { useOnline } from '../../ui/use-online.ts';
import { ChangePlan } from './ChangePlan.tsx';
import { CompanyState } from './CompanyState.tsx';
import { EraseCompany } from './EraseCompany.tsx';
import { ownShare } from './own-share.ts';

/** One company: state, sums, its plan, and its end. */
export function CompanyPage({ id, erasing }: { id: string; erasing: boolean }) {
  const { t } = useTranslation();
  const company = useQuery(companyQuery(id));
  const skeleton = useSkeleton(company.isPending);
  usePageTitle([company.data?.name ?? '', t('operator.companies'), t('shell.operator')]);
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={company.data === undefined ? t('operator.companies') : <Foreign text={company.data.name} />}
        room={`company-${id}`}
        lead={t('operator.lead')}
        above={
          <nav aria-label={t('operator.companies')} className="text-compact text-text-2">
            <Link to={paths.operatorCompanies()} className="py-1 underline underline-offset-2">
              {t('operator.companies')}
            </Link>
          </nav>
        }
      />
      {company.data !== undefined ? (
        <Detail company={company.data} erasing={erasing} />
      ) : company.isError ? (
        <FailurePanel failure={explainError(company.error, t)} onRetry={() => void company.refetch()} />
      ) : skeleton ? (
        <SkeletonRows rows={3} label={t('word.loading')} />
      ) : null}
    </div>
  );
}

function Detail({ company, erasing }: { company: OperatorCompanyDetail; erasing: boolean }) {
  const { t } = useTranslation();
  const go = useGo();
  const now = useNow();
  const online = useOnline();
  const blocked = online ? null : t('permission.offline');
  const share = ownShare(company);
  return (
    <>
      <CompanyState company={company} now={now} />
      <section aria-label={t('companies.facts')} className="rounded-card border border-border bg-surface px-4 py-4">
        <dl className="grid grid-cols-[repeat(auto-fill,minmax(180px,1fr))] gap-x-6 gap-y-4">
          <Fact name={t('companies.id')}>
            <code className="font-mono text-compact [overflow-wrap:anywhere]">{company.id}</code>
          </Fact>
          <Fact name={t('companies.external_id')}>
            <code className="font-mono text-compact [overflow-wrap:anywhere]">{company.external_id ?? '–'}</code>
          </Fact>
          <Fact name={t('companies.people')}>
            <Count value={company.users} />
          </Fact>
          <Fact name={t('companies.keys')}>
            <Count value={company.keys} />
          </Fact>
          <Fact name={t('companies.month')}>
            <Money usd={company.month_usd} />
            {share === null ? null : ` (${t('companies.own_share', { share })})`}
          </Fact>
          <Fact name={t('companies.shared')}>
            <Money usd={company.shared_usd} />
          </Fact>
          <Fact name={t('companies.created')}>
            <Moment at={company.created_at} now={now} />
          </Fact>
        </dl>
      </section>
      <ChangePlan key={company.plan} company={company} blocked={blocked} />
      <section aria-labelledby="erase-title" className="flex flex-col items-start gap-2">
        <h2 id="erase-title" className="text-dialog font-semibold">
          {t('companies.erase')}
        </h2>
        <p className="text-text-2">{t('companies.erase_lead')}</p>
        <Button
          unavailable={blocked}
          onClick={() => go(paths.operatorCompany(company.id, { erase: 'yes' }))}
          className="text-bad"
        >
          {t('companies.erase')}
        </Button>
      </section>
      {erasing ? <EraseCompany company={company} blocked={blocked} /> : null}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-hint text-text-2">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
