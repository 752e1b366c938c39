import { readCompanySettings } from '@ownkey/contract/company-settings';
import { newId } from '@ownkey/contract/ids';
import { formatUsd } from '@ownkey/contract/money';
import type { CapEventData, WebhookEvent, WebhookMessage } from '@ownkey/contract/webhook-events';
import { type Database, first, type Sql } from '../../storage/database.ts';
import { type CapFacts, nextPeriod } from '../mail/cap-mail.ts';
import { findActorNames } from '../members/actor-names.ts';
import { enqueue, MAIL_HOURS, WEBHOOK_HOURS } from './entry.ts';

interface AlertRow {
  id: string;
  company_id: string;
  kind: 'day' | 'month';
  start: Date;
  threshold: 80 | 100;
  cap_nano_usd: string;
  settled_nano_usd: string;
  reserved_nano_usd: string;
  cause: 'spent' | 'refused' | 'cap_lowered';
  actor: string | null;
  at: Date;
}

interface CompanyRow {
  id: string;
  external_id: string | null;
  name: string;
  settings: Record<string, unknown>;
}

/** What a header of a mail may be built with; what is not is told to nobody. */
const ADDRESS = /^[^\s\p{Cc}<>()[\]\\,;:"@]+@[^\s\p{Cc}<>()[\]\\,;:"@]+$/u;
const TOP_OPERATIONS = 3;

/**
 * Writes the mails and deliveries of one alert that is not told yet, and notes that it is: one transaction, so that of several
 * servers one tells it, and a server that dies has told all of it or nothing. `except` are left out.
 * Returns its id, or null when there is none. @throws AlertFailure with the id of the alert
 */
export async function tellNextAlert(database: Database, except: readonly string[] = []): Promise<string | null> {
  let taken = '';
  try {
    return await database.everywhere(async (sql) => {
      const alert = await first<AlertRow>(
        sql,
        `SELECT id, company_id, kind, start, threshold, cap_nano_usd, settled_nano_usd, reserved_nano_usd, cause, actor, at
         FROM alerts WHERE told_at IS NULL AND NOT silent AND id <> ALL ($1) ORDER BY at LIMIT 1 FOR UPDATE SKIP LOCKED`,
        [except],
      );
      if (alert === null) return null;
      taken = alert.id;
      const company = await first<CompanyRow>(
        sql,
        'SELECT id, external_id, name, settings FROM companies WHERE id = $1',
        [alert.company_id],
      );
      if (company !== null) {
        await enqueueMails(sql, alert, company);
        await enqueueDeliveries(sql, alert, company);
      }
      await sql.rows('UPDATE alerts SET told_at = clock_timestamp() WHERE id = $1', [alert.id]);
      return alert.id;
    });
  } catch (cause) {
    throw new AlertFailure(taken, { cause });
  }
}

export class AlertFailure extends Error {
  override readonly name = 'AlertFailure';
  readonly alertId: string;
  constructor(alertId: string, options: ErrorOptions) {
    super('an alert could not be told', options);
    this.alertId = alertId;
  }
}

export function eventOf(threshold: number): WebhookEvent {
  return threshold < 100 ? 'cap.near' : 'cap.reached';
}

async function enqueueMails(sql: Sql, alert: AlertRow, company: CompanyRow): Promise<void> {
  const recipients = await findRecipients(sql, company);
  if (recipients.length === 0) return;
  const facts = await factsOf(sql, alert, company);
  for (const target of recipients) {
    await enqueue(sql, {
      company: company.id,
      channel: 'mail',
      event: eventOf(alert.threshold),
      dedupeKey: `alert:${alert.id}:mail:${target}`,
      alertId: alert.id,
      target,
      facts: { ...facts },
      hours: MAIL_HOURS,
    });
  }
}

/** Those the settings name, else the company's admins. */
async function findRecipients(sql: Sql, company: CompanyRow): Promise<string[]> {
  const named = readCompanySettings(company.settings).notice_recipients;
  const found =
    named.length > 0
      ? named
      : (
          await sql.rows<{ email: string }>(
            `SELECT coalesce(u.email, l.email) AS email FROM users u LEFT JOIN logins l ON l.id = u.login_id
             WHERE u.company_id = $1 AND u.role = 'admin' AND coalesce(u.email, l.email) IS NOT NULL ORDER BY u.id`,
            [company.id],
          )
        ).map(({ email }) => email);
  const addresses = found.map((email) => email.trim().toLowerCase()).filter((email) => ADDRESS.test(email));
  return [...new Set(addresses)];
}

async function factsOf(sql: Sql, alert: AlertRow, company: CompanyRow): Promise<CapFacts> {
  const start = alert.start.toISOString();
  const top = await sql.rows<{ operation: string; cost: string }>(
    `SELECT operation, sum(cost_nano_usd)::text AS cost FROM usage_hourly WHERE company_id = $1 AND hour >= $2 AND hour < $3
     GROUP BY operation HAVING sum(cost_nano_usd) > 0 ORDER BY sum(cost_nano_usd) DESC, operation LIMIT ${TOP_OPERATIONS}`,
    [company.id, start, nextPeriod(start, alert.kind)],
  );
  const name = await findActorNames(sql, [alert.actor]);
  return {
    company: company.name,
    period: alert.kind,
    threshold: alert.threshold,
    cap: alert.cap_nano_usd,
    spent: alert.settled_nano_usd,
    reserved: alert.reserved_nano_usd,
    loweredBy: alert.cause === 'cap_lowered' ? (name(alert.actor) ?? 'somebody') : null,
    start,
    at: alert.at.toISOString(),
    top,
  };
}

async function enqueueDeliveries(sql: Sql, alert: AlertRow, company: CompanyRow): Promise<void> {
  const type = eventOf(alert.threshold);
  const webhooks = await sql.rows<{ id: string }>(
    'SELECT id FROM webhooks WHERE company_id = $1 AND enabled AND $2 = ANY (events) ORDER BY id',
    [company.id, type],
  );
  const start = alert.start.toISOString();
  const data: CapEventData = {
    alert: alert.id,
    period: alert.kind,
    period_start: start,
    resets_at: nextPeriod(start, alert.kind).toISOString(),
    threshold: alert.threshold,
    cap_usd: formatUsd(BigInt(alert.cap_nano_usd)),
    spent_usd: formatUsd(BigInt(alert.settled_nano_usd)),
    reserved_usd: formatUsd(BigInt(alert.reserved_nano_usd)),
    cause: alert.cause,
  };
  for (const { id: target } of webhooks) {
    const id = newId('outbox');
    const message: WebhookMessage = {
      id,
      type,
      created_at: alert.at.toISOString(),
      company: { id: company.id, external_id: company.external_id, name: company.name },
      data: { ...data },
    };
    await enqueue(sql, {
      id,
      company: company.id,
      channel: 'webhook',
      event: type,
      dedupeKey: `alert:${alert.id}:webhook:${target}`,
      alertId: alert.id,
      target,
      facts: { ...message },
      hours: WEBHOOK_HOURS,
    });
  }
}
