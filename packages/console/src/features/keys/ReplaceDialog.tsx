import { PLATFORM_OWNER } from '@ownkey/contract/key';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError, isConflict } from '../../api/explain-error.ts';
import { useUser } from '../../api/session.ts';
import { paths } from '../../paths.ts';
import { useCloseTo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { AlertDialog, Dialog } from '../../ui/Dialog.tsx';
import { FailurePanel, Note, SkeletonRows } from '../../ui/Feedback.tsx';
import { canSeal } from '../shell/can-seal.ts';
import { ConnectResult } from './ConnectResult.tsx';
import { placeOf } from './field-place.ts';
import { focusFirstField } from './focus-first-field.ts';
import { KeyHelp } from './KeyHelp.tsx';
import { rejection } from './outcome.ts';
import { SecureField, type SecureFieldHandle } from './SecureField.tsx';
import { nameOfKey } from './status.ts';
import { useKeyRow } from './use-key-row.ts';
import { useKeyTest } from './use-key-test.ts';
import { useMay } from './use-may.ts';

/** A new key for an existing one: the old stays in use until the new one has passed its test. */
export function ReplaceDialog({ co, id }: { co: string; id: string }) {
  const { t } = useTranslation();
  const close = useCloseTo(paths.key(co, id));
  const { key, row, error } = useKeyRow(id);
  const user = useUser();
  const may = useMay();
  const test = useKeyTest();
  const field = useRef<SecureFieldHandle>(null);
  const replaced = useRef<string>(null);
  const [pasted, setPasted] = useState(false);
  const [asking, setAsking] = useState(false);
  const { run } = test;
  const failure = run.phase === 'form' ? run.error : null;
  const showsForm = run.phase === 'form' || run.phase === 'not_saved';

  useEffect(() => {
    if (failure !== null || run.phase === 'not_saved') field.current?.focus();
  }, [failure, run.phase]);

  if (key === undefined || row === undefined) {
    return (
      <Dialog title={t('act.replace')} onClose={close}>
        {error === null ? (
          <SkeletonRows rows={2} label={t('word.loading')} />
        ) : (
          <FailurePanel failure={explainError(error, t)} />
        )}
      </Dialog>
    );
  }

  const { provider } = row;
  // The key that was to be replaced: once it is, the list already names the new one.
  replaced.current ??= nameOfKey(key, provider.name);
  const blocked = canSeal() ? may.change(key) : t('errors.insecure_context', { origin: location.origin });
  const rejected = rejection(failure);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void send();
  };
  const send = async () => {
    const form = await field.current?.check().catch(() => null);
    if (field.current === null || (form?.state !== 'ok' && form?.state !== 'unknown')) return field.current?.focus();
    await test.replace(field.current.seal, key);
  };
  const attempt = pasted && showsForm ? () => setAsking(true) : close;
  return (
    <Dialog
      title={t('replace.title', { name: replaced.current })}
      onClose={attempt}
      onOpen={focusFirstField}
      footer={
        showsForm ? (
          <>
            <Button onClick={attempt}>{t('action.cancel')}</Button>
            <Button kind="primary" type="submit" form="replace-form" unavailable={blocked}>
              {t('replace.submit')}
            </Button>
          </>
        ) : (
          <Button kind={run.phase === 'done' ? 'primary' : 'secondary'} onClick={close}>
            {run.phase === 'done' ? t('action.done') : t('action.close')}
          </Button>
        )
      }
    >
      <form
        id="replace-form"
        onSubmit={submit}
        noValidate
        className={`flex-col gap-4 ${showsForm ? 'flex' : 'hidden'}`}
      >
        <p>{key.last4 === null ? t('replace.lead_short') : t('replace.lead', { last4: `••••${key.last4}` })}</p>
        <KeyHelp provider={provider} />
        {run.phase === 'not_saved' ? (
          <Note tone="warn" live="assertive">
            {t('replace.lost_same')}
          </Note>
        ) : failure !== null && rejected === null ? (
          <FailurePanel
            failure={explainError(failure, t)}
            {...(isConflict(failure) ? { lead: t('errors.conflict_lead') } : {})}
          />
        ) : null}
        {blocked === null ? (
          <SecureField
            ref={field}
            label={t('connect.key')}
            place={placeOf({
              company: key.scope === 'platform' ? PLATFORM_OWNER : (user.company?.id ?? null),
              user: key.scope === 'user' ? (key.user ?? user.id) : null,
              provider: key.provider,
              destination: key.destination,
            })}
            onEscape={attempt}
            onForm={(form) => setPasted(form.state !== 'empty' && form.state !== 'cleared')}
            error={rejected === null ? null : t('replace.rejected', { provider: provider.name, words: rejected })}
          />
        ) : (
          <Note tone="info">{blocked}</Note>
        )}
      </form>
      {run.phase === 'testing' || run.phase === 'done' || run.phase === 'checking' ? (
        <ConnectResult
          run={run}
          provider={provider}
          goodText={t('replace.done', {
            last4: run.phase === 'done' && run.key.last4 !== null ? ` ••••${run.key.last4}` : '',
          })}
        />
      ) : null}
      {asking ? (
        <AlertDialog
          title={t('connect.discard')}
          keep={t('connect.keep_editing')}
          onKeep={() => setAsking(false)}
          confirm={
            <Button kind="danger" onClick={close}>
              {t('connect.discard_confirm')}
            </Button>
          }
        >
          {t('connect.discard_text')}
        </AlertDialog>
      ) : null}
    </Dialog>
  );
}
