import type { Health } from '@ownkey/contract/api/operator';
import { first, type Sql } from '../../storage/database.ts';
import { readOutboxState } from '../outbox/store.ts';

/** What the database shows of workers, jobs and the audit's sealer. A worker is seen by what it did in the last hour. */
export async function readHealth(sql: Sql, version: string, mail: Health['outbox']['mail']): Promise<Health> {
  const started = performance.now();
  await sql.rows('SELECT 1');
  const latency = performance.now() - started;
  const workers = await sql.rows<{ id: string; seen_at: Date; open_requests: number }>(
    `SELECT worker_id AS id, max(coalesce(settled_at, created_at)) AS seen_at,
       count(*) FILTER (WHERE state = 'reserved')::int AS open_requests
     FROM requests WHERE worker_id IS NOT NULL AND day >= (now() AT TIME ZONE 'UTC')::date - 1
       AND created_at > now() - interval '1 hour'
     GROUP BY 1 ORDER BY 1 LIMIT 500`,
  );
  const jobs = await first<{ queued: number; running: number; oldest: Date | null }>(
    sql,
    `SELECT count(*) FILTER (WHERE state = 'queued')::int AS queued, count(*) FILTER (WHERE state = 'running')::int AS running,
       min(created_at) FILTER (WHERE state = 'queued') AS oldest
     FROM worker_jobs WHERE state IN ('queued', 'running') AND expires_at > now()`,
  );
  const audit = await first<{ unsealed: number; sealed_up_to: Date | null }>(
    sql,
    `SELECT (SELECT count(*)::int FROM audit_events e WHERE e.at > now() - interval '1 hour'
         AND NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.event_id = e.id)) AS unsealed,
       (SELECT max(at) FROM audit_heads) AS sealed_up_to`,
  );
  const outbox = await readOutboxState(sql);
  return {
    version,
    database: { ok: true, latency_ms: Math.round(latency * 10) / 10 },
    workers: workers.map((worker) => ({ ...worker, seen_at: worker.seen_at.toISOString() })),
    jobs: {
      queued: jobs?.queued ?? 0,
      running: jobs?.running ?? 0,
      oldest_queued_at: jobs?.oldest?.toISOString() ?? null,
    },
    outbox: { mail, mails: waiting(outbox.mail), webhooks: waiting(outbox.webhook) },
    audit: { unsealed: audit?.unsealed ?? 0, sealed_up_to: audit?.sealed_up_to?.toISOString() ?? null },
  };
}

function waiting(state: { queued: number; failed: number; oldest: Date | null }) {
  return { queued: state.queued, failed: state.failed, oldest_queued_at: state.oldest?.toISOString() ?? null };
}
