import type { ListedPrice } from '@ownkey/contract/api/prices';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { providersQuery } from '../../api/keys.ts';
import { type PriceScope, priceOfQuery, useSavePrice } from '../../api/prices.ts';
import { useLeaveGuard } from '../../routing/use-leave-guard.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { SelectField, TextField } from '../../ui/Field.tsx';
import { Spinner } from '../../ui/Icon.tsx';
import { LeaveQuestion } from '../../ui/LeaveQuestion.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { focusFirstField } from '../keys/focus-first-field.ts';
import { draftFrom, type PriceDraft, priceBodyOf } from './price-draft.ts';
import { RateFields } from './RateFields.tsx';

const FORM_ID = 'price-form';

/** Sets the price of one model: rates per million tokens, from now or from a day on. */
export function PriceDialog(props: {
  scope: PriceScope;
  provider: string;
  model: string;
  blocked: string | null;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const { scope, provider, model, onClose } = props;
  const known = useQuery(priceOfQuery(scope, provider, model));
  if (known.fetchStatus === 'fetching' && known.data === undefined) {
    return (
      <Dialog title={t('prices.set')} onClose={onClose}>
        <Spinner />
      </Dialog>
    );
  }
  return <Form {...props} known={known.data ?? null} />;
}

function Form(props: {
  scope: PriceScope;
  provider: string;
  model: string;
  blocked: string | null;
  known: ListedPrice | null;
  onClose: () => void;
}) {
  const { t, i18n } = useTranslation();
  const { scope, known } = props;
  const { say } = useMessages();
  const save = useSavePrice(scope);
  const [start] = useState(() => draftFrom(props.provider, props.model, known, i18n.language));
  const [draft, setDraft] = useState<PriceDraft>(start);
  const [checked, setChecked] = useState(false);
  const dirty = JSON.stringify(draft) !== JSON.stringify(start);
  const saved = useRef(false);
  const guard = useLeaveGuard(() => dirty && !saved.current);
  const { body, wrong } = priceBodyOf(draft, i18n.language);
  const change = (next: Partial<PriceDraft>) => {
    save.reset();
    setDraft((before) => ({ ...before, ...next }));
  };
  const submit = () => {
    setChecked(true);
    if (body === null) return;
    save.mutate(body, {
      onSuccess: () => {
        saved.current = true;
        say(t('prices.saved', { model: body.model }));
        props.onClose();
      },
    });
  };

  return (
    <Dialog
      title={known?.origin === scope ? t('prices.change_title') : t('prices.set')}
      onClose={props.onClose}
      onOpen={focusFirstField}
      footer={
        <>
          <Button onClick={props.onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" type="submit" form={FORM_ID} busy={save.isPending} unavailable={props.blocked}>
            {t('prices.save')}
          </Button>
        </>
      }
    >
      <form
        id={FORM_ID}
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <p className="text-text-2">{scope === 'company' ? t('prices.lead_company') : t('prices.lead_operator')}</p>
        <ProviderField
          scope={scope}
          value={draft.provider}
          wrong={checked && wrong.has('provider')}
          onChange={(provider) => change({ provider })}
        />
        <TextField
          label={t('prices.model')}
          value={draft.model}
          maxLength={200}
          autoComplete="off"
          spellCheck={false}
          hint={t('prices.model_hint')}
          error={checked && wrong.has('model') ? t('prices.model_missing') : null}
          onChange={(event) => change({ model: event.target.value })}
        />
        <RateFields draft={draft} wrong={wrong} checked={checked} onChange={change} />
        <TextField
          label={t('prices.valid_from')}
          type="date"
          value={draft.validFrom}
          hint={t('prices.valid_from_hint')}
          onChange={(event) => change({ validFrom: event.target.value })}
        />
        {save.isError ? <FailurePanel failure={explainError(save.error, t)} lead={t('caps.not_saved')} /> : null}
      </form>
      <LeaveQuestion guard={guard} />
    </Dialog>
  );
}

function ProviderField(props: {
  scope: PriceScope;
  value: string;
  wrong: boolean;
  onChange: (provider: string) => void;
}) {
  const { t } = useTranslation();
  const providers = useQuery({ ...providersQuery, enabled: props.scope === 'company' });
  const names = (providers.data?.data ?? []).map(({ id, name }) => ({ value: id, label: name }));
  if (props.scope === 'operator') {
    return (
      <TextField
        label={t('audit.provider')}
        value={props.value}
        maxLength={64}
        autoComplete="off"
        spellCheck={false}
        hint={t('prices.provider_hint')}
        error={props.wrong ? t('prices.provider_missing') : null}
        onChange={(event) => props.onChange(event.target.value.trim())}
      />
    );
  }
  return (
    <div className="flex flex-col gap-1">
      <SelectField
        label={t('audit.provider')}
        value={props.value}
        options={[
          { value: '', label: t('prices.choose_provider') },
          ...names,
          ...(props.value === '' || names.some(({ value }) => value === props.value)
            ? []
            : [{ value: props.value, label: props.value }]),
        ]}
        onChange={props.onChange}
      />
      <p aria-live="polite" className="text-compact text-bad empty:hidden">
        {props.wrong ? t('prices.provider_missing') : null}
      </p>
    </div>
  );
}
