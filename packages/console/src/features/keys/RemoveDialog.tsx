import type { Key, KeyImpact } from '@ownkey/contract/api/keys';
import type { Provider } from '@ownkey/contract/api/providers';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { keyImpactQuery, useRemoveKey } from '../../api/keys.ts';
import { formatClock, formatDay } from '../../format/time.ts';
import { paths } from '../../paths.ts';
import { useCloseTo, useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { AlertDialog } from '../../ui/Dialog.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { useKeyRow } from './use-key-row.ts';
import { useMay } from './use-may.ts';

/** Says which key, what ends, who pays then, before it is removed. */
export function RemoveDialog({ co, id }: { co: string; id: string }) {
  const { t } = useTranslation();
  const close = useCloseTo(paths.key(co, id));
  const { key, row } = useKeyRow(id);
  if (key === undefined || row === undefined) return null;
  return (
    <Question co={co} shownKey={key} provider={row.provider} onKeep={close} title={titleOf(key, row.provider, t)} />
  );
}

function titleOf(key: Key, provider: Provider, t: TFunction): string {
  const name = [
    t('remove.key_of', { provider: provider.name }),
    key.label === '' ? null : `“${key.label.slice(0, 80)}”`,
    key.last4 === null ? null : `••••${key.last4}`,
  ].filter((part) => part !== null);
  return t('remove.title', { name: name.join(' ') });
}

function Question(props: { co: string; shownKey: Key; provider: Provider; onKeep: () => void; title: string }) {
  const { t, i18n } = useTranslation();
  const { shownKey: key, provider, co } = props;
  const go = useGo();
  const may = useMay();
  const { say } = useMessages();
  const impact = useQuery(keyImpactQuery(key.id));
  const remove = useRemoveKey();
  const confirm = () =>
    remove.mutate(key, {
      onSuccess: ({ removed_at, next_payer }) => {
        const at = formatClock(removed_at, i18n.language, 'local', Date.now());
        const words = { at, provider: provider.name };
        say(
          next_payer.source === 'own'
            ? t('remove.done_own', words)
            : next_payer.source === 'platform'
              ? t('remove.done_shared', words)
              : t('remove.done_none', words),
        );
        go(paths.keys(co, key.scope === 'user' ? { scope: 'personal' } : {}), { replace: true });
      },
    });
  return (
    <AlertDialog
      title={<bdi>{props.title}</bdi>}
      keep={t('remove.keep')}
      onKeep={props.onKeep}
      confirm={
        <Button kind="danger" busy={remove.isPending} unavailable={may.change(key)} onClick={confirm}>
          {t('remove.confirm')}
        </Button>
      }
    >
      {impact.data === undefined ? (
        <p>{impact.isError ? t('remove.impact_failed') : t('remove.stops_none')}</p>
      ) : (
        <Impact impact={impact.data} provider={provider} />
      )}
      <p>
        {impact.data?.backups_unreadable_by
          ? t('remove.deleted_until', { day: formatDay(impact.data.backups_unreadable_by, i18n.language) })
          : t('remove.deleted')}
      </p>
      <p>
        {t('remove.revoke', { provider: provider.name })}{' '}
        {provider.key_page === null ? null : (
          <a
            href={provider.key_page}
            target="_blank"
            rel="noreferrer"
            className="inline-flex items-center gap-1 text-text underline"
          >
            {t('connect.open_key_page', { provider: provider.name })}
            <Icon name="external" />
          </a>
        )}
      </p>
      {remove.isError ? <FailurePanel failure={explainError(remove.error, t)} /> : null}
    </AlertDialog>
  );
}

function Impact({ impact, provider }: { impact: KeyImpact; provider: Provider }) {
  const { t } = useTranslation();
  const running = impact.running_requests;
  const { source, key } = impact.next_payer;
  const users = [...impact.operations, ...impact.chatbots];
  return (
    <>
      <p>{running === 0 ? t('remove.stops_none') : t('remove.stops', { count: running })}</p>
      <p>
        {source === 'own' ? (
          t('remove.next_own', {
            provider: provider.name,
            name: [key?.label ? `“${key.label}”` : '', key?.last4 ? `••••${key.last4}` : ''].join(' ').trim(),
          })
        ) : source === 'platform' ? (
          t('remove.next_shared', { provider: provider.name })
        ) : (
          <>
            {t('remove.next_none', { provider: provider.name })}{' '}
            <code className="font-mono text-compact">key.missing</code>.
          </>
        )}
      </p>
      {users.length === 0 ? null : <p>{t('remove.used_by', { names: users.join(', ') })}</p>}
    </>
  );
}
