import type { Health } from '@ownkey/contract/api/operator';
import type { Database, Sql } from '../../storage/database.ts';
import { readOutboxState } from '../outbox/store.ts';
import { readAudit, readJobs, readLedger, readPrices, readWorkers } from './parts.ts';
import { readProviders } from './providers.ts';

/** The longest one part may take: a figure that is late must not hold up the others for long. */
const PART_TIMEOUT_MS = 3_000;

/**
 * What the database shows of the installation. Each part is read in a transaction of its own: one that cannot be read is null, is
 * named in `unread` and told to `onUnread`, and hides no other.
 */
export async function readHealth(
  database: Database,
  version: string,
  mail: NonNullable<Health['outbox']>['mail'],
  nameOf: (provider: string) => string,
  onUnread: (part: string, error: unknown) => void,
): Promise<Health> {
  const started = performance.now();
  await database.everywhere((sql) => sql.rows('SELECT 1'));
  const latency = performance.now() - started;
  const unread: Health['unread'] = [];
  const read = async <T>(part: Health['unread'][number], work: (sql: Sql) => Promise<T>): Promise<T | null> => {
    try {
      return await database.everywhere(async (sql) => {
        await sql.rows(`SET LOCAL statement_timeout = ${PART_TIMEOUT_MS}`);
        return work(sql);
      });
    } catch (error) {
      unread.push(part);
      onUnread(part, error);
      return null;
    }
  };
  return {
    version,
    at: new Date().toISOString(),
    unread,
    database: { ok: true, latency_ms: Math.round(latency * 10) / 10 },
    workers: await read('workers', readWorkers),
    jobs: await read('jobs', readJobs),
    outbox: await read('outbox', async (sql) => {
      const state = await readOutboxState(sql);
      return { mail, mails: waiting(state.mail), webhooks: waiting(state.webhook) };
    }),
    audit: await read('audit', readAudit),
    ledger: await read('ledger', readLedger),
    prices: await read('prices', readPrices),
    providers: await read('providers', (sql) => readProviders(sql, nameOf)),
  };
}

function waiting(state: { queued: number; failed: number; oldest: Date | null }) {
  return { queued: state.queued, failed: state.failed, oldest_queued_at: state.oldest?.toISOString() ?? null };
}
