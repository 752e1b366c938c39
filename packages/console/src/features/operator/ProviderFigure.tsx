import type { Health } from '@ownkey/contract/api/operator';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { exactCount, formatLatency, formatShare } from '../../format/count.ts';
import { paths } from '../../paths.ts';
import { useGo } from '../../routing/use-go.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { Count } from '../../ui/Facts.tsx';
import { PayerDot } from '../../ui/PayerMark.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { LevelMark } from './HealthTile.tsx';
import { answeredOf, type ProviderHealth, providerLevel } from './health-level.ts';

type Providers = Health['providers'];

/** Requests of the last minutes by provider, as bars or as the same rows in a table. */
export function ProviderFigure({ providers, view }: { providers: Providers; view: 'chart' | 'table' }) {
  const { t } = useTranslation();
  const go = useGo();
  const minutes = Math.round((providers?.seconds ?? 300) / 60);
  const rows = providers?.data ?? [];
  return (
    <section aria-labelledby="health-providers" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div>
          <h2 id="health-providers" className="text-dialog font-semibold">
            {t('health.providers')}
          </h2>
          <p className="max-w-[70ch] text-compact text-text-2">
            {t('health.providers_lead', { minutes })} {providers?.sampled === true ? t('health.sampled') : null}
          </p>
        </div>
        {rows.length === 0 ? null : (
          <Segmented
            label={t('health.view')}
            value={view}
            onChange={(next) =>
              go(paths.operatorHealth({ view: next === 'table' ? 'table' : undefined }), { replace: true })
            }
            segments={[
              { value: 'chart', label: t('key.chart') },
              { value: 'table', label: t('key.table') },
            ]}
          />
        )}
      </div>
      {providers === null ? (
        <p className="text-text-2">{t('health.unread')}</p>
      ) : rows.length === 0 ? (
        <p className="text-text-2">{t('health.empty', { minutes })}</p>
      ) : view === 'chart' ? (
        <Chart rows={rows} minutes={minutes} />
      ) : (
        <ProvidersTable rows={rows} />
      )}
    </section>
  );
}

function Chart({ rows, minutes }: { rows: readonly ProviderHealth[]; minutes: number }) {
  const { t, i18n } = useTranslation();
  const all = rows.map(answeredOf);
  const requests = all.reduce((sum, row) => sum + row.requests, 0);
  const answered = all.reduce((sum, row) => sum + row.answered, 0);
  const most = Math.max(1, ...all.map((row) => row.requests));
  return (
    <figure className="flex flex-col gap-3 rounded-card border border-border bg-surface p-4">
      <figcaption className="text-compact text-text-2">
        {t('health.caption', { count: requests, minutes, share: formatShare(answered, requests) })}
      </figcaption>
      <Legend />
      <ul className="flex flex-col gap-4">
        {rows.map((row) => {
          const own = answeredOf(row);
          return (
            <li key={row.provider} className="flex flex-col gap-1">
              <span className="flex flex-wrap items-center justify-between gap-x-4">
                <span className="flex flex-wrap items-center gap-x-3">
                  <span className="font-medium">{row.name}</span>
                  <LevelMark level={providerLevel(row)} unknown={t('health.few')} />
                </span>
                <span className="text-compact text-text-2">
                  {own.requests === 0
                    ? null
                    : `${formatShare(own.answered, own.requests)} · ${t('health.requests_of', { count: own.requests, value: exactCount(own.requests, i18n.language) })}`}
                  {row.p50_ms === null ? null : ` · ${t('health.latency')} ${latencyText(row, i18n.language)}`}
                </span>
              </span>
              <Bars row={row} most={most} />
              <Advice row={row} />
            </li>
          );
        })}
      </ul>
    </figure>
  );
}

function Legend() {
  const { t } = useTranslation();
  return (
    <p className="flex flex-wrap gap-x-4 text-compact text-text-2">
      <span className="inline-flex items-center gap-2">
        <PayerDot payer="own" />
        {t('health.own_keys')}
      </span>
      <span className="inline-flex items-center gap-2">
        <PayerDot payer="shared" />
        {t('health.shared_key')}
      </span>
      <span className="inline-flex items-center gap-2">
        <span aria-hidden="true" className="size-2.5 bg-bad" />
        {t('health.failed')}
      </span>
    </p>
  );
}

