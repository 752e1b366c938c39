import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import type { Lookup } from '@ownkey/guard/resolve';
import type { Catalogue } from '@ownkey/providers/catalogue';
import type { Config } from './config.ts';
import { startDispatcher } from './domain/outbox/dispatcher.ts';
import { createOutbox } from './domain/outbox/outbox.ts';
import type { Log } from './platform/logger.ts';
import { createMailboxMailer, createSmtpMailer, type Mailer, readSender, type Sender } from './platform/mailer.ts';
import type { Database } from './storage/database.ts';

export interface OutboxSurroundings {
  readonly database: Database;
  readonly log: Log;
  readonly policy: EgressPolicy;
  readonly lookup: Lookup;
  readonly version: string;
  readonly catalogue: Catalogue;
}

/** Starts sending what is in the outbox. `stop` ends it and closes what it holds. */
export function startOutbox(config: Config, surroundings: OutboxSurroundings): { stop(): Promise<void> } {
  const { database, log, policy, lookup, version, catalogue } = surroundings;
  const { authSecret, hostName } = config;
  const mailer = createMailer(config);
  if (mailer === null) log.warn('OWNKEY_SMTP_URL is not set: mails stay queued');
  const outbox = createOutbox({
    database,
    log,
    mail: mailer === null ? null : { mailer, authSecret, consoleUrl: consoleAddress(config), hostName },
    webhooks: { database, authSecret, policy, lookup, version },
    nameProvider: (slug) => catalogue.entries.get(slug)?.name ?? slug,
  });
  const dispatcher = startDispatcher(outbox, config.databaseUrl, log);
  return {
    stop: async () => {
      await dispatcher.stop();
      mailer?.close();
    },
  };
}

/** How mails leave. A mail server that is named is used, in development too. */
export function mailWay({ smtpUrl, mailUrl }: Config): 'smtp' | 'sandbox' | 'none' {
  if (smtpUrl !== null) return 'smtp';
  return mailUrl === null ? 'none' : 'sandbox';
}

function createMailer(config: Config): Mailer | null {
  if (config.smtpUrl !== null) return createSmtpMailer(config.smtpUrl, senderOf(config));
  return config.mailUrl === null ? null : createMailboxMailer(config.mailUrl);
}

function senderOf(config: Config): Sender {
  if (config.mailFrom !== null) return readSender(config.mailFrom);
  return { name: config.hostName ?? 'Ownkey', address: `no-reply@${new URL(consoleAddress(config)).hostname}` };
}

/** Where mails lead. */
function consoleAddress({ consoleUrl, host, port }: Config): string {
  return consoleUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
