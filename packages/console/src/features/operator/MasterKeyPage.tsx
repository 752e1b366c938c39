import type { KekView } from '@ownkey/contract/api/kek';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { isRunning, masterKeyQuery } from '../../api/master-key.ts';
import { formatDay } from '../../format/time.ts';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { Moment } from '../../ui/Facts.tsx';
import { EmptyState, FailurePanel, Note, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { useNow } from '../../ui/use-now.ts';
import { useOnline } from '../../ui/use-online.ts';
import { Command } from './Command.tsx';
import { MasterKeysTable } from './MasterKeysTable.tsx';
import { RotateMasterKey } from './RotateMasterKey.tsx';
import { RotationProgress } from './RotationProgress.tsx';
import { Unopenable } from './Unopenable.tsx';

/** The master key: its id and age, the next dates, a rotation and what cannot be opened. Never the key. */
export function MasterKeyPage({ rotating }: { rotating: boolean }) {
  const { t } = useTranslation();
  const go = useGo();
  const online = useOnline();
  const view = useQuery(masterKeyQuery);
  const skeleton = useSkeleton(view.isPending);
  usePageTitle([t('master_key.title'), t('shell.operator')]);
  const current = view.data?.current ?? null;
  const blocked = !online
    ? t('permission.offline')
    : view.data === undefined || current === null
      ? t('master_key.rotate_none')
      : isRunning(view.data.rotation)
        ? t('master_key.rotate_running')
        : null;
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={t('master_key.title')}
        room="master-key"
        lead={t('master_key.lead')}
        actions={
          <Button
            kind="primary"
            unavailable={blocked}
            onClick={() => go(paths.operatorMasterKey({ rotate: 'yes' }))}
            className="max-sm:w-full"
          >
            {t('master_key.rotate')}
          </Button>
        }
      />
      {view.isError ? (
        <FailurePanel
          failure={explainError(view.error, t)}
          lead={t('errors.load')}
          onRetry={() => void view.refetch()}
        />
      ) : null}
      {view.data === undefined ? (
        skeleton && !view.isError ? (
          <SkeletonRows rows={4} label={t('word.loading')} />
        ) : null
      ) : current === null ? (
        <EmptyState>{t('master_key.none')}</EmptyState>
      ) : (
        <>
          <Dates view={view.data} />
          <Current view={view.data} current={current} />
          {view.data.rotation === null ? null : <RotationProgress rotation={view.data.rotation} />}
          <Unopenable unopenable={view.data.unopenable} />
          <MasterKeysTable keks={view.data.keks} />
          {rotating ? <RotateMasterKey view={view.data} current={current} blocked={blocked} /> : null}
        </>
      )}
    </div>
  );
}

type CurrentKek = NonNullable<KekView['current']>;

function Dates({ view: { epoch } }: { view: KekView }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const day = (at: string) => formatDay(at, i18n.language);
  const isPast = (at: string | null): at is string => at !== null && Date.parse(at) < now;
  return (
    <>
      {isPast(epoch.ends_at) ? (
        <Note tone="warn">{t('master_key.overdue_rotate', { day: day(epoch.ends_at) })}</Note>
      ) : null}
      {epoch.destroy_by === null ? null : (
        <Note tone={isPast(epoch.destroy_by) ? 'warn' : 'info'}>
          {isPast(epoch.destroy_by)
            ? t('master_key.overdue_destroy', { day: day(epoch.destroy_by) })
            : t('master_key.destroy_by', { day: day(epoch.destroy_by) })}
          <Command text="npx ownkey kek destroy --yes" />
        </Note>
      )}
    </>
  );
}

const DAY_MS = 86_400_000;

function Current({ view, current }: { view: KekView; current: CurrentKek }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const { epoch, workers } = view;
  const days = Math.max(0, Math.floor((now - Date.parse(current.since)) / DAY_MS));
  const holding = workers.filter(({ holds }) => holds.includes(current.id)).length;
  return (
    <section aria-label={t('master_key.title')} className="rounded-card border border-border bg-surface px-4 py-4">
      <dl className="grid grid-cols-[repeat(auto-fill,minmax(200px,1fr))] gap-x-6 gap-y-4">
        <Fact name={t('master_key.id')}>
          <code className="font-mono text-compact [overflow-wrap:anywhere]">{current.id}</code>
        </Fact>
        <Fact name={t('master_key.in_use')}>
          <Moment at={current.since} now={now} /> ({t('master_key.age', { count: days })})
        </Fact>
        <Fact name={t('master_key.source')}>
          {current.source === 'file' ? t('master_key.source_file') : t('master_key.source_transit')}
        </Fact>
        <Fact name={t('master_key.holders')}>{t('master_key.holders_of', { holding, count: workers.length })}</Fact>
        <Fact name={t('master_key.epoch')}>
          {epoch.ends_at === null ? t('master_key.epoch_none') : formatDay(epoch.ends_at, i18n.language)}
        </Fact>
        <Fact name={t('master_key.unreadable')}>
          {epoch.removed_unreadable_by === null
            ? t('master_key.unreadable_none')
            : formatDay(epoch.removed_unreadable_by, i18n.language)}
        </Fact>
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-hint text-text-2">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
