import type { KekView } from '@ownkey/contract/api/kek';
import { useTranslation } from 'react-i18next';
import { OPERATOR, paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { DataTable } from '../../table/DataTable.tsx';

/** Stored keys that no master key opens, by company and id. */
export function Unopenable({ unopenable: { count, keys } }: { unopenable: KekView['unopenable'] }) {
  const { t } = useTranslation();
  return (
    <section aria-labelledby="unopenable-title" className="flex flex-col gap-3">
      <h2 id="unopenable-title" className="text-dialog font-semibold">
        {t('master_key.unopenable')}
      </h2>
      {count === 0 ? (
        <p className="text-text-2">{t('master_key.unopenable_none')}</p>
      ) : (
        <>
          <p className="text-text-2">{t('master_key.unopenable_lead')}</p>
          <DataTable
            caption={t('master_key.unopenable')}
            rowKey={(row) => row.id}
            groups={[{ id: 'all', rows: keys }]}
            columns={[
              {
                id: 'company',
                header: t('master_key.column_company'),
                card: 'col-span-2',
                cell: (row) =>
                  row.company === null ? (
                    t('master_key.shared')
                  ) : (
                    <Link
                      to={paths.operatorCompany(row.company)}
                      className="font-mono text-compact underline underline-offset-2"
                    >
                      {row.company}
                    </Link>
                  ),
              },
              {
                id: 'key',
                header: t('master_key.column_key'),
                names: true,
                card: 'col-span-2',
                cell: (row) =>
                  row.company === null ? (
                    <Link
                      to={paths.key(OPERATOR, row.id)}
                      className="font-mono text-compact underline underline-offset-2"
                    >
                      {row.id}
                    </Link>
                  ) : (
                    <span className="font-mono text-compact [overflow-wrap:anywhere]">{row.id}</span>
                  ),
              },
            ]}
          />
          {count > keys.length ? (
            <p className="text-text-2">{t('master_key.unopenable_more', { count: count - keys.length })}</p>
          ) : null}
        </>
      )}
    </section>
  );
}
