import { type FormEvent, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useSetUp } from '../../api/session.ts';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { TextField } from '../../ui/Field.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { PasswordField } from './PasswordField.tsx';

/** First run: the one-time code of `ownkey init` makes the operator account. */
export function SetUpPage({ code }: { code: string | undefined }) {
  const { t } = useTranslation();
  const setUp = useSetUp();
  const go = useGo();
  const form = useRef<HTMLFormElement>(null);
  usePageTitle([t('set_up.title')]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (form.current === null || setUp.isPending) return;
    const typed = new FormData(form.current);
    setUp.mutate(
      {
        code: String(typed.get('code') ?? '').trim(),
        email: String(typed.get('email') ?? '').trim(),
        password: String(typed.get('new-password') ?? ''),
      },
      { onSuccess: () => go(paths.operatorCompanies(), { replace: true }) },
    );
  };
  return (
    <main className="mx-auto flex min-h-dvh max-w-[400px] flex-col gap-6 px-4 py-12 sm:py-24">
      <PageHeader title={t('set_up.title')} room="set-up" />
      <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
        <TextField
          label={t('set_up.code')}
          name="code"
          hint={t('set_up.code_hint')}
          autoComplete="one-time-code"
          defaultValue={code}
          spellCheck={false}
        />
        <TextField label={t('set_up.email')} name="email" type="email" autoComplete="username" />
        <PasswordField
          label={t('set_up.password')}
          name="new-password"
          autoComplete="new-password"
          hint={t('set_up.password_hint')}
        />
        {setUp.isError ? <FailurePanel failure={explainError(setUp.error, t)} /> : null}
        <Button kind="primary" type="submit" busy={setUp.isPending} className="self-start">
          {t('set_up.submit')}
        </Button>
      </form>
    </main>
  );
}
