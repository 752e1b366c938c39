import type { AuditVerified } from '@ownkey/contract/api/audit';
import { useTranslation } from 'react-i18next';
import { useVerifyAudit } from '../../api/audit.ts';
import { explainError } from '../../api/explain-error.ts';
import { exactCount } from '../../format/count.ts';
import { formatStamp } from '../../format/time.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { FailurePanel, Note } from '../../ui/Feedback.tsx';
import { Icon, Spinner } from '../../ui/Icon.tsx';
import { useMay } from '../keys/use-may.ts';

/** Checks the chain of entries and says how far it is unbroken. */
export function VerifyRecord({ open, onOpen }: { open: boolean; onOpen: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const verify = useVerifyAudit();
  return (
    <>
      <Button
        unavailable={may.admin ? null : t('audit.verify_admins', { ask: may.ask })}
        busy={verify.isPending}
        onClick={() => {
          onOpen();
          verify.mutate();
        }}
      >
        <Icon name="shield" />
        {t('audit.verify')}
      </Button>
      {open && !verify.isIdle ? (
        <Dialog title={t('audit.verify')} onClose={verify.reset}>
          {verify.isPending ? <Spinner /> : null}
          {verify.isError ? (
            <FailurePanel failure={explainError(verify.error, t)} onRetry={() => verify.mutate()} />
          ) : null}
          {verify.data === undefined ? null : <Result result={verify.data} />}
        </Dialog>
      ) : null}
    </>
  );
}

function Result({ result }: { result: AuditVerified }) {
  const { t, i18n } = useTranslation();
  if (!result.unbroken) {
    return (
      <Note tone="bad" live="assertive" actions={<Evidence result={result} />}>
        {t('audit.broken', { id: result.broken?.event_id ?? '' })} {result.broken?.problem}
      </Note>
    );
  }
  if (result.sealed_up_to === null) return <Note tone="info">{t('audit.verified_none')}</Note>;
  return (
    <Note tone="good" live="polite">
      {t('audit.verified', {
        entries: exactCount(result.checked, i18n.language),
        at: formatStamp(result.sealed_up_to, i18n.language, 'utc'),
      })}
    </Note>
  );
}

function Evidence({ result }: { result: AuditVerified }) {
  const { t } = useTranslation();
  return (
    <Button
      onClick={() => {
        const url = URL.createObjectURL(new Blob([JSON.stringify(result, null, 2)], { type: 'application/json' }));
        const link = document.createElement('a');
        link.href = url;
        link.download = `audit-evidence-${result.broken?.event_id ?? 'chain'}.json`;
        link.click();
        URL.revokeObjectURL(url);
      }}
    >
      {t('audit.download')}
    </Button>
  );
}
