import type { Token } from '@ownkey/contract/api/tokens';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useRevokeToken } from '../../api/tokens.ts';
import { formatMoment } from '../../format/time.ts';
import { Button } from '../../ui/Button.tsx';
import { AlertDialog } from '../../ui/Dialog.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { useNow } from '../../ui/use-now.ts';

/** Asks before a token is revoked, saying whether it is in use. */
export function RevokeQuestion({ token, onClose }: { token: Token; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const { say } = useMessages();
  const now = useNow();
  const revoke = useRevokeToken();
  const { name, last_used_at } = token;
  return (
    <AlertDialog
      title={
        <bdi dir="auto" className="line-clamp-3 [overflow-wrap:anywhere]">
          {t('tokens.revoke_title', { name })}
        </bdi>
      }
      keep={t('tokens.keep')}
      onKeep={onClose}
      confirm={
        <Button
          kind="danger"
          busy={revoke.isPending}
          onClick={() =>
            revoke.mutate(token, {
              onSuccess: () => {
                say(t('tokens.revoked', { name }));
                onClose();
              },
            })
          }
        >
          {t('tokens.revoke')}
        </Button>
      }
    >
      <p>
        {t('tokens.revoke_text')}{' '}
        {last_used_at === null
          ? t('tokens.revoke_unused')
          : t('tokens.revoke_used', { ago: formatMoment(last_used_at, now, i18n.language) })}
      </p>
      {revoke.isError ? <FailurePanel failure={explainError(revoke.error, t)} /> : null}
    </AlertDialog>
  );
}
