import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { type OwnSession, sessionsQuery, useEndSession } from '../../api/own-sessions.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { Button } from '../../ui/Button.tsx';
import { Foreign, Moment } from '../../ui/Facts.tsx';
import { FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { useNow } from '../../ui/use-now.ts';

/** Where this person is signed in, and how to end that elsewhere. */
export function OwnSessions() {
  const { t } = useTranslation();
  const { say } = useMessages();
  const sessions = useQuery(sessionsQuery);
  const skeleton = useSkeleton(sessions.isPending);
  const end = useEndSession();
  const endNow = (id: string | null): void =>
    end.mutate(id, { onSuccess: () => say(t(id === null ? 'members.sessions_ended' : 'members.session_ended')) });
  return (
    <section aria-labelledby="sessions-title" className="flex flex-col gap-3">
      <h2 id="sessions-title" className="text-dialog font-semibold">
        {t('members.sessions')}
      </h2>
      {sessions.isError && sessions.data === undefined ? (
        <FailurePanel
          failure={explainError(sessions.error, t)}
          lead={t('errors.load')}
          onRetry={() => void sessions.refetch()}
        />
      ) : sessions.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={1} label={t('word.loading')} />
        ) : null
      ) : (
        <>
          <SessionsTable sessions={sessions.data} onEnd={endNow} />
          <div>
            <Button
              busy={end.isPending}
              unavailable={sessions.data.length > 1 ? null : t('members.sessions_alone')}
              onClick={() => endNow(null)}
            >
              {t('members.end_others')}
            </Button>
          </div>
        </>
      )}
      {end.isError ? <FailurePanel failure={explainError(end.error, t)} /> : null}
    </section>
  );
}

function SessionsTable(props: { sessions: readonly OwnSession[]; onEnd: (id: string) => void }) {
  const { t } = useTranslation();
  const now = useNow();
  return (
    <DataTable
      caption={t('members.sessions')}
      rowKey={(session) => session.id}
      groups={[{ id: 'sessions', rows: props.sessions }]}
      columns={[
        {
          id: 'device',
          header: t('members.device'),
          names: true,
          card: 'col-span-2',
          className: 'sm:w-2/5',
          cell: ({ user_agent, current }) => (
            <>
              <Foreign text={user_agent ?? t('word.unknown')} lines={1} />
              {current ? <span className="block text-hint text-text-2">{t('members.this_one')}</span> : null}
            </>
          ),
        },
        {
          id: 'address',
          header: t('members.address'),
          cell: ({ address }) => <Foreign text={address ?? t('word.unknown')} lines={1} />,
        },
        {
          id: 'seen',
          header: t('members.seen'),
          cell: ({ last_seen_at }) => (
            <span className="text-text-2">
              <Moment at={last_seen_at} now={now} />
            </span>
          ),
        },
        {
          id: 'actions',
          header: t('keys.column_actions'),
          hideHeader: true,
          card: 'text-end',
          className: 'sm:text-end',
          cell: ({ id, current, address }) =>
            current ? null : (
              <Button onClick={() => props.onEnd(id)}>
                {t('members.end_session')}
                <span className="sr-only"> {address}</span>
              </Button>
            ),
        },
      ]}
    />
  );
}
