import type { Alert } from '@ownkey/contract/api/alerts';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { useActorNames } from '../../api/people.ts';
import { formatMonth, formatUtcDay } from '../../format/time.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { Moment, Money } from '../../ui/Facts.tsx';
import { useNow } from '../../ui/use-now.ts';

/** Thresholds that were passed, and how far what was sent about them got. */
export function AlertsTable({ alerts }: { alerts: readonly Alert[] }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const nameOf = useActorNames();
  return (
    <DataTable
      caption={t('alerts.table')}
      rowKey={(alert) => alert.id}
      groups={[{ id: 'alerts', rows: alerts }]}
      columns={[
        {
          id: 'what',
          header: t('alerts.column_what'),
          names: true,
          card: 'col-span-2',
          cell: (alert) => (
            <>
              <span className={alert.type === 'cap.reached' ? 'font-medium text-bad' : 'font-medium text-warn'}>
                {alert.type === 'cap.reached' ? t('alerts.reached') : t('alerts.near', { percent: alert.threshold })}
              </span>
              <span className="block text-hint text-text-2">
                {alert.period === 'day'
                  ? t('alerts.of_day', { day: formatUtcDay(alert.period_start, i18n.language) })
                  : t('alerts.of_month', { month: formatMonth(Date.parse(alert.period_start), i18n.language) })}
                {alert.cause === 'cap_lowered' ? (
                  <>
                    {' · '}
                    <bdi>
                      {alert.actor === null
                        ? t('alerts.lowered')
                        : t('alerts.lowered_by', { who: nameOf(alert.actor) })}
                    </bdi>
                  </>
                ) : null}
              </span>
            </>
          ),
        },
        {
          id: 'at',
          header: t('audit.column_time'),
          className: 'sm:whitespace-nowrap',
          cell: (alert) => <Moment at={alert.at} now={now} />,
        },
        {
          id: 'spent',
          header: t('alerts.column_spent'),
          className: 'sm:text-end sm:whitespace-nowrap',
          card: 'text-end',
          cell: (alert) => (
            <>
              <Money usd={alert.spent_usd} /> {t('spend.of')} <Money usd={alert.cap_usd} />
              {Number(alert.reserved_usd) === 0 ? null : (
                <span className="block text-hint text-text-2">
                  <Money usd={alert.reserved_usd} /> {t('spend.held')}
                </span>
              )}
            </>
          ),
        },
        {
          id: 'mails',
          header: t('alerts.column_mails'),
          card: 'col-span-2',
          cell: (alert) => (
            <>
              <span className="text-text-2 sm:hidden">{t('alerts.column_mails')}: </span>
              <Told of={alert.mails} alert={alert} />
            </>
          ),
        },
        {
          id: 'webhooks',
          header: t('alerts.column_webhooks'),
          card: 'col-span-2',
          cell: (alert) => (
            <>
              <span className="text-text-2 sm:hidden">{t('alerts.column_webhooks')}: </span>
              <Told of={alert.webhooks} alert={alert} />
            </>
          ),
        },
      ]}
    />
  );
}

/** "2 sent, 1 waiting"; what failed stands out. */
function Told({ of, alert }: { of: Alert['mails']; alert: Alert }) {
  const { t } = useTranslation();
  if (of.failed > 0) return <span className="font-medium text-bad">{toldText(of, t)}</span>;
  const text = toldText(of, t);
  if (text !== '') return text;
  return <span className="text-text-3">{alert.silent ? t('alerts.silent') : t('alerts.nobody')}</span>;
}

function toldText(of: Alert['mails'], t: TFunction): string {
  return [
    of.failed === 0 ? null : t('alerts.failed', { count: of.failed }),
    of.sent === 0 ? null : t('alerts.sent', { count: of.sent }),
    of.queued === 0 ? null : t('alerts.queued', { count: of.queued }),
  ]
    .filter((part) => part !== null)
    .join(', ');
}
