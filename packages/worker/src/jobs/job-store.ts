/** The queries on `worker_jobs`, the only way the control plane asks for anything. */
import type { JobFailure, JobStep } from '@ownkey/contract/jobs';
import type { Sql } from '../access/load.ts';

/** A job as taken: its sealed key is in memory only, its column is null. */
export interface TakenJob {
  readonly id: string;
  readonly kind: string;
  readonly company_id: string | null;
  readonly payload: unknown;
  readonly actor: string | null;
  /** Which try this is; writes of an earlier try are dropped. */
  readonly attempts: number;
  readonly sealed: string | null;
}

/** Kinds whose sealed key is gone once they were taken: they cannot be run again. */
const SEALED_KINDS = ['key.connect', 'key.replace'];
const ATTEMPTS_MAX = 3;
const LOST: JobFailure = { code: 'worker.unavailable', facts: {} };

/** Takes up to `limit` jobs, the oldest first. Several workers at once get different ones (SKIP LOCKED, worker_jobs_open). */
export async function takeJobs(sql: Sql, limit: number): Promise<TakenJob[]> {
  const { rows } = await sql.query<TakenJob>(
    `WITH next AS (
       SELECT id, sealed FROM worker_jobs WHERE state = 'queued' AND expires_at > now()
       ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED)
     UPDATE worker_jobs j SET state = 'running', sealed = NULL, attempts = attempts + 1, taken_at = clock_timestamp()
     FROM next WHERE j.id = next.id
     RETURNING j.id, j.kind, j.company_id, j.payload, j.actor, j.attempts, next.sealed`,
    [limit],
  );
  return rows;
}

/** Shows how far the job is. Does nothing when the job was given to another worker meanwhile. */
export async function writeSteps(sql: Sql, job: TakenJob, steps: readonly JobStep[]): Promise<void> {
  await sql.query(`UPDATE worker_jobs SET steps = $3 WHERE id = $1 AND attempts = $2 AND state = 'running'`, [
    job.id,
    job.attempts,
    JSON.stringify(steps),
  ]);
}

/** A row for work that began here, so that it is counted, shown and ended like the control plane's. */
export async function insertRunningJob(sql: Sql, job: TakenJob): Promise<void> {
  await sql.query(
    `INSERT INTO worker_jobs (id, kind, company_id, payload, actor, state, attempts, taken_at)
     VALUES ($1, $2, $3, $4, $5, 'running', $6, clock_timestamp())`,
    [job.id, job.kind, job.company_id, JSON.stringify(job.payload), job.actor, job.attempts],
  );
}

export type JobEnd =
  | { readonly state: 'done'; readonly result: unknown }
  | { readonly state: 'failed'; readonly failure: JobFailure };

export async function finishJob(sql: Sql, job: TakenJob, end: JobEnd, steps: readonly JobStep[]): Promise<void> {
  await sql.query(
    `UPDATE worker_jobs SET state = $3, result = $4, error_code = $5, steps = $6, finished_at = clock_timestamp()
     WHERE id = $1 AND attempts = $2 AND state = 'running'`,
    [
      job.id,
      job.attempts,
      end.state,
      JSON.stringify(end.state === 'done' ? end.result : end.failure),
      end.state === 'done' ? null : end.failure.code,
      JSON.stringify(steps),
    ],
  );
}

/** These jobs still run here. */
export async function renewJobs(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query(`UPDATE worker_jobs SET taken_at = clock_timestamp() WHERE id = ANY($1) AND state = 'running'`, [
    ids,
  ]);
}

/**
 * What a dead worker left, and what nobody took in time. A job whose sealed key is gone fails; others are queued again, a few times.
 * Returns how many were queued again. Any worker may call it; rows move once.
 */
export async function sweepJobs(sql: Sql, leaseMs: number): Promise<number> {
  const lost = JSON.stringify(LOST);
  await sql.query(
    `UPDATE worker_jobs SET state = 'failed', sealed = NULL, error_code = $1, result = $2, finished_at = clock_timestamp()
     WHERE state = 'queued' AND expires_at <= now()`,
    [LOST.code, lost],
  );
  const { rowCount } = await sql.query(
    `UPDATE worker_jobs SET state = 'queued', expires_at = greatest(expires_at, now() + interval '1 minute')
     WHERE state = 'running' AND taken_at < now() - make_interval(secs => $1) AND kind <> ALL($2) AND attempts < $3`,
    [leaseMs / 1000, SEALED_KINDS, ATTEMPTS_MAX],
  );
  await sql.query(
    `UPDATE worker_jobs SET state = 'failed', error_code = $2, result = $3, finished_at = clock_timestamp()
     WHERE state = 'running' AND taken_at < now() - make_interval(secs => $1)`,
    [leaseMs / 1000, LOST.code, lost],
  );
  return rowCount ?? 0;
}

/** Nonces that can no longer be replayed (one hour beyond their end, for clocks that differ), and finished jobs of yesterday. */
export async function purgeJobs(sql: Sql): Promise<void> {
  await sql.query(`DELETE FROM used_nonces WHERE expires_at < now() - interval '1 hour'`, []);
  await sql.query(
    `DELETE FROM worker_jobs WHERE state IN ('done', 'failed') AND finished_at < now() - interval '24 hours'`,
    [],
  );
}
