import { setMaxListeners } from 'node:events';
import type { Log } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import type { Channel } from './entry.ts';
import { failureOf } from './failure.ts';
import { type MailSending, sendMail } from './send-mail.ts';
import { sendWebhook, type WebhookSending } from './send-webhook.ts';
import { type Claimed, claimDue, delayAfter, markFailed, markSent } from './store.ts';
import { tellNextAlert } from './tell-alerts.ts';
import { tellNextNotice } from './tell-notices.ts';
import { TellFailure } from './told.ts';

export interface OutboxParts {
  readonly database: Database;
  readonly log: Log;
  /** null = no mail server is set up: mails stay queued. */
  readonly mail: MailSending | null;
  readonly webhooks: WebhookSending;
  /** A provider's name by its catalogue id; an endpoint's slug is its own name. */
  readonly nameProvider: (slug: string) => string;
}

/**
 * The steps of telling and sending. Each may run in several servers at once. What is promised: nothing that was committed is lost;
 * a delivery is tried by one server at a time, and sent again only when the try before is not known to have arrived. The one window
 * in which a mail can arrive twice is a process that dies between the mail server's yes and the note of it; both copies have the
 * same Message-ID.
 */
export interface Outbox {
  /** Writes mails and deliveries of every alert and notice that is not told. One that fails is left for later, and stops no other. */
  tell(): Promise<void>;
  /** Takes what is due, up to `most`. */
  claim(channel: Channel, most: number): Promise<Claimed[]>;
  /** One try, and the note of how it went. Never rejects. */
  deliver(channel: Channel, entry: Claimed, signal: AbortSignal): Promise<void>;
  /** All of the above until nothing is due. */
  drain(): Promise<void>;
}

const BATCH = 20;

export function createOutbox({ database, log, mail, webhooks, nameProvider }: OutboxParts): Outbox {
  /** Arrived, but the database did not take the note of it: noted at the next chance, not sent again. */
  const arrived = new Map<string, number | null>();

  const noteArrived = async (id: string, status: number | null): Promise<void> => {
    arrived.set(id, status);
    await database.everywhere((sql) => markSent(sql, id, status));
    arrived.delete(id);
  };
  const attempt = async (channel: Channel, entry: Claimed, signal: AbortSignal): Promise<void> => {
    let status: number | null = arrived.get(entry.id) ?? null;
    if (!arrived.has(entry.id)) {
      try {
        if (channel === 'webhook') status = await sendWebhook(webhooks, entry, signal);
        else if (mail !== null) await sendMail(mail, entry);
      } catch (error) {
        const failure = failureOf(error);
        const gaveUp = await database.everywhere((sql) => markFailed(sql, entry, failure, delayAfter(entry.attempts)));
        const about = {
          entry: entry.id,
          channel,
          event: entry.event,
          attempts: entry.attempts,
          reason: failure.reason,
        };
        log[gaveUp ? 'error' : 'warn'](about, gaveUp ? 'given up' : 'not sent; it is tried again');
        return;
      }
    }
    await noteArrived(entry.id, status);
  };
  const tellAll = async (tellNext: (failed: readonly string[]) => Promise<string | null>): Promise<void> => {
    const failed: string[] = [];
    for (;;) {
      try {
        if ((await tellNext(failed)) === null) return;
      } catch (error) {
        if (!(error instanceof TellFailure) || error.thing === '') throw error;
        failed.push(error.thing);
        log.error({ err: error.cause, about: error.thing }, 'something could not be told; it is tried again');
      }
    }
  };
  const outbox: Outbox = {
    tell: async () => {
      await tellAll((failed) => tellNextAlert(database, failed));
      await tellAll((failed) => tellNextNotice(database, nameProvider, failed));
    },
    claim: (channel, most) =>
      channel === 'mail' && mail === null ? Promise.resolve([]) : claimDue(database, channel, most),
    deliver: async (channel, entry, signal) => {
      try {
        await attempt(channel, entry, signal);
      } catch (error) {
        log.warn({ err: error, entry: entry.id }, 'how a delivery went could not be noted');
      }
    },
    drain: async () => {
      await outbox.tell();
      const { signal } = new AbortController();
      setMaxListeners(0, signal);
      for (const channel of ['mail', 'webhook'] as const) {
        for (;;) {
          const due = await outbox.claim(channel, BATCH);
          if (due.length === 0) break;
          await Promise.all(due.map((entry) => outbox.deliver(channel, entry, signal)));
        }
      }
    },
  };
  return outbox;
}
