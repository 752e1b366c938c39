import type { KekRotation } from '@ownkey/contract/api/kek';
import { useTranslation } from 'react-i18next';
import { isRunning } from '../../api/master-key.ts';
import { exactCount } from '../../format/count.ts';
import { formatDay, formatMoment } from '../../format/time.ts';
import { Note } from '../../ui/Feedback.tsx';
import { useNow } from '../../ui/use-now.ts';
import { Command } from './Command.tsx';

/** A rotation that did not move for so long needs somebody to look. */
const STALLED_MS = 60_000;

/** How far the newest rotation is, or how it ended. */
export function RotationProgress({ rotation }: { rotation: KekRotation }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const running = isRunning(rotation);
  const count = (value: number) => exactCount(value, i18n.language);
  const { rows_total: total, rows_done: done, damaged } = rotation;
  const stalled = running && now - Date.parse(rotation.changed_at) > STALLED_MS;
  return (
    <section aria-labelledby="rotation-title" className="flex flex-col gap-3">
      <h2 id="rotation-title" className="text-dialog font-semibold">
        {t('master_key.progress')}
      </h2>
      <div className="flex flex-col gap-2 rounded-card border border-border bg-surface px-4 py-4">
        <p role="status" className="flex flex-wrap justify-between gap-x-4">
          <span className="font-medium">{t(`master_key.step_${rotation.step}`)}</span>
          <span className="text-text-2">
            {t('master_key.rewrapped', { done: count(done), total: count(total), failed: count(damaged.length) })}
          </span>
        </p>
        <div
          role="progressbar"
          aria-label={t('master_key.progress')}
          aria-valuemin={0}
          aria-valuemax={Math.max(total, 1)}
          aria-valuenow={running ? done : Math.max(total, 1)}
          aria-valuetext={t('master_key.rewrapped', { done, total, failed: damaged.length })}
          className="h-2 overflow-hidden rounded-bar bg-sunken"
        >
          <div
            className="h-full bg-ink"
            style={{ width: `${running ? (total === 0 ? 0 : Math.round((done / total) * 100)) : 100}%` }}
          />
        </div>
        {rotation.waiting_for.length === 0 ? null : (
          <p className="text-compact [overflow-wrap:anywhere]">
            {t('master_key.waiting_for', { workers: rotation.waiting_for.join(', ') })}
          </p>
        )}
        <p className="text-compact text-text-2">
          {rotation.finished_at === null
            ? t('master_key.safe')
            : t('master_key.finished', { at: formatMoment(rotation.finished_at, now, i18n.language) })}
        </p>
      </div>
      {stalled ? (
        <Note tone="warn">
          {t('master_key.stalled', { at: formatDay(rotation.changed_at, i18n.language) })}
          <Command text="npx ownkey kek rotate" />
        </Note>
      ) : null}
      {damaged.length === 0 ? null : (
        <Note tone="bad">
          <p>{t('master_key.damaged', { count: damaged.length })}</p>
          <ul className="mt-1 font-mono text-compact">
            {damaged.map((row) => (
              <li key={row} className="[overflow-wrap:anywhere]">
                {row}
              </li>
            ))}
          </ul>
        </Note>
      )}
    </section>
  );
}
