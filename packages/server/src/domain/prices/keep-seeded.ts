import type { Catalogue } from '@ownkey/providers/catalogue';
import type { Log } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { libraryPrices, PRICE_LIBRARY } from './library.ts';
import { seedPrices } from './seed.ts';

const AGAIN_MS = 10_000;

/** The prices this build came with, as `seedPrices` stores them. */
export function seedLibrary(database: Database, catalogue: Catalogue): Promise<void> {
  return seedPrices(database, { origin: 'catalogue', source: PRICE_LIBRARY, prices: libraryPrices(catalogue) });
}

/**
 * Seeds the prices of this build. Resolves after the first try; where the database cannot be reached, tries go on every ten
 * seconds until one succeeds.
 */
export async function keepPricesSeeded(database: Database, catalogue: Catalogue, log: Log): Promise<{ stop(): void }> {
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  const attempt = async (): Promise<void> => {
    try {
      await seedLibrary(database, catalogue);
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
