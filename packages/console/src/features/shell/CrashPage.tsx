import { useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { FailurePanel } from '../../ui/Feedback.tsx';

/** A room that could not be opened at all. */
export function CrashPage({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const router = useRouter();
  return (
    <main className="mx-auto max-w-[640px] px-4 py-12">
      <FailurePanel failure={explainError(error, t)} lead={t('errors.load')} onRetry={() => void router.invalidate()} />
    </main>
  );
}
