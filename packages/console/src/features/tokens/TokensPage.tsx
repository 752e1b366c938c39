import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useUser } from '../../api/session.ts';
import { tokenListQuery } from '../../api/tokens.ts';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { EmptyState, FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { useOnline } from '../../ui/use-online.ts';
import { TokensTable } from './TokensTable.tsx';

/** Tokens of the company, or a member's own. `children` is the dialog whose address is open. */
export function TokensPage({ co, children }: { co: string; children?: ReactNode }) {
  const { t } = useTranslation();
  const go = useGo();
  const user = useUser();
  const online = useOnline();
  const admin = user.role === 'admin';
  const list = useInfiniteQuery(tokenListQuery);
  const skeleton = useSkeleton(list.isPending);
  usePageTitle([t('tokens.title'), user.company?.name]);
  const blocked = online ? null : t('permission.offline');
  const tokens = list.data?.pages.flatMap((page) => page.data) ?? [];
  const create = (className = '') => (
    <Button kind="primary" unavailable={blocked} className={className} onClick={() => go(paths.newToken(co))}>
      {t('tokens.create')}
    </Button>
  );
  const empty = list.data !== undefined && tokens.length === 0;
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={t('tokens.title')}
        room="tokens"
        lead={admin ? t('tokens.lead') : t('tokens.lead_own')}
        actions={empty ? undefined : create('max-sm:w-full')}
      />
      {list.isError && list.data === undefined ? (
        <FailurePanel
          failure={explainError(list.error, t)}
          lead={t('errors.load')}
          onRetry={() => void list.refetch()}
        />
      ) : list.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={4} label={t('word.loading')} />
        ) : null
      ) : empty ? (
        <EmptyState actions={create()}>
          {admin ? t('tokens.empty', { company: user.company?.name ?? '' }) : t('tokens.empty_own')}
        </EmptyState>
      ) : (
        <TokensTable tokens={tokens} blocked={blocked} />
      )}
      {list.hasNextPage ? (
        <div>
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t('tokens.load_more')}
          </Button>
        </div>
      ) : null}
      {list.isFetchNextPageError ? <FailurePanel failure={explainError(list.error, t)} /> : null}
      {children}
    </div>
  );
}
