import { useTranslation } from 'react-i18next';
import { paths } from '../../paths.ts';
import { useGo } from '../../routing/use-go.ts';
import { useOnline } from '../../ui/use-online.ts';
import { useMay } from '../keys/use-may.ts';
import { PriceDialog } from '../prices/PriceDialog.tsx';
import { PricesList } from '../prices/PricesList.tsx';
import { listSearch, type PricesSearch, pricesSearchValues } from '../prices/prices-search.ts';

/** What models cost this company, with its own prices on top. */
export function PricesTab({ co, search }: { co: string; search: PricesSearch }) {
  const { t } = useTranslation();
  const go = useGo();
  const may = useMay();
  const online = useOnline();
  const blocked = !online ? t('permission.offline') : may.admin ? null : t('prices.admins_only', { ask: may.ask });
  const change = (next: PricesSearch, typed = false) =>
    go(paths.spendPrices(co, pricesSearchValues(next)), { replace: typed });
  return (
    <>
      <PricesList scope="company" search={search} blocked={blocked} onSearch={change} />
      {search.of === undefined ? null : (
        <PriceDialog
          key={`${search.of}/${search.model ?? ''}`}
          scope="company"
          provider={search.of === '-' ? '' : search.of}
          model={search.model ?? ''}
          blocked={blocked}
          onClose={() => change(listSearch(search), true)}
        />
      )}
    </>
  );
}