/** Requests on own keys and on the shared one; what failed of each at its end. */
function Bars({ row, most }: { row: ProviderHealth; most: number }) {
  const parts = [
    { id: 'own', className: 'fill-own', value: row.own.requests - row.own.errors },
    { id: 'shared', className: 'fill-shared', value: row.shared.requests - row.shared.errors },
    { id: 'errors', className: 'fill-bad', value: row.own.errors + row.shared.errors },
  ];
  let at = 0;
  return (
    <svg aria-hidden="true" viewBox="0 0 100 2" preserveAspectRatio="none" className="h-2 w-full rounded-bar bg-sunken">
      {parts.map(({ id, className, value }) => {
        const width = (value / most) * 100;
        const x = at;
        at += width;
        return value === 0 ? null : (
          <rect key={id} x={x} y="0" width={Math.max(0.3, width - 0.2)} height="2" className={className} />
        );
      })}
    </svg>
  );
}

function Advice({ row }: { row: ProviderHealth }) {
  const { t } = useTranslation();
  const level = providerLevel(row);
  const failing = row.own_keys_failing + row.shared_keys_failing > 0;
  if (level !== 'slow' && level !== 'down' && !failing) return null;
  const own = row.own.errors > 0 || row.own_keys_failing > 0;
  const shared = row.shared.errors > 0 || row.shared_keys_failing > 0;
  const text =
    own && shared ? t('health.advice_both') : shared ? t('health.advice_shared') : own ? t('health.advice_own') : null;
  return (
    <p className="text-compact">
      {failing ? `${t('health.keys_failing')}: ${failingText(row, t)}. ` : null}
      {text}
    </p>
  );
}

function ProvidersTable({ rows }: { rows: readonly ProviderHealth[] }) {
  const { t, i18n } = useTranslation();
  const name = (header: string) => <span className="text-text-2 sm:hidden">{header} </span>;
  return (
    <DataTable
      caption={t('health.providers')}
      rowKey={(row) => row.provider}
      groups={[{ id: 'all', rows }]}
      columns={[
        {
          id: 'provider',
          header: t('health.provider'),
          names: true,
          cell: (row) => <span className="font-medium">{row.name}</span>,
        },
        {
          id: 'state',
          header: t('health.state'),
          cell: (row) => <LevelMark level={providerLevel(row)} unknown={t('health.few')} />,
        },
        {
          id: 'requests',
          header: t('health.requests'),
          className: 'sm:text-end',
          cell: (row) => (
            <>
              {name(t('health.requests'))}
              <Count value={answeredOf(row).requests} />
            </>
          ),
        },
        {
          id: 'answered',
          header: t('health.answered'),
          className: 'sm:text-end',
          cell: (row) => (
            <>
              {name(t('health.answered'))}
              {formatShare(answeredOf(row).answered, answeredOf(row).requests)}
            </>
          ),
        },
        {
          id: 'latency',
          header: t('health.latency'),
          className: 'sm:text-end sm:whitespace-nowrap',
          card: 'col-span-2',
          cell: (row) => (
            <>
              {name(t('health.latency'))}
              {row.p50_ms === null ? '–' : latencyText(row, i18n.language)}
            </>
          ),
        },
        {
          id: 'own',
          header: t('health.own_errors'),
          card: 'col-span-2',
          cell: (row) => <Errors payer="own" label={t('health.own_errors')} of={row.own} />,
        },
        {
          id: 'shared',
          header: t('health.shared_errors'),
          card: 'col-span-2',
          cell: (row) => <Errors payer="shared" label={t('health.shared_errors')} of={row.shared} />,
        },
        {
          id: 'failing',
          header: t('health.keys_failing'),
          card: 'col-span-2',
          cell: (row) => (
            <>
              {name(t('health.keys_failing'))}
              {row.own_keys_failing + row.shared_keys_failing === 0 ? '0' : failingText(row, t)}
            </>
          ),
        },
      ]}
    />
  );
}

function Errors(props: { payer: 'own' | 'shared'; label: string; of: ProviderHealth['own'] }) {
  const { t } = useTranslation();
  const { requests, errors } = props.of;
  return (
    <span className="inline-flex items-baseline gap-2">
      <PayerDot payer={props.payer} />
      <span>
        <span className="text-text-2 sm:hidden">{props.label}: </span>
        {requests === 0 ? '–' : t('health.errors_of', { share: formatShare(errors, requests), errors, requests })}
      </span>
    </span>
  );
}

function failingText(row: ProviderHealth, t: TFunction): string {
  return [
    row.own_keys_failing === 0 ? null : t('health.failing_own', { count: row.own_keys_failing }),
    row.shared_keys_failing === 0 ? null : t('health.failing_shared', { count: row.shared_keys_failing }),
  ]
    .filter((part) => part !== null)
    .join(', ');
}

function latencyText(row: ProviderHealth, locale: string): string {
  return `${formatLatency(row.p50_ms ?? 0, locale)} / ${formatLatency(row.p95_ms ?? 0, locale)}`;
}
