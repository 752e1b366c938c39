import type { Provider } from '@ownkey/contract/api/providers';
import { useTranslation } from 'react-i18next';
import { Icon } from '../../ui/Icon.tsx';

/** Where to get a key and what it must be allowed, from the catalogue. */
export function KeyHelp({ provider }: { provider: Provider }) {
  const { t } = useTranslation();
  if (provider.key_page === null && provider.key_help.length === 0) return null;
  return (
    <section aria-label={t('connect.help')} className="rounded-card bg-sunken px-4 py-3">
      {provider.key_page === null ? null : (
        <p className="mb-2">
          <a
            href={provider.key_page}
            target="_blank"
            rel="noreferrer"
            className="inline-flex items-center gap-1 font-medium underline"
          >
            {t('connect.open_key_page', { provider: provider.name })}
            <Icon name="external" />
            <span className="sr-only">{t('action.opens_new_tab')}</span>
          </a>
        </p>
      )}
      <ol className="list-decimal space-y-1 ps-5 text-compact text-text-2">
        {provider.key_help.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
    </section>
  );
}
