import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { installationQuery, useRequestReset } from '../../api/session.ts';
import { Button } from '../../ui/Button.tsx';
import { FailurePanel, Note } from '../../ui/Feedback.tsx';
import { TextField } from '../../ui/Field.tsx';

/** Asks for a link by mail; where no mail is sent it says whom to ask. */
export function ForgotPassword() {
  const { t } = useTranslation();
  const { data } = useQuery(installationQuery);
  const [open, setOpen] = useState(false);
  return (
    <details className="text-text-2" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="w-fit cursor-pointer py-1 underline">{t('sign_in.forgot')}</summary>
      {!open ? null : data?.sends_mail === true ? <RequestForm /> : <p className="mt-1">{t('sign_in.forgot_text')}</p>}
    </details>
  );
}

function RequestForm() {
  const { t } = useTranslation();
  const request = useRequestReset();
  const form = useRef<HTMLFormElement>(null);
  const [missing, setMissing] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (form.current === null || request.isPending) return;
    const email = String(new FormData(form.current).get('reset-email') ?? '').trim();
    setMissing(email === '');
    if (email !== '') request.mutate(email);
  };
  return (
    <form ref={form} onSubmit={submit} noValidate className="mt-2 flex flex-col gap-3">
      <TextField
        label={t('set_up.email')}
        name="reset-email"
        type="email"
        autoComplete="username"
        error={missing ? t('sign_in.email_missing') : null}
      />
      {request.isError ? <FailurePanel failure={explainError(request.error, t)} /> : null}
      {request.isSuccess ? (
        <Note tone="info" live="polite">
          {t('sign_in.forgot_sent')}
        </Note>
      ) : null}
      <Button type="submit" busy={request.isPending} className="self-start">
        {t('sign_in.forgot_submit')}
      </Button>
    </form>
  );
}
