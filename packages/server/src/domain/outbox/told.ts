import { newId } from '@ownkey/contract/ids';
import type { WebhookEvent, WebhookMessage } from '@ownkey/contract/webhook-events';
import type { Sql } from '../../storage/database.ts';
import { enqueue, MAIL_HOURS, WEBHOOK_HOURS } from './entry.ts';
import type { ToldCompany } from './recipients.ts';

/** What happened, as mails and deliveries tell it. */
export interface Happening {
  readonly event: WebhookEvent;
  readonly at: Date;
  /** Said of one mail per recipient, and of one delivery per webhook, however often it is told. */
  readonly mailKey: string;
  readonly webhookKey: string;
  readonly alertId?: string;
}

export async function enqueueMails(
  sql: Sql,
  company: ToldCompany,
  recipients: readonly string[],
  what: Happening,
  facts: Readonly<Record<string, unknown>>,
): Promise<void> {
  for (const target of recipients) {
    await enqueue(sql, {
      company: company.id,
      channel: 'mail',
      event: what.event,
      dedupeKey: `${what.mailKey}:mail:${target}`,
      ...(what.alertId === undefined ? {} : { alertId: what.alertId }),
      target,
      facts,
      hours: MAIL_HOURS,
    });
  }
}

/** To every webhook of the company that listens to the event. */
export async function enqueueDeliveries(
  sql: Sql,
  company: ToldCompany,
  what: Happening,
  data: Readonly<Record<string, unknown>>,
): Promise<void> {
  const webhooks = await sql.rows<{ id: string }>(
    'SELECT id FROM webhooks WHERE company_id = $1 AND enabled AND $2 = ANY (events) ORDER BY id',
    [company.id, what.event],
  );
  for (const { id: target } of webhooks) {
    const id = newId('outbox');
    const message: WebhookMessage = {
      id,
      type: what.event,
      created_at: what.at.toISOString(),
      company: { id: company.id, external_id: company.external_id, name: company.name },
      data: { ...data },
    };
    await enqueue(sql, {
      id,
      company: company.id,
      channel: 'webhook',
      event: what.event,
      dedupeKey: `${what.webhookKey}:webhook:${target}`,
      ...(what.alertId === undefined ? {} : { alertId: what.alertId }),
      target,
      facts: { ...message },
      hours: WEBHOOK_HOURS,
    });
  }
}

/** Telling one thing failed: it is left for later, and stops no other. */
export class TellFailure extends Error {
  override readonly name = 'TellFailure';
  /** Of the alert or notice; '' = none was taken yet. */
  readonly thing: string;
  constructor(thing: string, options: ErrorOptions) {
    super('something could not be told', options);
    this.thing = thing;
  }
}
