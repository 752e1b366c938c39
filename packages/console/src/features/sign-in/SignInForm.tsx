import type { SessionUser } from '@ownkey/contract/api/auth';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useSignIn } from '../../api/session.ts';
import { Button } from '../../ui/Button.tsx';
import { Note } from '../../ui/Feedback.tsx';
import { TextField } from '../../ui/Field.tsx';
import { PasswordField } from './PasswordField.tsx';

/** Email and password. One text for both wrong cases; what was typed stays. */
export function SignInForm({ onDone }: { onDone: (user: SessionUser) => void }) {
  const { t } = useTranslation();
  const signIn = useSignIn();
  const form = useRef<HTMLFormElement>(null);
  const [missing, setMissing] = useState<{ email: boolean; password: boolean }>({ email: false, password: false });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (form.current === null || signIn.isPending) return;
    const typed = new FormData(form.current);
    const email = String(typed.get('email') ?? '').trim();
    const password = String(typed.get('password') ?? '');
    setMissing({ email: email === '', password: password === '' });
    if (email === '' || password === '') return;
    signIn.mutate(
      { email, password },
      { onSuccess: (answer) => (answer.user === null ? undefined : onDone(answer.user)) },
    );
  };

  return (
    <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
      <TextField
        label={t('sign_in.email')}
        name="email"
        type="email"
        autoComplete="username"
        error={missing.email ? t('sign_in.email_missing') : null}
      />
      <PasswordField
        label={t('sign_in.password')}
        name="password"
        autoComplete="current-password"
        error={missing.password ? t('sign_in.password_missing') : null}
      />
      {signIn.isError ? (
        <Note tone="bad" live="assertive">
          {explainError(signIn.error, t).text}
        </Note>
      ) : null}
      <Button kind="primary" type="submit" busy={signIn.isPending} className="self-start">
        {t('sign_in.submit')}
      </Button>
    </form>
  );
}
