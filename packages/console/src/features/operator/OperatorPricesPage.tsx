import { useTranslation } from 'react-i18next';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { useOnline } from '../../ui/use-online.ts';
import { PriceDialog } from '../prices/PriceDialog.tsx';
import { PricesList } from '../prices/PricesList.tsx';
import { listSearch, type PricesSearch, pricesSearchValues } from '../prices/prices-search.ts';

/** Prices of every company that sets none of its own. */
export function OperatorPricesPage({ search }: { search: PricesSearch }) {
  const { t } = useTranslation();
  const go = useGo();
  const online = useOnline();
  usePageTitle([t('prices.title'), t('shell.operator')]);
  const blocked = online ? null : t('permission.offline');
  const change = (next: PricesSearch, typed = false) =>
    go(paths.operatorPrices(pricesSearchValues(next)), { replace: typed });
  return (
    <div className="flex flex-col gap-6">
      <PageHeader title={t('prices.title')} room="prices" lead={t('prices.operator_lead')} />
      <PricesList scope="operator" search={search} blocked={blocked} onSearch={change} />
      {search.of === undefined ? null : (
        <PriceDialog
          key={`${search.of}/${search.model ?? ''}`}
          scope="operator"
          provider={search.of === '-' ? '' : search.of}
          model={search.model ?? ''}
          blocked={blocked}
          onClose={() => change(listSearch(search), true)}
        />
      )}
    </div>
  );
}
