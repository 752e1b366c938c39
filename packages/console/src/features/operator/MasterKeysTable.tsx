import type { KekView } from '@ownkey/contract/api/kek';
import { useTranslation } from 'react-i18next';
import { DataTable } from '../../table/DataTable.tsx';
import { Count, Moment } from '../../ui/Facts.tsx';
import { useNow } from '../../ui/use-now.ts';

type Kek = KekView['keks'][number];

/** Every master key there was, the newest first, and what is stored under it. */
export function MasterKeysTable({ keks }: { keks: readonly Kek[] }) {
  const { t } = useTranslation();
  const now = useNow();
  return (
    <section aria-labelledby="keks-title" className="flex flex-col gap-3">
      <h2 id="keks-title" className="text-dialog font-semibold">
        {t('master_key.table')}
      </h2>
      <DataTable
        caption={t('master_key.table')}
        rowKey={(kek) => kek.id}
        groups={[{ id: 'all', rows: keks.toReversed() }]}
        columns={[
          {
            id: 'id',
            header: t('master_key.column_id'),
            names: true,
            card: 'col-span-2',
            cell: (kek) => <span className="font-mono text-compact [overflow-wrap:anywhere]">{kek.id}</span>,
          },
          {
            id: 'state',
            header: t('master_key.column_state'),
            cell: (kek) => t(`master_key.state_${kek.state}`),
          },
          {
            id: 'created',
            header: t('master_key.column_created'),
            cell: (kek) => <Moment at={kek.created_at} now={now} />,
          },
          {
            id: 'replaced',
            header: t('master_key.column_replaced'),
            cell: (kek) =>
              kek.replaced_at === null ? (
                <span className="text-text-3 max-sm:hidden">–</span>
              ) : (
                <>
                  <span className="text-text-2 sm:hidden">{t('master_key.column_replaced')} </span>
                  <Moment at={kek.replaced_at} now={now} />
                </>
              ),
          },
          {
            id: 'rows',
            header: t('master_key.column_rows'),
            className: 'sm:text-end',
            cell: (kek) => (
              <>
                <span className="text-text-2 sm:hidden">{t('master_key.column_rows')} </span>
                <Count value={kek.rows.stored_keys + kek.rows.sealing_keys + kek.rows.audit_heads} />
              </>
            ),
          },
        ]}
      />
    </section>
  );
}
