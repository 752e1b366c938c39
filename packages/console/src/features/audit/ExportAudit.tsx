import { useTranslation } from 'react-i18next';
import { useExportAudit } from '../../api/audit.ts';
import { explainError } from '../../api/explain-error.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { useOnline } from '../../ui/use-online.ts';
import { type AuditSearch, auditFilters } from './audit-search.ts';

/** Keeps what the filters leave as a file; what is refused (too many lines) is said here. */
export function ExportAudit({ search }: { search: AuditSearch }) {
  const { t } = useTranslation();
  const online = useOnline();
  const exporting = useExportAudit();
  const filters = auditFilters(search);
  return (
    <>
      {(['csv', 'json'] as const).map((form) => (
        <Button
          key={form}
          busy={exporting.isPending && exporting.variables.form === form}
          unavailable={online ? null : t('permission.offline')}
          onClick={() => exporting.mutate({ filters, form })}
        >
          {t(`audit.export_${form}`)}
        </Button>
      ))}
      {exporting.isError ? (
        <Dialog title={t(`audit.export_${exporting.variables.form}`)} onClose={exporting.reset}>
          <FailurePanel failure={explainError(exporting.error, t)} />
        </Dialog>
      ) : null}
    </>
  );
}
