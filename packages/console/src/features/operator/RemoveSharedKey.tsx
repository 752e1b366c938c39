import type { Key, PlatformKeyImpact } from '@ownkey/contract/api/keys';
import type { Provider } from '@ownkey/contract/api/providers';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError, isConflict } from '../../api/explain-error.ts';
import { sharedImpactQuery, useRemoveSharedKey } from '../../api/shared-keys.ts';
import { formatDay } from '../../format/time.ts';
import { OPERATOR, paths } from '../../paths.ts';
import { useCloseTo, useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { AlertDialog } from '../../ui/Dialog.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { nameOfKey } from '../keys/status.ts';
import { useKeyRow } from '../keys/use-key-row.ts';
import { useMay } from '../keys/use-may.ts';

/** Says how many companies a shared key pays for, and who fails without it, before it is removed. */
export function RemoveSharedKey({ id }: { id: string }) {
  const { key, row } = useKeyRow(id);
  if (key === undefined || row === undefined) return null;
  return <Question shownKey={key} provider={row.provider} />;
}

function Question({ shownKey: key, provider }: { shownKey: Key; provider: Provider }) {
  const { t, i18n } = useTranslation();
  const close = useCloseTo(paths.key(OPERATOR, key.id));
  const go = useGo();
  const may = useMay();
  const { say } = useMessages();
  const impact = useQuery(sharedImpactQuery(key.id));
  const remove = useRemoveSharedKey();
  const name = nameOfKey(key, provider.name);
  return (
    <AlertDialog
      title={<bdi>{t('remove.title', { name })}</bdi>}
      keep={t('remove.keep')}
      onKeep={close}
      confirm={
        <Button
          kind="danger"
          busy={remove.isPending}
          unavailable={may.change(key)}
          onClick={() =>
            remove.mutate(key, {
              onSuccess: () => {
                say(t('shared_keys.removed', { name }));
                go(paths.keys(OPERATOR), { replace: true });
              },
            })
          }
        >
          {t('remove.confirm')}
        </Button>
      }
    >
      {impact.data === undefined ? (
        <p>{impact.isError ? t('remove.impact_failed') : t('remove.stops_none')}</p>
      ) : (
        <Impact impact={impact.data} provider={provider.name} />
      )}
      <p>
        {impact.data?.backups_unreadable_by
          ? t('remove.deleted_until', { day: formatDay(impact.data.backups_unreadable_by, i18n.language) })
          : t('remove.deleted')}
      </p>
      <p>{t('remove.revoke', { provider: provider.name })}</p>
      {remove.isError ? (
        <FailurePanel
          failure={explainError(remove.error, t)}
          {...(isConflict(remove.error) ? { lead: t('errors.conflict_lead') } : {})}
        />
      ) : null}
    </AlertDialog>
  );
}

function Impact({ impact, provider }: { impact: PlatformKeyImpact; provider: string }) {
  const { t } = useTranslation();
  const { running_requests: running, companies, without_own_key: without, next_key: next } = impact;
  return (
    <>
      <p>{running === 0 ? t('remove.stops_none') : t('remove.stops', { count: running })}</p>
      <p>
        {companies === 0 ? t('shared_keys.remove_uses_none') : t('shared_keys.remove_uses', { count: companies })}{' '}
        {next !== null ? (
          t('shared_keys.remove_next', {
            provider,
            name: next.last4 === null ? `“${next.label}”` : `••••${next.last4}`,
          })
        ) : companies === 0 ? null : without === 0 ? (
          t('shared_keys.remove_fails_none', { provider })
        ) : (
          <>
            {t('shared_keys.remove_fails', { count: without })}{' '}
            <code className="font-mono text-compact">key.missing</code>.
          </>
        )}
      </p>
    </>
  );
}
