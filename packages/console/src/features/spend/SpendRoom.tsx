import type { PricesSearch } from '../prices/prices-search.ts';
import { AlertsTab } from './AlertsTab.tsx';
import { EditCaps } from './EditCaps.tsx';
import { PricesTab } from './PricesTab.tsx';
import { SpendOverview } from './SpendOverview.tsx';
import { SpendPage, type SpendTab } from './SpendPage.tsx';

/** The part of the room Spend whose address is open. */
export function SpendRoom(props: {
  co: string;
  tab: SpendTab;
  whose?: 'company' | 'me';
  prices?: PricesSearch;
  addingWebhook?: boolean;
}) {
  const { co, tab, whose = 'company' } = props;
  return (
    <SpendPage co={co} tab={tab} whose={whose}>
      {tab === 'overview' ? <SpendOverview co={co} whose={whose} /> : null}
      {tab === 'caps' ? <EditCaps co={co} /> : null}
      {tab === 'prices' ? <PricesTab co={co} search={props.prices ?? {}} /> : null}
      {tab === 'alerts' ? <AlertsTab co={co} adding={props.addingWebhook ?? false} /> : null}
    </SpendPage>
  );
}
