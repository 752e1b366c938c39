import type { Token } from '@ownkey/contract/api/tokens';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useActorNames } from '../../api/people.ts';
import { formatDay } from '../../format/time.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { Button } from '../../ui/Button.tsx';
import { Foreign, Moment } from '../../ui/Facts.tsx';
import { useNow } from '../../ui/use-now.ts';
import { RevokeQuestion } from './RevokeQuestion.tsx';
import { scopeText } from './scope-text.ts';

const IDLE_MS = 30 * 86_400_000;

/** Tokens with what they may do, when they end and whether they are used. */
export function TokensTable({ tokens, blocked }: { tokens: readonly Token[]; blocked: string | null }) {
  const { t } = useTranslation();
  const nameOf = useActorNames();
  const [revoking, setRevoking] = useState<Token | null>(null);
  return (
    <>
      <DataTable
        caption={t('tokens.table')}
        rowKey={(token) => token.id}
        groups={[{ id: 'tokens', rows: tokens }]}
        columns={[
          {
            id: 'name',
            header: t('tokens.name'),
            names: true,
            card: 'col-span-2',
            className: 'sm:w-1/4',
            cell: (token) => (
              <>
                <span className="font-medium">
                  <Foreign text={token.name} />
                </span>
                <code className="block font-mono text-hint text-text-2">
                  {token.prefix}…{token.last4}
                </code>
              </>
            ),
          },
          {
            id: 'may',
            header: t('tokens.may'),
            card: 'col-span-2',
            className: 'sm:w-1/4',
            cell: (token) => (
              <span className="text-compact">
                {token.scopes.map((scope) => scopeText(scope, t)).join(', ')}
                <Limits token={token} />
              </span>
            ),
          },
          {
            id: 'as',
            header: t('tokens.acts_as'),
            cell: ({ user, created_by }) => (
              <>
                <Foreign text={user === null ? t('tokens.company') : nameOf(user)} lines={1} />
                {created_by === null ? null : (
                  <span className="block text-hint text-text-2">
                    <Foreign text={t('tokens.by', { who: created_by })} />
                  </span>
                )}
              </>
            ),
          },
          {
            id: 'expires',
            header: t('tokens.expires'),
            card: 'text-end sm:text-start',
            cell: (token) => <Expires token={token} />,
          },
          {
            id: 'used',
            header: t('tokens.last_used'),
            className: 'sm:whitespace-nowrap',
            cell: (token) => <LastUsed token={token} />,
          },
          {
            id: 'actions',
            header: t('keys.column_actions'),
            hideHeader: true,
            card: 'text-end',
            className: 'sm:text-end',
            cell: (token) => (
              <Button unavailable={blocked} onClick={() => setRevoking(token)}>
                {t('tokens.revoke')}
                <span className="sr-only"> {token.name}</span>
              </Button>
            ),
          },
        ]}
      />
      {revoking === null ? null : <RevokeQuestion token={revoking} onClose={() => setRevoking(null)} />}
    </>
  );
}

function Limits({ token }: { token: Token }) {
  const { t } = useTranslation();
  const { requests_per_minute: minute, concurrent_requests: concurrent } = token;
  const limits = [
    ...(minute === null ? [] : [t('tokens.limits_minute', { count: minute })]),
    ...(concurrent === null ? [] : [t('tokens.limits_concurrent', { count: concurrent })]),
  ];
  return limits.length === 0 ? null : <span className="block text-hint text-text-2">{limits.join(', ')}</span>;
}

function Expires({ token }: { token: Token }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  if (token.expires_at === null) return <Labelled label={t('tokens.expires')}>{t('tokens.never')}</Labelled>;
  const at = formatDay(token.expires_at, i18n.language);
  if (Date.parse(token.expires_at) <= now) {
    return <span className="font-medium text-bad">{t('tokens.expired', { at })}</span>;
  }
  return (
    <Labelled label={t('tokens.expires')}>
      <time dateTime={token.expires_at}>{at}</time>
    </Labelled>
  );
}

function LastUsed({ token }: { token: Token }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const since = token.last_used_at ?? token.created_at;
  const idle = now - Date.parse(since) > IDLE_MS;
  return (
    <Labelled label={t('tokens.last_used')}>
      {token.last_used_at === null ? t('tokens.never') : <Moment at={token.last_used_at} now={now} />}
      {idle ? (
        <span className="block text-hint whitespace-normal text-warn">
          {t('tokens.not_used', { day: formatDay(since, i18n.language) })}
        </span>
      ) : null}
    </Labelled>
  );
}

/** The header is out of sight below 640 px, so the cell says what it is. */
function Labelled({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <>
      <span className="block text-hint text-text-2 sm:hidden">{label}</span>
      {children}
    </>
  );
}
