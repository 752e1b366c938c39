import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { paths } from '../../paths.ts';
import { useCloseTo, useGo } from '../../routing/use-go.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { FailurePanel, SkeletonRows } from '../../ui/Feedback.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Search } from '../../ui/Search.tsx';
import { focusFirstField } from './focus-first-field.ts';
import { type KeysSearch, keysSearchValues } from './keys-search.ts';
import { ProviderTile } from './ProviderTile.tsx';
import { useIsShared, useProviders } from './use-keys.ts';

/** First half of connecting: whose key is it? */
export function ChooseProvider({ co, search }: { co: string; search: KeysSearch }) {
  const { t } = useTranslation();
  const close = useCloseTo(paths.keys(co, keysSearchValues(search)));
  const providers = useProviders();
  const isShared = useIsShared();
  const [q, setQ] = useState('');
  const needle = q.trim().toLowerCase();
  const scope = { scope: search.scope === 'personal' ? 'personal' : undefined };
  const found = (providers.data?.data ?? []).filter(
    (provider) =>
      provider.kind === 'catalogue' &&
      [provider.name, provider.id, ...provider.aliases].some((text) => text.toLowerCase().includes(needle)),
  );
  return (
    <Dialog title={t('connect.choose')} onClose={close} onOpen={focusFirstField}>
      <Search label={t('connect.search')} value={q} onChange={setQ} className="mb-3" />
      {providers.isError && providers.data === undefined ? (
        <FailurePanel
          failure={explainError(providers.error, t)}
          lead={t('errors.load')}
          onRetry={() => void providers.refetch()}
        />
      ) : providers.data === undefined ? (
        <SkeletonRows rows={6} label={t('word.loading')} />
      ) : (
        <>
          {found.length === 0 ? <p className="py-2 text-text-2">{t('connect.no_match')}</p> : null}
          <ul className="-mx-2 flex flex-col">
            {found.map((provider) => (
              <Choice
                key={provider.id}
                name={provider.name}
                hint={provider.gated === null ? (provider.key?.hint ?? '') : t('keys.in_plan')}
                locked={provider.gated !== null}
                to={paths.connectProvider(co, provider.id, scope)}
              />
            ))}
            {isShared ? null : (
              <Choice
                name={t('keys.custom_name')}
                hint={t('keys.custom_hint')}
                locked={false}
                to={paths.connectProvider(co, 'custom', scope)}
              />
            )}
          </ul>
        </>
      )}
    </Dialog>
  );
}

function Choice({ name, hint, locked, to }: { name: string; hint: string; locked: boolean; to: string }) {
  const go = useGo();
  return (
    <li>
      <button
        type="button"
        onClick={() => go(to, { replace: true })}
        className="flex min-h-11 w-full items-center gap-3 rounded-control px-2 py-1 text-start hover:bg-sunken"
      >
        <ProviderTile name={name} />
        <span className="min-w-0">
          <span className="block font-medium">{name}</span>
          <span className="block text-hint text-text-2">{hint}</span>
        </span>
        {locked ? <Icon name="lock" className="ms-auto text-text-2" /> : null}
      </button>
    </li>
  );
}
