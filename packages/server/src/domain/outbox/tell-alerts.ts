import { formatUsd } from '@ownkey/contract/money';
import type { CapEventData } from '@ownkey/contract/webhook-events';
import { type Database, first, type Sql } from '../../storage/database.ts';
import { type CapFacts, nextPeriod } from '../mail/cap-mail.ts';
import { findActorNames } from '../members/actor-names.ts';
import { findRecipients, findToldCompany, type ToldCompany } from './recipients.ts';
import { enqueueDeliveries, enqueueMails, type Happening, TellFailure } from './told.ts';

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

const TOP_OPERATIONS = 3;

/**
 * Writes the mails and deliveries of one alert that is not told yet, and notes that it is: one transaction, so that of several
 * servers one tells it, and a server that dies has told all of it or nothing. `except` are left out.
 * Returns its id, or null when there is none. @throws TellFailure with the id of the alert
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
      const company = await findToldCompany(sql, alert.company_id);
      if (company !== null) {
        const what = happeningOf(alert);
        const recipients = await findRecipients(sql, company);
        if (recipients.length > 0)
          await enqueueMails(sql, company, recipients, what, { ...(await factsOf(sql, alert, company)) });
        await enqueueDeliveries(sql, company, what, { ...dataOf(alert) });
      }
      await sql.rows('UPDATE alerts SET told_at = clock_timestamp() WHERE id = $1', [alert.id]);
      return alert.id;
    });
  } catch (cause) {
    throw new TellFailure(taken, { cause });
  }
}

export function eventOf(threshold: number): 'cap.near' | 'cap.reached' {
  return threshold < 100 ? 'cap.near' : 'cap.reached';
}

function happeningOf(alert: AlertRow): Happening {
  const key = `alert:${alert.id}`;
  return { event: eventOf(alert.threshold), at: alert.at, mailKey: key, webhookKey: key, alertId: alert.id };
}

async function factsOf(sql: Sql, alert: AlertRow, company: ToldCompany): Promise<CapFacts> {
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

function dataOf(alert: AlertRow): CapEventData {
  const start = alert.start.toISOString();
  return {
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
}
