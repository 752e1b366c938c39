import type { Key } from '@ownkey/contract/api/keys';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useUser } from '../../api/session.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { Foreign } from '../../ui/Facts.tsx';
import { FailurePanel, Note, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { useNow } from '../../ui/use-now.ts';
import type { ProviderRow } from './groups.ts';
import { KeyFacts } from './KeyFacts.tsx';
import { KeyHistory } from './KeyHistory.tsx';
import { KeyUsageFigure } from './KeyUsageFigure.tsx';
import { keyMenu } from './key-menu.ts';
import { LastFour } from './LastFour.tsx';
import { NextStepButton } from './NextStepButton.tsx';
import { PayerChoice } from './PayerChoice.tsx';
import { ProviderTile } from './ProviderTile.tsx';
import { StatusBadge } from './StatusBadge.tsx';
import { NEXT_STEP, nameOfKey, STATUS_MARK, shownStatus, statusSentence } from './status.ts';
import { useKeyActions } from './use-key-actions.ts';
import { useKeyRow } from './use-key-row.ts';
import { useMay } from './use-may.ts';

/** One key: its status with reason and next step, whose account pays, its facts and history. */
export function KeyPage({ co, id, children }: { co: string; id: string; children?: ReactNode }) {
  const { t } = useTranslation();
  const user = useUser();
  const { key, row, error, retry } = useKeyRow(id);
  const skeleton = useSkeleton(key === undefined);
  const name = key === undefined || row === undefined ? '' : nameOfKey(key, row.provider.name);
  usePageTitle([name, t('keys.title'), user.company?.name]);
  if (key === undefined || row === undefined) {
    return (
      <div className="flex flex-col gap-6">
        <PageHeader title={t('keys.title')} room={`key-${id}`} above={<Crumbs co={co} name="" />} />
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
      <Detail co={co} shownKey={key} row={row} />
      {children}
    </>
  );
}

function Crumbs({ co, name }: { co: string; name: string }) {
  const { t } = useTranslation();
  return (
    <nav aria-label={t('shell.keys')} className="flex items-center gap-1 text-compact text-text-2">
      <Icon name="back" className="sm:hidden" />
      <Link to={paths.keys(co)} className="py-1 underline underline-offset-2">
        {t('keys.title')}
      </Link>
      {name === '' ? null : (
        <>
          <span aria-hidden="true" className="max-sm:hidden">
            /
          </span>
          <span className="max-sm:hidden">{name}</span>
        </>
      )}
    </nav>
  );
}

function Detail({ co, shownKey: key, row }: { co: string; shownKey: Key; row: ProviderRow }) {
  const { t, i18n } = useTranslation();
  const go = useGo();
  const may = useMay();
  const act = useKeyActions();
  const now = useNow();
  const { provider } = row;
  const name = nameOfKey(key, provider.name);
  const status = shownStatus(key);
  const mark = STATUS_MARK[status];
  const tone = mark.tone === 'good' || mark.tone === 'quiet' ? 'info' : mark.tone;
  const sentence = statusSentence(key, provider.name, provider.source.fallback.follows, {
    t,
    locale: i18n.language,
    now,
  });
  const blocked = may.change(key);
  const replaceIsNext = NEXT_STEP[status] === 'replace';
  const testIsNext = NEXT_STEP[status] === 'test' || NEXT_STEP[status] === 'manage';
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        room={`key-${key.id}`}
        above={<Crumbs co={co} name={name} />}
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
            {testIsNext ? null : (
              <Button unavailable={blocked} busy={act.testingId === key.id} onClick={() => act.test(key, provider)}>
                {t('act.test')}
              </Button>
            )}
            <NextStepButton row={row} shownKey={key} co={co} may={may} act={act} kind="primary" inDetail />
            {replaceIsNext ? null : (
              <Button unavailable={blocked} onClick={() => go(paths.replaceKey(co, key.id))}>
                {t('act.replace')}
              </Button>
            )}
            <Menu
              label={t('keys.row_menu', { name })}
              items={keyMenu({ row, key, co, may, act, go, t }).filter(
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
      {sentence === '' ? null : tone === 'info' ? (
        <p>{sentence}</p>
      ) : (
        <Note tone={tone}>
          {sentence}
          {status === 'undecryptable' ? <code className="ms-2 font-mono text-hint">key.undecryptable</code> : null}
        </Note>
      )}
      <PayerChoice provider={provider} may={may} act={act} />
      <KeyFacts shownKey={key} row={row} may={may} />
      <KeyUsageFigure id={key.id} />
      <KeyHistory co={co} id={key.id} />
    </div>
  );
}
