import type { Log } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { type SourcedPrice, seedPrices } from './seed.ts';

const AGAIN_MS = 10_000;

/**
 * Seeds the prices of this build (`buildPrices`). Resolves after the first try; where the database cannot be reached, tries go on every ten
 * seconds until one succeeds.
 */
export async function keepPricesSeeded(
  database: Database,
  prices: readonly SourcedPrice[],
  log: Log,
): Promise<{ stop(): void }> {
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  const attempt = async (): Promise<void> => {
    try {
      await seedPrices(database, { origin: 'catalogue', prices });
    } catch (error) {
      if (stopped) return;
      log.warn({ err: error }, 'prices could not be stored; it is tried again in ten seconds');
      timer = setTimeout(attempt, AGAIN_MS);
      timer.unref();
    }
  };
  await attempt();
  return {
    stop: () => {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
