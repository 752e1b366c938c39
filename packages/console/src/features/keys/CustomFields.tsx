import type { ProviderList } from '@ownkey/contract/api/providers';
import { useTranslation } from 'react-i18next';
import { SelectField, TextField } from '../../ui/Field.tsx';
import { slugOf } from './custom-provider.ts';

export interface CustomValues {
  preset: string;
  name: string;
  /** Empty: made from the name. */
  slug: string;
  baseUrl: string;
}

/** Address and name of a custom endpoint. A preset fills both in. */
export function CustomFields(props: {
  values: CustomValues;
  presets: ProviderList['presets'];
  checked: boolean;
  onChange: (values: CustomValues) => void;
}) {
  const { t } = useTranslation();
  const { values, presets, checked, onChange } = props;
  const slug = slugOf(values.slug || values.name);
  return (
    <>
      <SelectField
        label={t('connect.preset')}
        value={values.preset}
        options={[
          { value: '', label: t('connect.preset_none') },
          ...presets.map((preset) => ({ value: preset.id, label: preset.name })),
        ]}
        onChange={(id) => {
          const preset = presets.find((other) => other.id === id);
          onChange({
            ...values,
            preset: id,
            name: values.name === '' ? (preset?.name ?? '') : values.name,
            baseUrl: preset?.base_url ?? values.baseUrl,
          });
        }}
      />
      <TextField
        label={t('connect.name')}
        value={values.name}
        maxLength={200}
        autoComplete="off"
        hint={t('connect.name_hint', { slug: slug === '' ? 'name' : slug })}
        error={checked && slug === '' ? t('connect.name_missing') : null}
        onChange={(event) => onChange({ ...values, name: event.target.value })}
      />
      <TextField
        label={t('connect.base_url')}
        value={values.baseUrl}
        type="url"
        inputMode="url"
        maxLength={2048}
        autoComplete="off"
        spellCheck={false}
        data-1p-ignore=""
        data-lpignore="true"
        hint={t('connect.base_url_hint')}
        error={checked && !URL.canParse(values.baseUrl) ? t('connect.base_url_missing') : null}
        onChange={(event) => onChange({ ...values, baseUrl: event.target.value })}
      />
    </>
  );
}
