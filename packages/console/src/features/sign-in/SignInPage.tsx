import type { SessionUser } from '@ownkey/contract/api/auth';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { installationQuery, useSignIn } from '../../api/session.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { Note } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { ForgotPassword } from './ForgotPassword.tsx';
import { landingOf } from './landing.ts';
import { SignInForm } from './SignInForm.tsx';

/** `to` is where the link that led here pointed. */
export function SignInPage({ to }: { to: string | undefined }) {
  const { t } = useTranslation();
  const go = useGo();
  usePageTitle([t('sign_in.title')]);
  const enter = (user: SessionUser) => go(landingOf(user, to), { replace: true });
  return (
    <main className="mx-auto flex min-h-dvh max-w-[400px] flex-col gap-6 px-4 py-12 sm:py-24">
      <PageHeader title={t('sign_in.title')} room="sign-in" />
      <SignInForm onDone={enter} />
      <ForgotPassword />
      <Installation onDone={enter} />
    </main>
  );
}

/** What only a new or a development installation shows. */
function Installation({ onDone }: { onDone: (user: SessionUser) => void }) {
  const { t } = useTranslation();
  const { data } = useQuery(installationQuery);
  const signIn = useSignIn();
  if (data === undefined) return null;
  return (
    <>
      {data.set_up ? null : (
        <p>
          {t('sign_in.set_up_hint')}{' '}
          <Link to={paths.setUp()} className="underline">
            {t('sign_in.set_up_link')}
          </Link>
        </p>
      )}
      {data.mode === 'development' ? (
        <section className="flex flex-col gap-3 rounded-card border border-dashed border-border-strong p-4">
          <p className="flex flex-wrap gap-x-3 text-text-2">
            {t('sign_in.development')}
            {data.sandbox_url === null ? null : (
              <a href={data.sandbox_url} target="_blank" rel="noreferrer" className="text-text underline">
                {t('sign_in.development_sandbox')}
              </a>
            )}
            {data.mail_url === null ? null : (
              <a href={data.mail_url} target="_blank" rel="noreferrer" className="text-text underline">
                {t('sign_in.development_mail')}
              </a>
            )}
          </p>
          {data.demo_accounts.map((account) => (
            <Button
              key={account.email}
              busy={signIn.isPending && signIn.variables.email === account.email}
              onClick={() =>
                signIn.mutate(
                  { email: account.email, password: account.password },
                  { onSuccess: (answer) => (answer.user === null ? undefined : onDone(answer.user)) },
                )
              }
              className="h-auto justify-start py-1.5 text-start whitespace-normal"
            >
              {t('sign_in.sign_in_as', { name: account.label })}
            </Button>
          ))}
          {signIn.isError ? (
            <Note tone="bad" live="assertive">
              {explainError(signIn.error, t).text}
            </Note>
          ) : null}
        </section>
      ) : null}
    </>
  );
}
