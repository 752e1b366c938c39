import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useUser } from '../../api/session.ts';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { TabLinks } from '../../routing/TabLinks.tsx';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { Segmented } from '../../ui/Segmented.tsx';

export type SpendTab = 'overview' | 'caps' | 'prices' | 'alerts';

/** The room Spend: its title, its tabs, and the tab whose address is open. */
export function SpendPage(props: { co: string; tab: SpendTab; whose?: 'company' | 'me'; children: ReactNode }) {
  const { t } = useTranslation();
  const go = useGo();
  const user = useUser();
  const { co, tab, whose } = props;
  usePageTitle([tab === 'overview' ? null : t(`spend.tab_${tab}`), t('spend.title'), user.company?.name]);
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={t('spend.title')}
        room="spend"
        lead={t('spend.lead')}
        actions={
          tab === 'overview' ? (
            <>
              <Segmented
                label={t('spend.whose')}
                value={whose ?? 'company'}
                onChange={(picked) => go(paths.spend(co, picked === 'me' ? { whose: 'me' } : {}), { replace: true })}
                segments={[
                  { value: 'company', label: t('keys.company') },
                  { value: 'me', label: t('spend.me') },
                ]}
              />
              <Button kind="primary" onClick={() => go(paths.spendCaps(co))} className="max-sm:w-full">
                {t('spend.edit_caps')}
              </Button>
            </>
          ) : undefined
        }
      />
      <TabLinks
        label={t('spend.tabs')}
        tabs={[
          { to: paths.spend(co), label: t('spend.tab_overview'), current: tab === 'overview' || tab === 'caps' },
          { to: paths.spendPrices(co), label: t('spend.tab_prices'), current: tab === 'prices' },
          { to: paths.spendAlerts(co), label: t('spend.tab_alerts'), current: tab === 'alerts' },
        ]}
      />
      {props.children}
    </div>
  );
}
