import type { Health } from '@ownkey/contract/api/operator';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { healthQuery } from '../../api/operator.ts';
import { formatClock } from '../../format/time.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { useNow } from '../../ui/use-now.ts';
import { HealthTile } from './HealthTile.tsx';
import { levelsOf, TILES } from './health-level.ts';
import { ProviderFigure } from './ProviderFigure.tsx';

/** Is it us, a provider, or a key? Every figure with a word, its limit and what to do. */
export function HealthPage({ view }: { view: 'chart' | 'table' }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const health = useQuery(healthQuery);
  const skeleton = useSkeleton(health.isPending);
  usePageTitle([t('health.title'), t('shell.operator')]);
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={t('health.title')}
        room="health"
        lead={
          <>
            {t('health.lead')}
            {health.data === undefined ? null : (
              <span className="text-text-3">
                {' '}
                {t('health.as_of', { at: formatClock(health.data.at, i18n.language, 'local', now) })}{' '}
                {t('health.version', { version: health.data.version })}
              </span>
            )}
          </>
        }
      />
      {health.isError ? (
        <FailurePanel
          failure={explainError(health.error, t)}
          lead={t('errors.load')}
          onRetry={() => void health.refetch()}
        />
      ) : null}
      {health.data === undefined ? (
        skeleton && !health.isError ? (
          <SkeletonRows rows={6} label={t('word.loading')} />
        ) : null
      ) : (
        <>
          <Tiles health={health.data} />
          <ProviderFigure providers={health.data.providers} view={view} />
        </>
      )}
    </div>
  );
}

function Tiles({ health }: { health: Health }) {
  const { t } = useTranslation();
  const levels = levelsOf(health);
  return (
    <section aria-labelledby="health-system" className="flex flex-col gap-3">
      <h2 id="health-system" className="text-dialog font-semibold">
        {t('health.system')}
      </h2>
      <ul className="grid grid-cols-1 gap-3 sm:grid-cols-2 lg:grid-cols-4">
        {TILES.map((tile) => (
          <HealthTile key={tile} tile={tile} level={levels[tile]} health={health} />
        ))}
      </ul>
    </section>
  );
}
