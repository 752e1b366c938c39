import { type Database, first, type Sql } from '../../storage/database.ts';
import type { Channel } from './entry.ts';

/** An entry in hand. `attempts` counts this try: it also tells two holders of one entry apart. */
export interface Claimed {
  readonly id: string;
  readonly company_id: string | null;
  readonly event: string;
  readonly target: string;
  readonly payload: Readonly<Record<string, unknown>> | null;
  readonly attempts: number;
  readonly created_at: Date;
}

/** Longer than any try takes: an entry whose server died is taken by another after this. */
export const LEASE_SECONDS = 120;
const FIRST_DELAY_SECONDS = 15;
const DELAY_SECONDS_MAX = 15 * 60;
const KEEP_DAYS = 30;
/** Their payload holds a code. */
const CODED = "('reset', 'invitation')";
const BLANKED = `CASE WHEN event IN ${CODED} THEN NULL ELSE payload END`;

/**
 * Takes up to `most` entries that are due. Of several servers each gets different ones; none waits for another. What is past its
 * time is given up on the way.
 */
export function claimDue(database: Database, channel: Channel, most: number): Promise<Claimed[]> {
  return database.everywhere(async (sql) => {
    await sql.rows(
      `UPDATE outbox SET state = 'failed', payload = ${BLANKED}, last_error = coalesce(last_error, 'never tried')
       WHERE id IN (SELECT id FROM outbox WHERE channel = $1 AND state = 'queued' AND give_up_at <= now()
         AND coalesce(leased_until, now()) <= now() FOR UPDATE SKIP LOCKED)`,
      [channel],
    );
    return sql.rows<Claimed>(
      `WITH due AS MATERIALIZED (
         SELECT id FROM outbox WHERE channel = $1 AND state = 'queued' AND next_try_at <= now()
           AND coalesce(leased_until, now()) <= now() ORDER BY next_try_at LIMIT $2 FOR UPDATE SKIP LOCKED)
       UPDATE outbox o SET attempts = attempts + 1, leased_until = now() + make_interval(secs => ${LEASE_SECONDS})
       FROM due WHERE o.id = due.id
       RETURNING o.id, o.company_id, o.event, o.target, o.payload, o.attempts, o.created_at`,
      [channel, most],
    );
  });
}

/** It has arrived. Codes in it are gone from here on. */
export async function markSent(sql: Sql, id: string, status: number | null): Promise<void> {
  await sql.rows(
    `UPDATE outbox SET state = 'sent', sent_at = now(), leased_until = NULL, last_error = NULL, http_status = $2,
       payload = ${BLANKED} WHERE id = $1 AND state = 'queued'`,
    [id, status],
  );
}

/**
 * The try failed: the next one is after a while, or there is none. Says nothing when another server took the entry meanwhile.
 * Returns whether it was given up.
 */
export async function markFailed(
  sql: Sql,
  entry: Pick<Claimed, 'id' | 'attempts'>,
  failure: { readonly reason: string; readonly status: number | null; readonly final?: boolean },
  delayS: number,
): Promise<boolean> {
  const row = await first<{ state: string }>(
    sql,
    `UPDATE outbox SET leased_until = NULL, last_error = $3, http_status = $4, next_try_at = now() + make_interval(secs => $5),
       state = CASE WHEN $6 OR now() + make_interval(secs => $5) >= give_up_at THEN 'failed' ELSE 'queued' END,
       payload = CASE WHEN $6 OR now() + make_interval(secs => $5) >= give_up_at THEN ${BLANKED} ELSE payload END
     WHERE id = $1 AND state = 'queued' AND attempts = $2 RETURNING state`,
    [entry.id, entry.attempts, failure.reason.slice(0, 300), failure.status, delayS, failure.final ?? false],
  );
  return row?.state === 'failed';
}

/** Seconds until the next try: doubling from 15 s to 15 min, the half of it by chance, so that what failed together spreads. */
export function delayAfter(attempts: number, chance = Math.random()): number {
  const whole = Math.min(FIRST_DELAY_SECONDS * 2 ** Math.max(0, attempts - 1), DELAY_SECONDS_MAX);
  return whole / 2 + (whole / 2) * chance;
}

/** Removes what is done and old; called by the upkeep. */
export async function removeOldEntries(sql: Sql): Promise<void> {
  await sql.rows(`DELETE FROM outbox WHERE state <> 'queued' AND created_at < now() - interval '${KEEP_DAYS} days'`);
}

/** What waits and what was given up. */
export async function readOutboxState(
  sql: Sql,
): Promise<Record<Channel, { queued: number; failed: number; oldest: Date | null }>> {
  const rows = await sql.rows<{ channel: Channel; queued: number; failed: number; oldest: Date | null }>(
    `SELECT channel, count(*) FILTER (WHERE state = 'queued')::int AS queued,
       count(*) FILTER (WHERE state = 'failed')::int AS failed, min(created_at) FILTER (WHERE state = 'queued') AS oldest
     FROM outbox WHERE state IN ('queued', 'failed') GROUP BY channel`,
  );
  const of = (channel: Channel) => {
    const row = rows.find((one) => one.channel === channel);
    return { queued: row?.queued ?? 0, failed: row?.failed ?? 0, oldest: row?.oldest ?? null };
  };
  return { mail: of('mail'), webhook: of('webhook') };
}
