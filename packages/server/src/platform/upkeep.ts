import { removeOldEntries } from '../domain/outbox/store.ts';
import { removeOldTries } from '../domain/sign-in/tries.ts';
import type { Database } from '../storage/database.ts';
import type { Log } from './logger.ts';

const EVERY_MS = 3_600_000;

/**
 * Hourly, on every server: partitions of the month to come, sessions, tries and limits that count no more, what was sent long ago.
 * Each is safe to do twice.
 */
export function startUpkeep(database: Database, log: Log): { stop(): void } {
  const run = async (): Promise<void> => {
    await database.everywhere(async (sql) => {
      await sql.rows('SELECT ensure_partitions()');
      await sql.rows('DELETE FROM sessions WHERE expires_at < now()');
      await sql.rows('DELETE FROM one_time_codes WHERE expires_at < now()');
      await removeOldTries(sql);
      await removeOldEntries(sql);
      await sql.rows('SELECT clean_meters()');
    });
  };
  const attempt = (): void => {
    run().catch((error: unknown) => log.warn({ err: error }, 'upkeep failed; it is tried again in an hour'));
  };
  const timer = setInterval(attempt, EVERY_MS);
  timer.unref();
  attempt();
  return { stop: () => clearInterval(timer) };
}
