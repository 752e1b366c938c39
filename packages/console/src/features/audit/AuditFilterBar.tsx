import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { providersQuery } from '../../api/keys.ts';
import { Button } from '../../ui/Button.tsx';
import { SelectField, TextField } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Search } from '../../ui/Search.tsx';
import { type AuditSearch, isFiltered, KINDS, PAYERS, STATUSES } from './audit-search.ts';

/** Search, filters and, for each filter that is set, a chip that removes it. */
export function AuditFilterBar(props: {
  search: AuditSearch;
  onChange: (change: AuditSearch, typed?: boolean) => void;
}) {
  const { t } = useTranslation();
  const { search, onChange } = props;
  const [open, setOpen] = useState(() => isFiltered({ ...search, q: undefined }));
  const providers = useQuery(providersQuery);
  const any = { value: '', label: t('audit.any') };
  const names = new Map((providers.data?.data ?? []).map((provider) => [provider.id, provider.name]));
  const payerName = { own: t('word.your_key'), platform: t('word.shared_key'), fallback: t('audit.payer_fallback') };
  const chips: { name: keyof AuditSearch; title: string; value: string }[] = [];
  const add = (name: keyof AuditSearch, title: string, text: (value: string) => string) => {
    const value = search[name];
    if (value !== undefined) chips.push({ name, title, value: text(value) });
  };
  add('kind', t('audit.kind'), (value) => t(`audit.kind_${KINDS.find((kind) => kind === value) ?? 'call'}`));
  add('payer', t('audit.payer'), (value) => payerName[PAYERS.find((payer) => payer === value) ?? 'own']);
  add('provider', t('audit.provider'), (value) => names.get(value) ?? value);
  add('status', t('audit.status'), (value) => t(`audit.status_${STATUSES.find((status) => status === value) ?? 'ok'}`));
  add('key', t('field.key'), (value) => value);
  add('actor', t('audit.column_actor'), (value) => value);
  add('from', t('audit.from'), (value) => value);
  add('to', t('audit.to'), (value) => value);
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <Search
          label={t('audit.search')}
          value={search.q ?? ''}
          onChange={(q) => onChange({ q: q === '' ? undefined : q }, true)}
          className="min-w-0 flex-1 basis-48"
        />
        <Button aria-expanded={open} aria-controls="audit-filters" onClick={() => setOpen(!open)}>
          {t('audit.filters')}
          <Icon name="down" />
        </Button>
      </div>
      <div
        id="audit-filters"
        className={open ? 'grid grid-cols-2 gap-3 sm:grid-cols-[repeat(6,minmax(0,1fr))]' : 'hidden'}
      >
        <Choice
          label={t('audit.kind')}
          value={search.kind}
          any={any}
          options={KINDS.map((value) => ({ value, label: t(`audit.kind_${value}`) }))}
          onChange={(kind) => onChange({ kind })}
        />
        <Choice
          label={t('audit.payer')}
          value={search.payer}
          any={any}
          options={PAYERS.map((value) => ({ value, label: payerName[value] }))}
          onChange={(payer) => onChange({ payer })}
        />
        <Choice
          label={t('audit.provider')}
          value={search.provider}
          any={any}
          options={[...names].map(([value, label]) => ({ value, label }))}
          onChange={(provider) => onChange({ provider })}
        />
        <Choice
          label={t('audit.status')}
          value={search.status}
          any={any}
          options={STATUSES.map((value) => ({ value, label: t(`audit.status_${value}`) }))}
          onChange={(status) => onChange({ status })}
        />
        <TextField
          label={t('audit.from')}
          type="date"
          value={search.from ?? ''}
          onChange={(event) => onChange({ from: event.target.value || undefined })}
        />
        <TextField
          label={t('audit.to')}
          type="date"
          value={search.to ?? ''}
          onChange={(event) => onChange({ to: event.target.value || undefined })}
        />
      </div>
      {chips.length === 0 ? null : (
        <ul className="flex flex-wrap gap-2">
          {chips.map((chip) => (
            <li key={chip.name}>
              <button
                type="button"
                onClick={() => onChange({ [chip.name]: undefined })}
                aria-label={t('audit.remove_filter', { name: chip.title, value: chip.value })}
                className="inline-flex min-h-6 items-center gap-1.5 rounded-full bg-selected px-3 text-compact hover:bg-sunken coarse:min-h-11"
              >
                {chip.title}: <bdi>{chip.value}</bdi>
                <Icon name="cross" />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Choice(props: {
  label: string;
  value: string | undefined;
  any: { value: string; label: string };
  options: readonly { value: string; label: string }[];
  onChange: (value: string | undefined) => void;
}) {
  return (
    <SelectField
      label={props.label}
      value={props.value ?? ''}
      options={[props.any, ...props.options]}
      onChange={(value) => props.onChange(value === '' ? undefined : value)}
    />
  );
}
