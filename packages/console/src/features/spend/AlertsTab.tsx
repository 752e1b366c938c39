import { useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { alertsQuery } from '../../api/alerts.ts';
import { explainError } from '../../api/explain-error.ts';
import { Button } from '../../ui/Button.tsx';
import { EmptyState, FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { useMay } from '../keys/use-may.ts';
import { AlertsTable } from './AlertsTable.tsx';
import { Recipients } from './Recipients.tsx';
import { Webhooks } from './Webhooks.tsx';

/** Who is told when a cap is near or reached, by mail and by webhook, and what was told so far. */
export function AlertsTab({ co, adding }: { co: string; adding: boolean }) {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <div className="flex flex-col gap-8">
      <section aria-labelledby="alerts-title" className="flex flex-col gap-3">
        <div>
          <h2 id="alerts-title" className="text-dialog font-semibold">
            {t('alerts.history')}
          </h2>
          <p className="max-w-[70ch] text-text-2">{t('alerts.lead')}</p>
        </div>
        <History />
      </section>
      <Recipients />
      {may.admin ? (
        <Webhooks co={co} adding={adding} />
      ) : (
        <p className="text-text-2">
          <bdi>{t('alerts.webhooks_admins', { ask: may.ask })}</bdi>
        </p>
      )}
    </div>
  );
}

function History() {
  const { t } = useTranslation();
  const list = useInfiniteQuery(alertsQuery);
  const skeleton = useSkeleton(list.isPending);
  if (list.isError && list.data === undefined) {
    return (
      <FailurePanel failure={explainError(list.error, t)} lead={t('errors.load')} onRetry={() => void list.refetch()} />
    );
  }
  if (list.data === undefined) return skeleton ? <SkeletonRows rows={3} label={t('word.loading')} /> : null;
  const alerts = list.data.pages.flatMap((page) => page.data);
  if (alerts.length === 0) return <EmptyState>{t('alerts.empty')}</EmptyState>;
  return (
    <>
      <AlertsTable alerts={alerts} />
      {list.hasNextPage ? (
        <Button className="self-start" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('alerts.load_more')}
        </Button>
      ) : null}
    </>
  );
}
