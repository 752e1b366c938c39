import type { Delivery } from '@ownkey/contract/api/alerts';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { deliveriesQuery } from '../../api/alerts.ts';
import { Note } from '../../ui/Feedback.tsx';

/** How the test delivery fares: looked at until it was answered or given up. */
export function WebhookTest(props: { webhookId: string; delivery: Delivery; url: string }) {
  const { t } = useTranslation();
  const started = props.delivery;
  const list = useQuery({
    ...deliveriesQuery(props.webhookId),
    refetchInterval: ({ state }) =>
      (state.data?.find(({ id }) => id === started.id) ?? started).state === 'queued' ? 1_000 : false,
  });
  const delivery = list.data?.find(({ id }) => id === started.id) ?? started;
  const words = { url: props.url, status: delivery.status ?? t('alerts.no_answer') };
  if (delivery.state === 'sent') {
    return (
      <Note tone="good" live="polite">
        {t('alerts.test_sent', words)}
      </Note>
    );
  }
  const failing = delivery.state === 'failed' || delivery.attempts > 0;
  return (
    <Note tone={failing ? 'bad' : 'info'} live="polite">
      {failing ? t('alerts.test_failed', words) : t('alerts.test_queued', words)}
    </Note>
  );
}
