import type { Notice } from '@ownkey/contract/api/notices';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { noticesQuery } from '../../api/notices.ts';
import { useUser } from '../../api/session.ts';
import { spendQuery } from '../../api/spend.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { usePageTitle } from '../../routing/page-title.ts';
import { EmptyState, FailurePanel, Note, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { useNow } from '../../ui/use-now.ts';
import { useKeyActions } from '../keys/use-key-actions.ts';
import { SpendAction, useSpendText } from '../spend/SpendNote.tsx';
import { spendNotice } from '../spend/spend-notice.ts';
import { NoticeFixes } from './NoticeFixes.tsx';
import { noticeText, toneOf } from './notice-text.ts';

/** Every notice: what is open with its fixes, dismissed or not, and what ended. */
export function NoticesPage({ co }: { co: string }) {
  const { t } = useTranslation();
  const user = useUser();
  const notices = useQuery(noticesQuery);
  const spend = useQuery(spendQuery);
  const spendText = useSpendText();
  const skeleton = useSkeleton(notices.isPending);
  usePageTitle([t('notice.title'), user.company?.name]);
  const money = spend.data === undefined ? null : spendNotice(spend.data);
  const open = notices.data?.filter((notice) => notice.ended_at === null) ?? [];
  const ended = notices.data?.filter((notice) => notice.ended_at !== null) ?? [];
  return (
    <div className="flex flex-col gap-6">
      <PageHeader title={t('notice.title')} room="notices" lead={t('notice.lead')} />
      {notices.isError && notices.data === undefined ? (
        <FailurePanel
          failure={explainError(notices.error, t)}
          lead={t('errors.load')}
          onRetry={() => void notices.refetch()}
        />
      ) : notices.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={3} label={t('word.loading')} />
        ) : null
      ) : (
        <>
          {money === null && open.length === 0 ? <EmptyState>{t('notice.none')}</EmptyState> : null}
          {money === null || spend.data === undefined ? null : (
            <Note
              tone={money.kind === 'reached' ? 'bad' : 'warn'}
              actions={<SpendAction co={co} admin={user.role === 'admin'} notice={money} />}
            >
              {spendText(money, spend.data)}
            </Note>
          )}
          <List co={co} notices={open} />
          {ended.length === 0 ? null : (
            <section className="flex flex-col gap-3">
              <h2 className="font-semibold">{t('notice.ended')}</h2>
              <List co={co} notices={ended} />
            </section>
          )}
        </>
      )}
    </div>
  );
}

function List({ co, notices }: { co: string; notices: readonly Notice[] }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const act = useKeyActions();
  if (notices.length === 0) return null;
  return (
    <>
      {act.problem === null ? null : <FailurePanel failure={act.problem.failure} lead={`${act.problem.name}:`} />}
      <ul className="flex flex-col gap-3">
        {notices.map((notice) => (
          <li key={notice.id}>
            <Note
              tone={toneOf(notice)}
              actions={
                <>
                  <NoticeFixes notice={notice} co={co} act={act} />
                  {notice.status === null ? null : (
                    <Link
                      to={paths.key(co, notice.key_id)}
                      className="inline-flex min-h-8 items-center px-1 underline underline-offset-2 coarse:min-h-11"
                    >
                      {t('action.details')}
                      <span className="sr-only"> {notice.provider_name}</span>
                    </Link>
                  )}
                </>
              }
            >
              {noticeText(notice, { t, locale: i18n.language, now })}
              {notice.detail?.provider_message === undefined ? null : (
                <bdi className="block text-compact text-text-2">
                  “{notice.detail.provider_message}”
                  {notice.detail.http_status === undefined ? '' : ` (${notice.detail.http_status})`}
                </bdi>
              )}
            </Note>
          </li>
        ))}
      </ul>
    </>
  );
}
