import type { Provider, ProviderList } from '@ownkey/contract/api/providers';
import type { FieldForm } from '@ownkey/contract/field';
import { PLATFORM_OWNER } from '@ownkey/contract/key';
import type { ConnectSealedInput, Sealer } from '@ownkey/sdk/sealed-keys';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { settingsQuery } from '../../api/people.ts';
import { useUser } from '../../api/session.ts';
import { paths } from '../../paths.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { FailurePanel, Note } from '../../ui/Feedback.tsx';
import { RadioField, TextField } from '../../ui/Field.tsx';
import { canSeal } from '../shell/can-seal.ts';
import { CustomFields, type CustomValues } from './CustomFields.tsx';
import { slugOf } from './custom-provider.ts';
import { FailChoice, fixedText } from './FailChoice.tsx';
import { placeOf } from './field-place.ts';
import { KeyHelp } from './KeyHelp.tsx';
import { rejection } from './outcome.ts';
import { SecureField, type SecureFieldHandle } from './SecureField.tsx';
import type { TestRun } from './use-key-test.ts';
import { useIsShared } from './use-keys.ts';
import { useMay } from './use-may.ts';

type Connect = Omit<ConnectSealedInput, 'seal' | 'onSealed' | 'onSteps' | 'signal'>;

/** Paste, label, whose key, what if it fails. What was typed stays when the test fails; the key itself never does. */
export function ConnectForm(props: {
  formId: string;
  co: string;
  provider: Provider;
  list: ProviderList;
  personal: boolean;
  run: TestRun;
  connect: (seal: Sealer | null, input: Connect) => Promise<void>;
  onPasted: (pasted: boolean) => void;
  onEscape: () => void;
}) {
  const { t } = useTranslation();
  const { provider, list, run, co } = props;
  const go = useGo();
  const may = useMay();
  const field = useRef<SecureFieldHandle>(null);
  const custom = provider.kind === 'custom';
  const user = useUser();
  const isShared = useIsShared();
  const settings = useQuery({ ...settingsQuery, enabled: !isShared });
  const [form, setForm] = useState<FieldForm>({ state: 'empty' });
  const [label, setLabel] = useState('');
  const [scope, setScope] = useState<'company' | 'user'>(props.personal || !may.admin ? 'user' : 'company');
  const [onFailure, setOnFailure] = useState(provider.source.on_failure);
  const [values, setValues] = useState<CustomValues>({ preset: '', name: '', slug: '', baseUrl: '' });
  const [checked, setChecked] = useState(false);
  const preset = list.presets.find((other) => other.id === values.preset);
  const error = run.phase === 'form' ? run.error : null;
  const rejected = rejection(error);

  // After a refusal the field is empty: the next thing to do is to paste again.
  useEffect(() => {
    if (error !== null || run.phase === 'not_saved') field.current?.focus();
  }, [error, run.phase]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (
      custom &&
      (values.name.trim() === '' || slugOf(values.slug || values.name) === '' || !URL.canParse(values.baseUrl))
    )
      return;
    void send(custom && preset?.keyless === true && field.current?.isEmpty() === true);
  };
  const send = async (keyless: boolean) => {
    const checked = keyless ? null : await field.current?.check().catch(() => null);
    if (!keyless && checked?.state !== 'ok' && checked?.state !== 'unknown') return field.current?.focus();
    await props.connect(keyless ? null : (field.current?.seal ?? null), {
      provider: provider.id,
      scope,
      ...(isShared ? { base: '/api/operator' } : {}),
      label: label.trim() === '' && custom ? values.name.trim() : label.trim(),
      ...(custom
        ? {
            slug: slugOf(values.slug || values.name),
            base_url: values.baseUrl.trim(),
            ...(values.preset === '' ? {} : { preset: values.preset }),
          }
        : {}),
      ...(custom || isShared || scope === 'user' || fixedText(provider.source.fallback, t) !== null
        ? {}
        : { on_failure: onFailure }),
    });
  };

  if (!canSeal()) return <Note tone="warn">{t('errors.insecure_context', { origin: location.origin })}</Note>;
  if (scope === 'company' && may.connectCompany !== null && !props.personal)
    return <Note tone="info">{may.connectCompany}</Note>;
  const other = form.state === 'wrong' && form.problem === 'other_provider' ? form.provider : null;

  return (
    <form id={props.formId} onSubmit={submit} noValidate className="flex flex-col gap-5">
      <KeyHelp provider={provider} />
      {run.phase === 'not_saved' ? (
        <Note tone="warn" live="assertive">
          {t('connect.lost_not_saved')}
        </Note>
      ) : error !== null && rejected === null ? (
        <FailurePanel failure={explainError(error, t)} />
      ) : null}
      {custom ? <CustomFields values={values} presets={list.presets} checked={checked} onChange={setValues} /> : null}
      <div className="-mb-3">
        <SecureField
          ref={field}
          label={preset?.keyless === true ? t('connect.key_optional') : t('connect.key')}
          place={placeOf({
            company: isShared ? PLATFORM_OWNER : (user.company?.id ?? null),
            user: scope === 'user' ? user.id : null,
            provider: provider.id,
            destination: custom ? values.baseUrl : provider.destination,
          })}
          onEscape={props.onEscape}
          onForm={(next) => {
            setForm(next);
            props.onPasted(next.state !== 'empty' && next.state !== 'cleared');
          }}
          error={rejected === null ? null : t('connect.rejected', { provider: provider.name, words: rejected })}
        />
        {other === null ? null : (
          <div className="mt-1 flex flex-wrap gap-2">
            <Button
              onClick={() => {
                field.current?.clear();
                go(paths.connectProvider(co, other), { replace: true });
              }}
            >
              {t('shape.connect_other', { other: list.data.find((entry) => entry.id === other)?.name ?? other })}
            </Button>
            <Button
              onClick={() => {
                field.current?.acceptForm();
                field.current?.focus();
              }}
            >
              {t('shape.use_anyway')}
            </Button>
          </div>
        )}
      </div>
      {custom ? null : (
        <TextField
          label={t('connect.label')}
          hint={t('connect.label_hint')}
          value={label}
          maxLength={200}
          autoComplete="off"
          onChange={(event) => setLabel(event.target.value)}
        />
      )}
      {may.admin && settings.data?.personal_keys === true ? (
        <RadioField
          label={t('connect.scope')}
          name="scope"
          inline
          value={scope}
          onChange={setScope}
          options={[
            { value: 'company', label: t('connect.scope_company') },
            { value: 'user', label: t('connect.scope_me') },
          ]}
        />
      ) : null}
      {custom || isShared || scope === 'user' ? null : (
        <FailChoice value={onFailure} onChange={setOnFailure} fallback={provider.source.fallback} />
      )}
    </form>
  );
}
