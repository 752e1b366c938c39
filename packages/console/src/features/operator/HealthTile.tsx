import type { Health } from '@ownkey/contract/api/operator';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { exactCount, formatLatency } from '../../format/count.ts';
import { formatUtcDay } from '../../format/time.ts';
import { Icon, type IconName } from '../../ui/Icon.tsx';
import type { Level, Tile } from './health-level.ts';

const MARKS: Record<Level, { icon: IconName; ink: string }> = {
  ok: { icon: 'check', ink: 'text-good' },
  slow: { icon: 'clock', ink: 'text-warn' },
  down: { icon: 'cross', ink: 'text-bad' },
  unknown: { icon: 'dash', ink: 'text-text-2' },
};

/** Mark and word of a level; `unknown` is the word where there is nothing to judge. */
export function LevelMark({ level, unknown }: { level: Level; unknown: string }) {
  const { t } = useTranslation();
  const mark = MARKS[level];
  return (
    <span className={`inline-flex items-center gap-1.5 font-medium whitespace-nowrap ${mark.ink}`}>
      <Icon name={mark.icon} />
      {level === 'unknown' ? unknown : t(`health.${level}`)}
    </span>
  );
}

/** One figure of the installation: how it does, its limit, and what to do when it is not well. */
export function HealthTile({ tile, level, health }: { tile: Tile; level: Level; health: Health }) {
  const { t, i18n } = useTranslation();
  const facts = factsOf(tile, health, t, i18n.language);
  return (
    <li className="flex flex-col gap-1 rounded-card border border-border bg-surface px-4 py-3">
      <span className="flex flex-wrap items-center justify-between gap-2">
        <h3 className="text-hint font-semibold text-text-2">{t(`health.${tile}`)}</h3>
        <LevelMark level={level} unknown={t('health.unknown')} />
      </span>
      {facts === null ? (
        <p className="text-compact text-text-2">{t('health.unread')}</p>
      ) : (
        <>
          <p className="text-dialog font-semibold">{facts.value}</p>
          {facts.more === null ? null : <p className="text-compact text-text-2">{facts.more}</p>}
          {level === 'slow' || level === 'down' ? (
            <p className="text-compact">{facts.advice ?? adviceOf(tile, level, t)}</p>
          ) : null}
          <p className="mt-auto pt-1 text-hint text-text-3">
            {tile === 'mails' || tile === 'webhooks' ? t('health.queue_limit') : t(`health.${tile}_limit`)}
          </p>
        </>
      )}
    </li>
  );
}

function adviceOf(tile: Tile, level: 'slow' | 'down', t: TFunction): string {
  return level === 'slow' ? t(`health.${tile}_slow`) : t(`health.${tile}_down`);
}

interface Facts {
  value: string;
  more: string | null;
  advice?: string;
}

/** Null: the part could not be read. */
function factsOf(tile: Tile, health: Health, t: TFunction, locale: string): Facts | null {
  const { workers, jobs, audit, ledger, outbox, prices } = health;
  switch (tile) {
    case 'workers': {
      if (workers === null) return null;
      const open = workers.reduce((sum, worker) => sum + worker.open_requests, 0);
      return {
        value: t('health.workers_value', { alive: workers.filter(({ alive }) => alive).length, count: workers.length }),
        more: t('health.workers_open', { count: open }),
      };
    }
    case 'database':
      return { value: formatLatency(health.database.latency_ms, locale), more: null };
    case 'ledger':
      if (ledger === null) return null;
      return {
        value: t('health.ledger_value', { count: ledger.running }),
        more: ledger.expired === 0 ? null : t('health.ledger_expired', { count: ledger.expired }),
      };
    case 'audit': {
      if (audit === null) return null;
      const { oldest_unsealed_at: oldest } = audit;
      if (oldest === null) return { value: t('health.audit_value_none'), more: null };
      const lag = Math.max(0, Date.parse(health.at) - Date.parse(oldest));
      return { value: t('health.audit_value', { lag: formatLatency(lag, locale) }), more: null };
    }
    case 'jobs':
      return jobs === null ? null : { value: t('health.jobs_value', { count: jobs.queued }), more: null };
    case 'mails':
      if (outbox === null) return null;
      return {
        ...queueFacts(outbox.mails, t),
        ...(outbox.mail === 'none' ? { advice: t('health.mails_none') } : {}),
      };
    case 'webhooks':
      return outbox === null ? null : queueFacts(outbox.webhooks, t);
    case 'prices':
      if (prices === null) return null;
      return {
        value:
          prices.as_of === null
            ? t('health.prices_value_none')
            : t('health.prices_value', { day: formatUtcDay(prices.as_of, locale) }),
        more: t('health.prices_known', { count: prices.known, value: exactCount(prices.known, locale) }),
      };
  }
}

function queueFacts(queue: { queued: number; failed: number }, t: TFunction): Facts {
  return {
    value: t('health.queue_value', { count: queue.queued }),
    more: queue.failed === 0 ? null : t('health.queue_failed', { count: queue.failed }),
  };
}
