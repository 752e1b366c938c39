import type { Invitation } from '@ownkey/contract/api/invitations';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { invitationsQuery, useWithdrawInvitation } from '../../api/people.ts';
import { formatDay } from '../../format/time.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { Button } from '../../ui/Button.tsx';
import { AlertDialog } from '../../ui/Dialog.tsx';
import { Foreign, Moment } from '../../ui/Facts.tsx';
import { FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { useNow } from '../../ui/use-now.ts';

/** Who was asked to join and has not yet. */
export function Invitations() {
  const { t } = useTranslation();
  const { say } = useMessages();
  const invitations = useQuery(invitationsQuery);
  const skeleton = useSkeleton(invitations.isPending);
  const withdraw = useWithdrawInvitation();
  const [asking, setAsking] = useState<Invitation | null>(null);
  return (
    <section aria-labelledby="invitations-title" className="flex flex-col gap-3">
      <h2 id="invitations-title" className="text-dialog font-semibold">
        {t('members.invitations')}
      </h2>
      {invitations.isError && invitations.data === undefined ? (
        <FailurePanel
          failure={explainError(invitations.error, t)}
          lead={t('errors.load')}
          onRetry={() => void invitations.refetch()}
        />
      ) : invitations.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={1} label={t('word.loading')} />
        ) : null
      ) : invitations.data.length === 0 ? (
        <p className="text-text-2">{t('members.no_invitations')}</p>
      ) : (
        <InvitationsTable invitations={invitations.data} onWithdraw={setAsking} />
      )}
      {asking === null ? null : (
        <AlertDialog
          title={<bdi>{t('members.withdraw_title', { email: asking.email })}</bdi>}
          keep={t('members.keep')}
          onKeep={() => setAsking(null)}
          confirm={
            <Button
              kind="danger"
              busy={withdraw.isPending}
              onClick={() =>
                withdraw.mutate(asking, {
                  onSuccess: () => {
                    say(t('members.withdrawn', { email: asking.email }));
                    setAsking(null);
                  },
                })
              }
            >
              {t('members.withdraw')}
            </Button>
          }
        >
          <p>{t('members.withdraw_text')}</p>
          {withdraw.isError ? <FailurePanel failure={explainError(withdraw.error, t)} /> : null}
        </AlertDialog>
      )}
    </section>
  );
}

function InvitationsTable(props: { invitations: readonly Invitation[]; onWithdraw: (invitation: Invitation) => void }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  return (
    <DataTable
      caption={t('members.invitations')}
      rowKey={(invitation) => invitation.id}
      groups={[{ id: 'invitations', rows: props.invitations }]}
      columns={[
        {
          id: 'email',
          header: t('members.email'),
          names: true,
          card: 'col-span-2',
          className: 'sm:w-2/5',
          cell: ({ email, name }) => (
            <>
              <span className="font-medium">
                <Foreign text={email} lines={1} />
              </span>
              {name === null ? null : (
                <span className="block text-hint text-text-2">
                  <Foreign text={name} lines={1} />
                </span>
              )}
            </>
          ),
        },
        { id: 'role', header: t('members.role'), cell: ({ role }) => t(`members.${role}`) },
        {
          id: 'invited',
          header: t('members.invited'),
          card: 'text-end sm:text-start',
          cell: ({ created_at, created_by }) => (
            <span className="text-text-2">
              <Moment at={created_at} now={now} />{' '}
              {created_by === null ? null : <bdi>{t('members.by', { who: created_by })}</bdi>}
            </span>
          ),
        },
        {
          id: 'expires',
          header: t('members.expires'),
          className: 'sm:whitespace-nowrap',
          cell: ({ expires_at }) => (
            <>
              <span className="text-text-2 sm:hidden">{t('members.expires')} </span>
              <time dateTime={expires_at}>{formatDay(expires_at, i18n.language)}</time>
            </>
          ),
        },
        {
          id: 'actions',
          header: t('keys.column_actions'),
          hideHeader: true,
          card: 'text-end',
          className: 'sm:text-end',
          cell: (invitation) => (
            <Button onClick={() => props.onWithdraw(invitation)}>
              {t('members.withdraw')}
              <span className="sr-only"> {invitation.email}</span>
            </Button>
          ),
        },
      ]}
    />
  );
}
