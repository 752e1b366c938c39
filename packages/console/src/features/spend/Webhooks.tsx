import type { Webhook } from '@ownkey/contract/api/alerts';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChangeWebhook, useRemoveWebhook, useTestWebhook, webhooksQuery } from '../../api/alerts.ts';
import { type Explained, explainError } from '../../api/explain-error.ts';
import { paths } from '../../paths.ts';
import { useGo } from '../../routing/use-go.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { Button } from '../../ui/Button.tsx';
import { AlertDialog } from '../../ui/Dialog.tsx';
import { Foreign, Moment } from '../../ui/Facts.tsx';
import { EmptyState, FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { useNow } from '../../ui/use-now.ts';
import { AddWebhook } from './AddWebhook.tsx';
import { WebhookTest } from './WebhookTest.tsx';

/** Addresses of the company that are told of alerts, signed. */
export function Webhooks({ co, adding }: { co: string; adding: boolean }) {
  const { t } = useTranslation();
  const go = useGo();
  const webhooks = useQuery(webhooksQuery);
  const skeleton = useSkeleton(webhooks.isPending);
  const add = () => go(paths.spendAlerts(co, { add: 'webhook' }));
  return (
    <section aria-labelledby="webhooks-title" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div>
          <h2 id="webhooks-title" className="text-dialog font-semibold">
            {t('alerts.webhooks')}
          </h2>
          <p className="max-w-[70ch] text-text-2">{t('alerts.webhooks_lead')}</p>
        </div>
        {(webhooks.data ?? []).length === 0 ? null : <Button onClick={add}>{t('alerts.add_webhook')}</Button>}
      </div>
      {webhooks.isError && webhooks.data === undefined ? (
        <FailurePanel
          failure={explainError(webhooks.error, t)}
          lead={t('errors.load')}
          onRetry={() => void webhooks.refetch()}
        />
      ) : webhooks.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={2} label={t('word.loading')} />
        ) : null
      ) : webhooks.data.length === 0 ? (
        <EmptyState actions={<Button onClick={add}>{t('alerts.add_webhook')}</Button>}>
          {t('alerts.no_webhooks')}
        </EmptyState>
      ) : (
        <List webhooks={webhooks.data} />
      )}
      {adding ? <AddWebhook onClose={() => go(paths.spendAlerts(co), { replace: true })} /> : null}
    </section>
  );
}

function List({ webhooks }: { webhooks: readonly Webhook[] }) {
  const { t } = useTranslation();
  const now = useNow();
  const { say } = useMessages();
  const test = useTestWebhook();
  const change = useChangeWebhook();
  const remove = useRemoveWebhook();
  const [removing, setRemoving] = useState<Webhook | null>(null);
  const [problem, setProblem] = useState<{ url: string; failure: Explained } | null>(null);
  const failAs = (url: string) => ({
    onError: (error: unknown) => setProblem({ url, failure: explainError(error, t) }),
  });
  const turn = (webhook: Webhook, enabled: boolean) => {
    setProblem(null);
    change.mutate(
      { id: webhook.id, enabled },
      {
        ...failAs(webhook.url),
        onSuccess: () => say(t(enabled ? 'alerts.webhook_on' : 'alerts.webhook_off'), () => turn(webhook, !enabled)),
      },
    );
  };
  return (
    <>
      {problem === null ? null : (
        <FailurePanel
          failure={problem.failure}
          lead={`${problem.url}:`}
          actions={<Button onClick={() => setProblem(null)}>{t('action.close')}</Button>}
        />
      )}
      <DataTable
        caption={t('alerts.webhooks')}
        rowKey={(webhook) => webhook.id}
        groups={[{ id: 'webhooks', rows: webhooks }]}
        columns={[
          {
            id: 'url',
            header: t('alerts.column_address'),
            names: true,
            card: 'col-span-2',
            className: 'sm:w-1/2',
            cell: (webhook) => (
              <>
                <span className="font-mono text-compact">
                  <Foreign text={webhook.url} />
                </span>
                {webhook.enabled ? null : <span className="text-hint text-text-2">{t('status.off')}</span>}
              </>
            ),
          },
          {
            id: 'delivered',
            header: t('alerts.column_delivered'),
            cell: (webhook) =>
              webhook.last_delivered_at === null ? (
                <span className="text-text-3">{t('word.not_yet')}</span>
              ) : (
                <Moment at={webhook.last_delivered_at} now={now} />
              ),
          },
          {
            id: 'answer',
            header: t('alerts.column_answer'),
            card: 'text-end sm:text-start',
            cell: (webhook) => <LastAnswer webhook={webhook} />,
          },
          {
            id: 'actions',
            header: t('keys.column_actions'),
            hideHeader: true,
            card: 'col-span-2',
            className: 'sm:text-end',
            cell: (webhook) => (
              <span className="flex items-center justify-between gap-1 sm:justify-end">
                <Button
                  busy={test.isPending && test.variables === webhook.id}
                  onClick={() => {
                    setProblem(null);
                    test.mutate(webhook.id, failAs(webhook.url));
                  }}
                >
                  {t('act.test')}
                  <span className="sr-only"> {webhook.url}</span>
                </Button>
                <Menu
                  label={t('keys.row_menu', { name: webhook.url })}
                  items={[
                    {
                      label: webhook.enabled ? t('act.turn_off') : t('act.turn_on'),
                      onSelect: () => turn(webhook, !webhook.enabled),
                    },
                    { label: t('act.remove'), danger: true, onSelect: () => setRemoving(webhook) },
                  ]}
                />
              </span>
            ),
          },
        ]}
      />
      {test.data === undefined || test.variables === undefined ? null : (
        <WebhookTest
          webhookId={test.variables}
          delivery={test.data}
          url={webhooks.find(({ id }) => id === test.variables)?.url ?? ''}
        />
      )}
      {removing === null ? null : (
        <AlertDialog
          title={t('alerts.remove_webhook')}
          keep={t('alerts.keep_webhook')}
          onKeep={() => setRemoving(null)}
          confirm={
            <Button
              kind="danger"
              busy={remove.isPending}
              onClick={() =>
                remove.mutate(removing.id, {
                  onSuccess: () => {
                    say(t('alerts.webhook_removed'));
                    setRemoving(null);
                  },
                })
              }
            >
              {t('act.remove')}
            </Button>
          }
        >
          <p>
            <Foreign text={removing.url} />
          </p>
          <p>{t('alerts.remove_webhook_text')}</p>
          {remove.isError ? <FailurePanel failure={explainError(remove.error, t)} /> : null}
        </AlertDialog>
      )}
    </>
  );
}

function LastAnswer({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation();
  if (webhook.last_tried_at === null) return <span className="text-text-3">{t('word.not_yet')}</span>;
  if (webhook.last_status === null) return <span className="font-medium text-bad">{t('alerts.no_answer')}</span>;
  return <span className={webhook.last_status >= 300 ? 'font-medium text-bad' : ''}>{webhook.last_status}</span>;
}
