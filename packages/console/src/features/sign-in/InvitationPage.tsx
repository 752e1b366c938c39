import { type FormEvent, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useAcceptInvitation } from '../../api/session.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { TextField } from '../../ui/Field.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { landingOf } from './landing.ts';
import { PasswordField } from './PasswordField.tsx';

/** The link of an invitation's mail leads here; joining signs in. */
export function InvitationPage({ code }: { code: string | undefined }) {
  const { t } = useTranslation();
  const accept = useAcceptInvitation();
  const go = useGo();
  const form = useRef<HTMLFormElement>(null);
  usePageTitle([t('invitation.title')]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (form.current === null || accept.isPending) return;
    const typed = new FormData(form.current);
    const name = String(typed.get('name') ?? '').trim();
    accept.mutate(
      {
        code: String(typed.get('code') ?? '').trim(),
        password: String(typed.get('new-password') ?? ''),
        ...(name === '' ? {} : { name }),
      },
      {
        onSuccess: ({ user }) => {
          if (user !== null) go(landingOf(user, undefined), { replace: true });
        },
      },
    );
  };
  return (
    <main className="mx-auto flex min-h-dvh max-w-[400px] flex-col gap-6 px-4 py-12 sm:py-24">
      <PageHeader title={t('invitation.title')} room="invitation" />
      <p className="text-text-2">{t('invitation.lead')}</p>
      <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
        <TextField
          label={t('invitation.code')}
          name="code"
          autoComplete="one-time-code"
          defaultValue={code}
          spellCheck={false}
        />
        <TextField label={t('invitation.name')} name="name" autoComplete="name" />
        <PasswordField
          label={t('invitation.password')}
          name="new-password"
          autoComplete="new-password"
          hint={t('set_up.password_hint')}
        />
        {accept.isError ? <FailurePanel failure={explainError(accept.error, t)} /> : null}
        <Button kind="primary" type="submit" busy={accept.isPending} className="self-start">
          {t('invitation.submit')}
        </Button>
      </form>
    </main>
  );
}
