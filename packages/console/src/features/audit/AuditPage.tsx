import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { auditQuery, newestQuery } from '../../api/audit.ts';
import { explainError } from '../../api/explain-error.ts';
import { useUser } from '../../api/session.ts';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { EmptyState, FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { AuditFilterBar } from './AuditFilterBar.tsx';
import { AuditTable } from './AuditTable.tsx';
import { type AuditSearch, auditFilters, auditSearchValues, isFiltered } from './audit-search.ts';
import { ExportAudit } from './ExportAudit.tsx';
import { VerifyRecord } from './VerifyRecord.tsx';

/** Every call and change, the newest first. `children` is the entry whose address is open. */
export function AuditPage({ co, search, children }: { co: string; search: AuditSearch; children?: ReactNode }) {
  const { t } = useTranslation();
  const go = useGo();
  const user = useUser();
  usePageTitle([t('audit.title'), user.company?.name]);
  const change = (next: AuditSearch, typed = false) =>
    go(paths.audit(co, auditSearchValues({ ...search, ...next })), { replace: typed });
  const [verifying, setVerifying] = useState(false);
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={t('audit.title')}
        room="audit"
        actions={
          <>
            <Segmented
              label={t('audit.zone')}
              value={search.tz ?? 'local'}
              onChange={(zone) => change({ tz: zone === 'utc' ? 'utc' : undefined }, true)}
              segments={[
                { value: 'local', label: t('audit.local') },
                { value: 'utc', label: t('audit.utc') },
              ]}
            />
            <ExportAudit search={search} />
            <VerifyRecord open={verifying} onOpen={() => setVerifying(true)} />
          </>
        }
      />
      <div className="flex flex-col gap-4">
        <AuditFilterBar search={search} onChange={change} />
        <Lines co={co} search={search} clear={() => change(CLEARED)} />
      </div>
      {children}
    </div>
  );
}

const CLEARED: AuditSearch = {
  kind: undefined,
  payer: undefined,
  status: undefined,
  provider: undefined,
  key: undefined,
  actor: undefined,
  q: undefined,
  from: undefined,
  to: undefined,
};

function Lines({ co, search, clear }: { co: string; search: AuditSearch; clear: () => void }) {
  const { t } = useTranslation();
  const filters = auditFilters(search);
  const list = useInfiniteQuery(auditQuery(filters));
  const newest = useQuery({ ...newestQuery(filters), enabled: list.data !== undefined });
  const skeleton = useSkeleton(list.isPending);

  if (list.isError && list.data === undefined) {
    return (
      <FailurePanel failure={explainError(list.error, t)} lead={t('errors.load')} onRetry={() => void list.refetch()} />
    );
  }
  if (list.data === undefined) return skeleton ? <SkeletonRows rows={10} label={t('word.loading')} /> : null;

  const lines = list.data.pages.flatMap((page) => page.data);
  const known = new Set(lines.map((line) => line.id));
  const newer = (newest.data ?? []).filter((line) => !known.has(line.id)).length;
  // Lines on show follow their call: what was running shows its end as soon as the newest page knows it.
  const fresh = new Map((newest.data ?? []).map((line) => [line.id, line]));
  const shown = lines.map((line) => fresh.get(line.id) ?? line);
  if (lines.length === 0 && newer === 0) {
    return isFiltered(search) ? (
      <EmptyState actions={<Button onClick={clear}>{t('action.clear_filters')}</Button>}>
        {t('audit.no_match')}
      </EmptyState>
    ) : (
      <EmptyState>{t('audit.empty')}</EmptyState>
    );
  }
  return (
    <>
      <div role="status" className="empty:hidden">
        {newer === 0 ? null : (
          <Button onClick={() => void list.refetch()}>
            {newer >= 100 ? t('audit.newer_many', { count: newer }) : t('audit.newer', { count: newer })}{' '}
            {t('action.show')}
          </Button>
        )}
      </div>
      <AuditTable co={co} lines={shown} zone={search.tz ?? 'local'} search={search} />
      <div className="flex flex-wrap items-center gap-4">
        {list.hasNextPage ? (
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t('audit.load_more')}
          </Button>
        ) : null}
        <p role="status" className="text-text-2">
          {list.hasNextPage
            ? t('audit.showing', { count: lines.length })
            : t('audit.showing_end', { count: lines.length })}
        </p>
      </div>
      {list.isFetchNextPageError ? <FailurePanel failure={explainError(list.error, t)} /> : null}
    </>
  );
}
