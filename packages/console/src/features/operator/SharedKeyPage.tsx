import type { Key } from '@ownkey/contract/api/keys';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useChangeKey } from '../../api/keys.ts';
import { sharedImpactQuery } from '../../api/shared-keys.ts';
import { OPERATOR, paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { Foreign } from '../../ui/Facts.tsx';
import { FailurePanel, Note, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { CheckField } from '../../ui/Field.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { useNow } from '../../ui/use-now.ts';
import type { ProviderRow } from '../keys/groups.ts';
import { KeyFacts } from '../keys/KeyFacts.tsx';
import { keyMenu } from '../keys/key-menu.ts';
import { LastFour } from '../keys/LastFour.tsx';
import { NextStepButton } from '../keys/NextStepButton.tsx';
import { ProviderTile } from '../keys/ProviderTile.tsx';
import { StatusBadge } from '../keys/StatusBadge.tsx';
import { NEXT_STEP, nameOfKey, STATUS_MARK, shownStatus, statusSentence } from '../keys/status.ts';
import { useKeyActions } from '../keys/use-key-actions.ts';
import { useKeyRow } from '../keys/use-key-row.ts';
import { useMay } from '../keys/use-may.ts';

/** One shared key: status and next step, who uses it, what the operator says of its provider, facts. */
export function SharedKeyPage({ id, children }: { id: string; children?: ReactNode }) {
  const { t } = useTranslation();
  const { key, row, error, retry } = useKeyRow(id);
  const skeleton = useSkeleton(key === undefined);
  const name = key === undefined || row === undefined ? '' : nameOfKey(key, row.provider.name);
  usePageTitle([name, t('shared_keys.title'), t('shell.operator')]);
  if (key === undefined || row === undefined) {
    return (
      <div className="flex flex-col gap-6">
        <PageHeader title={t('shared_keys.title')} room={`key-${id}`} above={<Crumb />} />
        {error === null ? (
          skeleton ? (
            <SkeletonRows rows={4} label={t('word.loading')} />
          ) : null
        ) : (
          <FailurePanel failure={explainError(error, t)} onRetry={retry} />
        )}
      </div>
    );
  }
  return (
    <>
      <Detail shownKey={key} row={row} />
      {children}
    </>
  );
}

function Crumb() {
  const { t } = useTranslation();
  return (
    <nav aria-label={t('shared_keys.title')} className="text-compact text-text-2">
      <Link to={paths.keys(OPERATOR)} className="py-1 underline underline-offset-2">
        {t('shared_keys.title')}
      </Link>
    </nav>
  );
}

function Detail({ shownKey: key, row }: { shownKey: Key; row: ProviderRow }) {
  const { t, i18n } = useTranslation();
  const go = useGo();
  const may = useMay();
  const act = useKeyActions();
  const now = useNow();
  const impact = useQuery(sharedImpactQuery(key.id));
  const { provider } = row;
  const name = nameOfKey(key, provider.name);
  const status = shownStatus(key);
  const mark = STATUS_MARK[status];
  const tone = mark.tone === 'good' || mark.tone === 'quiet' ? 'info' : mark.tone;
  const sentence = statusSentence(key, provider.name, 'stop', { t, locale: i18n.language, now });
  const blocked = may.change(key);
  const step = NEXT_STEP[status];
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        room={`key-${key.id}`}
        above={<Crumb />}
        title={
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <ProviderTile name={provider.name} />
            <bdi>{provider.name}</bdi>
            <LastFour last4={key.last4} />
            <span className="text-body font-normal">
              <StatusBadge status={key} />
            </span>
          </span>
        }
        lead={key.label === '' ? undefined : <Foreign text={key.label} />}
        actions={
          <>
            {step === 'test' || step === 'manage' ? null : (
              <Button unavailable={blocked} busy={act.testingId === key.id} onClick={() => act.test(key, provider)}>
                {t('act.test')}
              </Button>
            )}
            <NextStepButton row={row} shownKey={key} co={OPERATOR} may={may} act={act} kind="primary" inDetail />
            {step === 'replace' ? null : (
              <Button unavailable={blocked} onClick={() => go(paths.replaceKey(OPERATOR, key.id))}>
                {t('act.replace')}
              </Button>
            )}
            <Menu
              label={t('keys.row_menu', { name })}
              items={keyMenu({ row, key, co: OPERATOR, may, act, go, t }).filter(
                (item) => item.label !== t('act.test') && item.label !== t('act.replace'),
              )}
            />
          </>
        }
      />
      {act.problem === null ? null : (
        <FailurePanel
          failure={act.problem.failure}
          lead={`${act.problem.name}:`}
          actions={<Button onClick={act.dismiss}>{t('action.close')}</Button>}
        />
      )}
      {sentence === '' ? null : tone === 'info' ? <p>{sentence}</p> : <Note tone={tone}>{sentence}</Note>}
      {impact.data === undefined ? null : (
        <p className="text-text-2">
          {impact.data.companies === 0
            ? t('shared_keys.used_by_none')
            : t('shared_keys.used_by', { count: impact.data.companies })}
        </p>
      )}
      <Retention shownKey={key} name={name} blocked={blocked} />
      <KeyFacts shownKey={key} row={row} may={may} />
    </div>
  );
}

/** The operator's word on the provider. Saved at once, with Undo. */
function Retention({ shownKey: key, name, blocked }: { shownKey: Key; name: string; blocked: string | null }) {
  const { t } = useTranslation();
  const change = useChangeKey();
  const { say } = useMessages();
  const [wanted, setWanted] = useState<boolean | null>(null);
  // What was saved last counts until the page has read it.
  const newest = change.data !== undefined && change.data.changed_at > key.changed_at ? change.data : key;
  const save = (of: Key, zero_retention: boolean, undoing = false) => {
    setWanted(zero_retention);
    change.mutate(
      { key: of, change: { zero_retention } },
      {
        onSettled: () => setWanted(null),
        onSuccess: (changed) => {
          if (undoing) say(t('act.undone'));
          else
            say(
              zero_retention ? t('shared_keys.retention_on', { name }) : t('shared_keys.retention_off', { name }),
              () => save(changed, !zero_retention, true),
            );
        },
      },
    );
  };
  return (
    <section aria-label={t('shared_keys.retention')} className="flex flex-col gap-3">
      {blocked === null ? (
        <CheckField
          label={t('shared_keys.retention_label')}
          hint={t('shared_keys.retention_hint')}
          checked={wanted ?? newest.zero_retention}
          onChange={(checked) => {
            if (!change.isPending) save(newest, checked);
          }}
        />
      ) : (
        <p>
          {t('shared_keys.retention_label')}: {key.zero_retention ? t('shared_keys.yes') : t('shared_keys.no')}
          <span className="block text-hint text-text-3">{blocked}</span>
        </p>
      )}
      {change.isError ? <FailurePanel failure={explainError(change.error, t)} /> : null}
    </section>
  );
}
