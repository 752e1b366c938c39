import type { Provider } from '@ownkey/contract/api/providers';
import { useTranslation } from 'react-i18next';
import { useUser } from '../../api/session.ts';
import { buttonStyle } from '../../ui/button-style.ts';
import { Icon } from '../../ui/Icon.tsx';
import { useMay } from './use-may.ts';

/** In place of the form where the plan does not include own keys of this provider. */
export function UpgradePrompt({ provider }: { provider: Provider }) {
  const { t } = useTranslation();
  const may = useMay();
  const user = useUser();
  if (provider.gated === null) return null;
  const { plan, upgrade_url } = provider.gated;
  return (
    <div className="flex flex-col items-start gap-4">
      <p className="flex gap-2">
        <Icon name="lock" className="mt-0.5" />
        <span>
          {t('connect.gated', { provider: provider.name, plan })}{' '}
          {provider.platform_key ? t('connect.gated_platform', { company: user.company?.name ?? '' }) : null}
        </span>
      </p>
      {may.admin && upgrade_url !== null ? (
        <a href={upgrade_url} target="_blank" rel="noreferrer" className={buttonStyle('primary')}>
          {t('keys.upgrade')}
          <Icon name="external" />
          <span className="sr-only">{t('action.opens_new_tab')}</span>
        </a>
      ) : (
        <p>{may.ask}</p>
      )}
    </div>
  );
}
