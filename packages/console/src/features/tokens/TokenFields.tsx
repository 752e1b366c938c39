import { useTranslation } from 'react-i18next';
import { CheckField, RadioField, SelectField, TextField } from '../../ui/Field.tsx';
import { scopeText } from './scope-text.ts';
import { EXPIRIES, grantableScopes, LIMIT_MAX, PURPOSES, type TokenDraft, type WrongField } from './token-draft.ts';

/** What a new token is to be. */
export function TokenFields(props: {
  draft: TokenDraft;
  admin: boolean;
  wrong: ReadonlySet<WrongField>;
  onChange: (change: Partial<TokenDraft>) => void;
}) {
  const { t } = useTranslation();
  const { draft, admin, wrong, onChange } = props;
  const hints = {
    inference: t('tokens.purpose_inference_hint'),
    read: t('tokens.purpose_read_hint'),
    everything: admin ? t('tokens.purpose_everything_hint') : t('tokens.purpose_everything_own_hint'),
    choose: undefined,
  };
  const limit = (field: keyof typeof LIMIT_MAX, label: string) => (
    <TextField
      label={label}
      inputMode="numeric"
      autoComplete="off"
      maxLength={7}
      value={draft[field]}
      error={wrong.has(field) ? t('tokens.limit_wrong', { max: LIMIT_MAX[field] }) : null}
      onChange={(event) => onChange({ [field]: event.target.value })}
    />
  );
  return (
    <>
      <TextField
        label={t('tokens.name')}
        hint={t('tokens.name_hint')}
        value={draft.name}
        maxLength={200}
        autoComplete="off"
        error={wrong.has('name') ? t('tokens.name_missing') : null}
        onChange={(event) => onChange({ name: event.target.value })}
      />
      <RadioField
        label={t('tokens.purpose')}
        name="purpose"
        value={draft.purpose}
        options={PURPOSES.map((value) => ({ value, label: t(`tokens.purpose_${value}`), hint: hints[value] }))}
        onChange={(purpose) => onChange({ purpose })}
      />
      {draft.purpose === 'choose' ? (
        <fieldset className="flex flex-col gap-2">
          <legend className="mb-1 font-medium">{t('tokens.scopes')}</legend>
          {grantableScopes(admin).map((scope) => (
            <CheckField
              key={scope}
              label={scopeText(scope, t)}
              checked={draft.scopes.includes(scope)}
              onChange={(on) =>
                onChange({ scopes: on ? [...draft.scopes, scope] : draft.scopes.filter((other) => other !== scope) })
              }
            />
          ))}
          <p aria-live="polite" className="text-compact text-bad empty:hidden">
            {wrong.has('scopes') ? t('tokens.scopes_missing') : null}
          </p>
        </fieldset>
      ) : null}
      {admin ? (
        <RadioField
          label={t('tokens.for_whom')}
          name="personal"
          value={draft.personal ? 'me' : 'company'}
          options={[
            { value: 'company', label: t('tokens.for_company'), hint: t('tokens.for_company_hint') },
            { value: 'me', label: t('tokens.for_me'), hint: t('tokens.for_me_hint') },
          ]}
          onChange={(whose) => onChange({ personal: whose === 'me' })}
        />
      ) : null}
      <div className="flex flex-col gap-1">
        <SelectField
          label={t('tokens.expiry')}
          value={draft.expiry}
          options={EXPIRIES.map((value) => ({
            value,
            label: value === 'never' ? t('tokens.expiry_never') : t('tokens.expiry_days', { count: Number(value) }),
          }))}
          onChange={(expiry) => onChange({ expiry })}
        />
        <p aria-live="polite" className="text-hint text-text-3">
          {draft.expiry === 'never' ? t('tokens.expiry_never_hint') : t('tokens.expiry_hint')}
        </p>
      </div>
      <fieldset className="grid gap-3 sm:grid-cols-2">
        <legend className="sr-only">{t('tokens.more')}</legend>
        {limit('perMinute', t('tokens.per_minute'))}
        {limit('concurrent', t('tokens.concurrent'))}
      </fieldset>
    </>
  );
}
