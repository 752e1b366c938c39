import { useTranslation } from 'react-i18next';
import { Dialog } from '../../ui/Dialog.tsx';
import { SignInForm } from '../sign-in/SignInForm.tsx';

/** The session ended under an open page: sign in over it, so that nothing typed is lost. */
export function SignedOutDialog() {
  const { t } = useTranslation();
  return (
    <Dialog title={t('shell.signed_out_title')} onClose={() => undefined}>
      <p className="mb-4">{t('shell.signed_out_text')}</p>
      <SignInForm onDone={() => undefined} />
    </Dialog>
  );
}
