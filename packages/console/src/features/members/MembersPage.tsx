import type { Member } from '@ownkey/contract/api/settings';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { membersQuery } from '../../api/people.ts';
import { useUser } from '../../api/session.ts';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { Button } from '../../ui/Button.tsx';
import { Foreign, Moment } from '../../ui/Facts.tsx';
import { FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { useNow } from '../../ui/use-now.ts';
import { useOnline } from '../../ui/use-online.ts';
import { useMay } from '../keys/use-may.ts';
import { Invitations } from './Invitations.tsx';
import { InviteDialog } from './InviteDialog.tsx';
import { OwnSessions } from './OwnSessions.tsx';

/** People of the company, and who was asked to join. */
export function MembersPage({ co, inviting }: { co: string; inviting: boolean }) {
  const { t } = useTranslation();
  const go = useGo();
  const may = useMay();
  const online = useOnline();
  const user = useUser();
  const members = useQuery(membersQuery);
  const skeleton = useSkeleton(members.isPending);
  usePageTitle([t('members.title'), user.company?.name]);
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={t('members.title')}
        room="members"
        lead={t('members.lead')}
        actions={
          <Button
            kind="primary"
            unavailable={
              !online ? t('permission.offline') : may.admin ? null : t('members.invite_admins', { ask: may.ask })
            }
            onClick={() => go(paths.members(co, { invite: 'yes' }))}
            className="max-sm:w-full"
          >
            {t('members.invite')}
          </Button>
        }
      />
      {members.isError && members.data === undefined ? (
        <FailurePanel
          failure={explainError(members.error, t)}
          lead={t('errors.load')}
          onRetry={() => void members.refetch()}
        />
      ) : members.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={3} label={t('word.loading')} />
        ) : null
      ) : (
        <People members={members.data} />
      )}
      {may.admin ? <Invitations /> : null}
      <OwnSessions />
      {inviting && may.admin ? <InviteDialog onClose={() => go(paths.members(co), { replace: true })} /> : null}
    </div>
  );
}

function People({ members }: { members: readonly Member[] }) {
  const { t } = useTranslation();
  const now = useNow();
  return (
    <DataTable
      caption={t('members.people')}
      rowKey={(member) => member.id}
      groups={[{ id: 'people', rows: members }]}
      columns={[
        {
          id: 'name',
          header: t('members.name'),
          names: true,
          card: 'col-span-2',
          className: 'sm:w-2/5',
          cell: (member) => (
            <>
              <span className="flex flex-wrap gap-x-2 font-medium">
                <Foreign text={member.name ?? member.email ?? member.external_id ?? member.id} lines={1} />
                {member.you ? <span className="font-normal text-text-2">({t('members.you')})</span> : null}
              </span>
              {member.email === null || member.name === null ? null : (
                <span className="block text-hint text-text-2">
                  <Foreign text={member.email} lines={1} />
                </span>
              )}
            </>
          ),
        },
        { id: 'role', header: t('members.role'), cell: (member) => t(`members.${member.role}`) },
        {
          id: 'login',
          header: t('members.sign_in'),
          card: 'text-end sm:text-start',
          cell: (member) => (
            <span className="text-text-2">{member.has_login ? t('members.has_login') : t('members.no_login')}</span>
          ),
        },
        {
          id: 'since',
          header: t('members.since'),
          className: 'sm:whitespace-nowrap',
          cell: (member) => <Moment at={member.created_at} now={now} />,
        },
      ]}
    />
  );
}
