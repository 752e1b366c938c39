import type { Model } from '@ownkey/contract/api/providers';
import { useTranslation } from 'react-i18next';
import { CheckField, SelectField } from '../../ui/Field.tsx';
import { Search } from '../../ui/Search.tsx';
import { type ModelsSearch, SORTS } from './models-search.ts';

/** Search, filters and order of the list. */
export function ModelsFilterBar(props: {
  search: ModelsSearch;
  models: readonly Model[];
  nameOf: (provider: string) => string;
  onChange: (change: ModelsSearch, typed?: boolean) => void;
}) {
  const { t } = useTranslation();
  const { search, onChange } = props;
  const listed = new Set(props.models.map((model) => model.provider));
  // What the address names stays a choice, though it has no model now.
  if (search.provider !== undefined) listed.add(search.provider);
  const providers = [...listed]
    .map((value) => ({ value, label: props.nameOf(value) }))
    .sort((a, b) => a.label.localeCompare(b.label));
  const payers = { '': t('models.every_payer'), own: t('word.your_key'), platform: t('word.shared_key') } as const;
  return (
    <div className="flex flex-wrap items-center gap-3">
      <Search
        label={t('models.search')}
        value={search.q ?? ''}
        onChange={(q) => onChange({ q: q === '' ? undefined : q }, true)}
        className="min-w-0 flex-1 basis-56"
      />
      <SelectField
        label={t('models.payer')}
        hideLabel
        value={search.payer ?? ''}
        options={(['', 'own', 'platform'] as const).map((value) => ({ value, label: payers[value] }))}
        onChange={(payer) => onChange({ payer: payer === '' ? undefined : payer })}
      />
      <SelectField
        label={t('models.provider')}
        hideLabel
        className="max-sm:min-w-0 max-sm:flex-1"
        value={search.provider ?? ''}
        options={[{ value: '', label: t('models.every_provider') }, ...providers]}
        onChange={(provider) => onChange({ provider: provider === '' ? undefined : provider })}
      />
      <SelectField
        label={t('models.sort')}
        hideLabel
        value={search.sort ?? 'name'}
        options={SORTS.map((value) => ({ value, label: t(`models.sort_${value}`) }))}
        onChange={(sort) => onChange({ sort }, true)}
      />
      <CheckField
        label={t('models.only_chat')}
        checked={search.chat === 'yes'}
        onChange={(only) => onChange({ chat: only ? 'yes' : undefined })}
      />
    </div>
  );
}
