import type { Model } from '@ownkey/contract/api/providers';
import { useTranslation } from 'react-i18next';
import { formatDay } from '../../format/time.ts';

/** Where each provider's list comes from, and from when it is. */
export function ListsAsOf({ models, nameOf }: { models: readonly Model[]; nameOf: (provider: string) => string }) {
  const { t, i18n } = useTranslation();
  const lists = new Map<string, string>();
  for (const { provider, as_of } of models) {
    const name = nameOf(provider);
    lists.set(
      provider,
      as_of === null
        ? t('models.list_curated', { provider: name })
        : t('models.list_live', { provider: name, at: formatDay(as_of, i18n.language) }),
    );
  }
  return (
    <p className="text-hint text-text-3">
      <bdi>{t('models.as_of', { lists: [...lists.values()].join(' · ') })}</bdi>
    </p>
  );
}
