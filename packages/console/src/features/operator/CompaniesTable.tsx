import type { OperatorCompany } from '@ownkey/contract/api/operator';
import { useTranslation } from 'react-i18next';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { DataTable } from '../../table/DataTable.tsx';
import { Count, Foreign, Money } from '../../ui/Facts.tsx';
import { useNow } from '../../ui/use-now.ts';
import { CompanyState } from './CompanyState.tsx';
import { ownShare } from './own-share.ts';

export function CompaniesTable({ companies }: { companies: readonly OperatorCompany[] }) {
  const { t } = useTranslation();
  const now = useNow();
  return (
    <DataTable
      caption={t('operator.companies')}
      rowKey={(company) => company.id}
      groups={[{ id: 'all', rows: companies }]}
      columns={[
        {
          id: 'name',
          header: t('operator.column_company'),
          names: true,
          card: 'col-span-2',
          className: 'sm:w-[30%]',
          cell: (company) => (
            <>
              <Link
                to={paths.operatorCompany(company.id)}
                className="font-medium underline decoration-border-strong underline-offset-2 hover:decoration-text"
              >
                <Foreign text={company.name} />
              </Link>
              <span className="block font-mono text-hint text-text-2 [overflow-wrap:anywhere]">
                {company.external_id ?? company.id}
              </span>
            </>
          ),
        },
        { id: 'plan', header: t('operator.column_plan'), cell: (company) => company.plan },
        {
          id: 'users',
          header: t('operator.column_users'),
          className: 'sm:text-end',
          cell: (company) => (
            <>
              <span className="text-text-2 sm:hidden">{t('operator.column_users')} </span>
              <Count value={company.users} />
            </>
          ),
        },
        {
          id: 'keys',
          header: t('operator.column_keys'),
          className: 'sm:text-end',
          cell: (company) => (
            <>
              <span className="text-text-2 sm:hidden">{t('operator.column_keys')} </span>
              <Count value={company.keys} />
            </>
          ),
        },
        {
          id: 'month',
          header: t('companies.column_month'),
          className: 'sm:text-end sm:whitespace-nowrap',
          cell: (company) => {
            const share = ownShare(company);
            return (
              <>
                <span className="text-text-2 sm:hidden">{t('companies.column_month')} </span>
                <Money usd={company.month_usd} />
                {share === null ? null : (
                  <span className="block text-hint text-text-3">{t('companies.own_share', { share })}</span>
                )}
              </>
            );
          },
        },
        {
          id: 'state',
          header: t('companies.state'),
          card: 'col-span-2',
          className: 'sm:w-[28%]',
          cell: (company) => <CompanyState company={company} now={now} />,
        },
      ]}
    />
  );
}
