import type { Health } from '@ownkey/contract/api/operator';
import { first, type Sql } from '../../storage/database.ts';

/** Figures of the installation, one function a tile. None of them reads more than what is open now, or the last hour. */

type Part<Name extends keyof Health> = NonNullable<Health[Name]>;

/** A worker reports every 5 s (`kek_holders`); silent for longer than this it has ended or hangs. */
const SILENT_S = 15;
/** Those that ended longer ago are no news. */
const REMEMBERED_S = 300;

export async function readWorkers(sql: Sql): Promise<Part<'workers'>> {
  const rows = await sql.rows<{ id: string; seen_at: Date; alive: boolean; open_requests: number }>(
    `SELECT h.worker_id AS id, h.seen_at, h.seen_at > clock_timestamp() - make_interval(secs => $1) AS alive,
       (SELECT count(*)::int FROM reservations v JOIN requests r ON r.day = v.day AND r.id = v.id
         WHERE r.worker_id = h.worker_id AND r.state = 'reserved') AS open_requests
     FROM kek_holders h WHERE h.seen_at > clock_timestamp() - make_interval(secs => $2) ORDER BY 1 LIMIT 500`,
    [SILENT_S, REMEMBERED_S],
  );
  return rows.map((row) => ({ ...row, seen_at: row.seen_at.toISOString() }));
}

export async function readJobs(sql: Sql): Promise<Part<'jobs'>> {
  const jobs = await first<{ queued: number; running: number; oldest: Date | null }>(
    sql,
    `SELECT count(*) FILTER (WHERE state = 'queued')::int AS queued, count(*) FILTER (WHERE state = 'running')::int AS running,
       min(created_at) FILTER (WHERE state = 'queued') AS oldest
     FROM worker_jobs WHERE state IN ('queued', 'running') AND expires_at > now()`,
  );
  return {
    queued: jobs?.queued ?? 0,
    running: jobs?.running ?? 0,
    oldest_queued_at: jobs?.oldest?.toISOString() ?? null,
  };
}

export async function readAudit(sql: Sql): Promise<Part<'audit'>> {
  const audit = await first<{ unsealed: number; oldest: Date | null; sealed_up_to: Date | null }>(
    sql,
    `SELECT count(*)::int AS unsealed, min(e.at) AS oldest, (SELECT max(at) FROM audit_heads) AS sealed_up_to
     FROM audit_events e WHERE e.at > now() - interval '1 hour'
       AND NOT EXISTS (SELECT FROM audit_chain c WHERE c.event_id = e.id)`,
  );
  return {
    unsealed: audit?.unsealed ?? 0,
    oldest_unsealed_at: audit?.oldest?.toISOString() ?? null,
    sealed_up_to: audit?.sealed_up_to?.toISOString() ?? null,
  };
}

/** The table `reservations` holds running requests alone. */
export async function readLedger(sql: Sql): Promise<Part<'ledger'>> {
  const ledger = await first<{ running: number; expired: number; oldest: Date | null }>(
    sql,
    `SELECT count(*)::int AS running, count(*) FILTER (WHERE lease_until < now())::int AS expired,
       min(lease_until) FILTER (WHERE lease_until < now()) AS oldest FROM reservations`,
  );
  return {
    running: ledger?.running ?? 0,
    expired: ledger?.expired ?? 0,
    oldest_expired_at: ledger?.oldest?.toISOString() ?? null,
  };
}

/** When the newest price of the catalogue that is in force came in. */
export async function readPrices(sql: Sql): Promise<Part<'prices'>> {
  const prices = await first<{ as_of: Date | null; known: number }>(
    sql,
    `SELECT max(created_at) AS as_of, count(*)::int AS known FROM prices
     WHERE ended_at IS NULL AND origin IN ('catalogue', 'sandbox')`,
  );
  return { as_of: prices?.as_of?.toISOString() ?? null, known: prices?.known ?? 0 };
}
