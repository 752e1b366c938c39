import { type FormEvent, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useConfirmReset } from '../../api/session.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { usePageTitle } from '../../routing/page-title.ts';
import { Button } from '../../ui/Button.tsx';
import { FailurePanel, Note } from '../../ui/Feedback.tsx';
import { TextField } from '../../ui/Field.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { PasswordField } from './PasswordField.tsx';

/** The link of a mail leads here; without its code the code can be typed. */
export function ResetPage({ code }: { code: string | undefined }) {
  const { t } = useTranslation();
  const confirm = useConfirmReset();
  const form = useRef<HTMLFormElement>(null);
  usePageTitle([t('reset.title')]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (form.current === null || confirm.isPending) return;
    const typed = new FormData(form.current);
    confirm.mutate({
      code: String(typed.get('code') ?? '').trim(),
      password: String(typed.get('new-password') ?? ''),
    });
  };
  return (
    <main className="mx-auto flex min-h-dvh max-w-[400px] flex-col gap-6 px-4 py-12 sm:py-24">
      <PageHeader title={t('reset.title')} room="reset" />
      {confirm.isSuccess ? (
        <Note tone="good" live="polite">
          <p>{t('reset.done')}</p>
          <p className="mt-1">
            <Link to={paths.signIn()} className="underline">
              {t('reset.sign_in')}
            </Link>
          </p>
        </Note>
      ) : (
        <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
          <TextField
            label={t('reset.code')}
            name="code"
            autoComplete="one-time-code"
            defaultValue={code}
            spellCheck={false}
          />
          <PasswordField
            label={t('reset.password')}
            name="new-password"
            autoComplete="new-password"
            hint={t('set_up.password_hint')}
          />
          {confirm.isError ? <FailurePanel failure={explainError(confirm.error, t)} /> : null}
          <Button kind="primary" type="submit" busy={confirm.isPending} className="self-start">
            {t('reset.submit')}
          </Button>
        </form>
      )}
    </main>
  );
}
