import { removeOldEntries } from '../domain/outbox/store.ts';
import { retain } from '../domain/retention/retention.ts';
import { removeOldTries } from '../domain/sign-in/tries.ts';
import type { Database } from '../storage/database.ts';
import type { Log } from './logger.ts';

const EVERY_MS = 3_600_000;

/**
 * Hourly, on every server: partitions of the months to come, sessions, tries and limits that count no more, what was sent long ago,
 * what the retention says. Each is safe to do twice. `stop` resolves when nothing of it runs any more.
 */
export function startUpkeep(database: Database, log: Log): { stop(): Promise<void> } {
  let stopped = false;
  const run = async (): Promise<void> => {
    await database.everywhere((sql) => sql.rows('SELECT ensure_partitions()'));
    await database.everywhere(async (sql) => {
      await sql.rows('DELETE FROM sessions WHERE expires_at < now()');
      await sql.rows('DELETE FROM one_time_codes WHERE expires_at < now()');
      await removeOldTries(sql);
      await removeOldEntries(sql);
      await sql.rows('SELECT clean_meters()');
    });
    const removed = await retain(database, () => !stopped);
    if (removed.records + removed.sums + removed.partitions.length > 0)
      log.info(removed, 'removed what is kept no longer');
  };
  let running: Promise<void> = Promise.resolve();
  const attempt = (): void => {
    running = running
      .then(() => (stopped ? undefined : run()))
      .catch((error: unknown) => {
        if (!stopped) log.warn({ err: error }, 'upkeep failed; it is tried again in an hour');
      });
  };
  const timer = setInterval(attempt, EVERY_MS);
  timer.unref();
  attempt();
  return {
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
