import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { keyHistoryQuery } from '../../api/audit.ts';
import { explainError } from '../../api/explain-error.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { AuditTable } from '../audit/AuditTable.tsx';

/** The last 20 entries of the record about one key. */
export function KeyHistory({ co, id }: { co: string; id: string }) {
  const { t } = useTranslation();
  const history = useQuery(keyHistoryQuery(id));
  return (
    <section aria-labelledby="history-title" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-baseline justify-between gap-3">
        <h2 id="history-title" className="text-dialog font-semibold">
          {t('key.history')}
        </h2>
        <Link to={paths.audit(co, { key: id })} className="py-1 underline underline-offset-2">
          {t('key.all_history')}
        </Link>
      </div>
      {history.isError && history.data === undefined ? (
        <FailurePanel
          failure={explainError(history.error, t)}
          lead={t('errors.load')}
          onRetry={() => void history.refetch()}
        />
      ) : history.data === undefined ? (
        <div className="h-24" />
      ) : history.data.length === 0 ? (
        <p className="text-text-2">{t('key.history_empty')}</p>
      ) : (
        <AuditTable co={co} lines={history.data} zone="local" search={{}} />
      )}
    </section>
  );
}
