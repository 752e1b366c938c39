import { useTranslation } from 'react-i18next';
import { Button } from './Button.tsx';
import { AlertDialog } from './Dialog.tsx';

/** Asks before something typed is lost. `guard` is that of `useLeaveGuard`. */
export function LeaveQuestion({ guard }: { guard: { asking: boolean; stay: () => void; leave: () => void } }) {
  const { t } = useTranslation();
  if (!guard.asking) return null;
  return (
    <AlertDialog
      title={t('caps.leave_title')}
      keep={t('connect.keep_editing')}
      onKeep={guard.stay}
      confirm={
        <Button kind="danger" onClick={guard.leave}>
          {t('connect.discard_confirm')}
        </Button>
      }
    >
      {t('caps.leave_text')}
    </AlertDialog>
  );
}
