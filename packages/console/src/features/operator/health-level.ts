import type { Health } from '@ownkey/contract/api/operator';

/** `unknown`: the part could not be read. */
export type Level = 'ok' | 'slow' | 'down' | 'unknown';
export type Tile = 'workers' | 'database' | 'jobs' | 'audit' | 'ledger' | 'mails' | 'webhooks' | 'prices';
export const TILES: readonly Tile[] = ['workers', 'database', 'ledger', 'audit', 'jobs', 'mails', 'webhooks', 'prices'];

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** From when on a figure is slow, and down. The page tells them beside each figure. */
export const LIMITS_MS = {
  database: { slow: 50, down: 1_000 },
  jobs: { slow: 10_000, down: MINUTE_MS },
  audit: { slow: 30_000, down: 5 * MINUTE_MS },
  ledger: { slow: 2 * MINUTE_MS, down: 10 * MINUTE_MS },
  outbox: { slow: 5 * MINUTE_MS, down: 60 * MINUTE_MS },
  prices: { slow: 60 * DAY_MS, down: Number.POSITIVE_INFINITY },
} as const;

/** How each part does. Pure. */
export function levelsOf(health: Health): Record<Tile, Level> {
  const now = Date.parse(health.at);
  const { workers, jobs, audit, ledger, outbox, prices } = health;
  return {
    workers: workers === null ? 'unknown' : workersLevel(workers),
    database: byAge(health.database.latency_ms, LIMITS_MS.database),
    jobs: jobs === null ? 'unknown' : byAge(ageOf(jobs.oldest_queued_at, now), LIMITS_MS.jobs),
    audit: audit === null ? 'unknown' : byAge(ageOf(audit.oldest_unsealed_at, now), LIMITS_MS.audit),
    ledger: ledger === null ? 'unknown' : byAge(ageOf(ledger.oldest_expired_at, now), LIMITS_MS.ledger),
    mails: outbox === null ? 'unknown' : queueLevel(outbox.mails, now),
    webhooks: outbox === null ? 'unknown' : queueLevel(outbox.webhooks, now),
    prices:
      prices === null ? 'unknown' : prices.as_of === null ? 'slow' : byAge(ageOf(prices.as_of, now), LIMITS_MS.prices),
  };
}

function workersLevel(workers: NonNullable<Health['workers']>): Level {
  const alive = workers.filter((worker) => worker.alive).length;
  return alive === 0 ? 'down' : alive < workers.length ? 'slow' : 'ok';
}

/** What was given up stays counted for weeks: it is worth a look, and nothing that is down. */
function queueLevel(queue: { oldest_queued_at: string | null; failed: number }, now: number): Level {
  const level = byAge(ageOf(queue.oldest_queued_at, now), LIMITS_MS.outbox);
  return level === 'ok' && queue.failed > 0 ? 'slow' : level;
}

function ageOf(at: string | null, now: number): number {
  return at === null ? 0 : Math.max(0, now - Date.parse(at));
}

function byAge(ms: number, limits: { slow: number; down: number }): Level {
  return ms >= limits.down ? 'down' : ms >= limits.slow ? 'slow' : 'ok';
}

export type ProviderHealth = NonNullable<Health['providers']>['data'][number];

/** Below these shares of answered requests a provider is slow, and down; judged from so many requests on. */
export const ANSWERED = { slow: 0.95, down: 0.5, from: 5 } as const;
export const P95_SLOW_MS = 30_000;

export function answeredOf({ own, shared }: ProviderHealth): { answered: number; requests: number } {
  const requests = own.requests + shared.requests;
  return { answered: requests - own.errors - shared.errors, requests };
}

/** `unknown`: too few requests to judge. */
export function providerLevel(provider: ProviderHealth): Level {
  const { answered, requests } = answeredOf(provider);
  if (requests < ANSWERED.from) return 'unknown';
  const share = answered / requests;
  if (share < ANSWERED.down) return 'down';
  return share < ANSWERED.slow || (provider.p95_ms ?? 0) >= P95_SLOW_MS ? 'slow' : 'ok';
}
