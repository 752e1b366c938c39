import type { Provider, ProviderList } from '@ownkey/contract/api/providers';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useCloseTo } from '../../routing/use-go.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { FailurePanel, SkeletonRows } from '../../ui/Feedback.tsx';
import { ConnectFlow } from './ConnectFlow.tsx';
import { customProvider } from './custom-provider.ts';
import { type KeysSearch, keysSearchValues } from './keys-search.ts';
import { UpgradePrompt } from './UpgradePrompt.tsx';
import { useIsShared, useProviders } from './use-keys.ts';

/** The dialog of one provider: from paste to proof in one view. */
export function ConnectDialog({ co, providerId, search }: { co: string; providerId: string; search: KeysSearch }) {
  const { t } = useTranslation();
  const close = useCloseTo(paths.keys(co, keysSearchValues(search)));
  const providers = useProviders();
  const isShared = useIsShared();
  const provider =
    providers.data === undefined
      ? undefined
      : findProvider(providers.data, providerId, isShared ? null : t('keys.custom_name'));
  const title = t('connect.title', {
    provider: providerId === 'custom' ? t('connect.custom') : (provider?.name ?? ''),
  });
  usePageTitle([title, t('keys.title')]);

  if (provider && provider.gated === null && providers.data !== undefined) {
    return (
      <ConnectFlow
        key={provider.id}
        title={title}
        co={co}
        provider={provider}
        list={providers.data}
        personal={search.scope === 'personal'}
        onClose={close}
      />
    );
  }
  return (
    <Dialog title={title} onClose={close}>
      {provider === undefined ? (
        providers.isError ? (
          <FailurePanel
            failure={explainError(providers.error, t)}
            lead={t('errors.load')}
            onRetry={() => void providers.refetch()}
          />
        ) : (
          <SkeletonRows rows={3} label={t('word.loading')} />
        )
      ) : provider === null ? (
        <p>{t('errors.not_found')}</p>
      ) : (
        <UpgradePrompt provider={provider} />
      )}
    </Dialog>
  );
}

/** By id or alias; null when the catalogue does not know it. `customName` null: there are no custom endpoints here. */
function findProvider(list: ProviderList, id: string, customName: string | null): Provider | null {
  if (id === 'custom') return customName === null ? null : customProvider(customName);
  const wanted = id.toLowerCase();
  return (
    list.data.find(
      (provider) =>
        provider.kind === 'catalogue' &&
        (provider.id === wanted || provider.aliases.some((alias) => alias.toLowerCase() === wanted)),
    ) ?? null
  );
}
