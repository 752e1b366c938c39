import { newId } from '@ownkey/contract/ids';
import type { Sql } from '../../storage/database.ts';

export type Channel = 'mail' | 'webhook';

/** What waits to be sent. `facts` are what is said, not how. */
export interface NewEntry {
  /** Default: a new one. */
  readonly id?: string;
  /** null = the installation's. */
  readonly company: string | null;
  readonly channel: Channel;
  readonly event: string;
  /** Two entries with the same key are one: the first stands. */
  readonly dedupeKey: string;
  /** An email address, or the id of a webhook. */
  readonly target: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly alertId?: string;
  /** How long it is tried. */
  readonly hours: number;
}

/** Tried this long, then given up. */
export const MAIL_HOURS = 72;
export const WEBHOOK_HOURS = 24;

/**
 * Puts an entry into the outbox, in the transaction of what it tells about: both stand or neither does, and a server that dies
 * afterwards loses nothing. Its commit wakes the dispatchers.
 */
export async function enqueue(sql: Sql, entry: NewEntry): Promise<void> {
  await sql.rows(
    `INSERT INTO outbox (id, company_id, channel, event, dedupe_key, alert_id, target, payload, give_up_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9)) ON CONFLICT (dedupe_key) DO NOTHING`,
    [
      entry.id ?? newId('outbox'),
      entry.company,
      entry.channel,
      entry.event,
      entry.dedupeKey,
      entry.alertId ?? null,
      entry.target,
      JSON.stringify(entry.facts),
      entry.hours * 3600,
    ],
  );
}
