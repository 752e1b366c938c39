import { createHash } from 'node:crypto';
import { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import type { JobFailure, JobKind, JobPayloads, JobResults, JobStep } from '@ownkey/contract/jobs';
import { type Database, first, type Sql } from '../../storage/database.ts';
import type { JobSignals } from '../../storage/job-signals.ts';

/**
 * Work for the isolated worker. The control plane inserts a row, a worker takes it; sealed keys travel in a column this plane may
 * write and never read. With an idempotency key the same request made twice is one job.
 */
export type JobRow = {
  [K in JobKind]: {
    id: string;
    kind: K;
    company_id: string | null;
    payload: JobPayloads[K];
    state: 'queued' | 'running' | 'done' | 'failed';
    steps: JobStep[];
    result: JobResults[K] | JobFailure | null;
    error_code: string | null;
    created_at: Date;
    finished_at: Date | null;
  };
}[JobKind];

const COLUMNS = 'id, kind, company_id, payload, state, steps, result, error_code, created_at, finished_at';
/** Longest time a call of the API waits for its job. */
const WAIT_MS = 40_000;
/** Signals may be missed; this is how often the row is looked at without one. */
const LOOK_MS = 1000;

export interface NewJob<K extends JobKind> {
  readonly kind: K;
  readonly companyId: string | null;
  readonly payload: JobPayloads[K];
  readonly sealed: string | null;
  readonly actor: string;
  /** Of the caller; another caller's equal key is another job. */
  readonly idempotencyKey: string | null;
}

/** Inserts the job, or gives the one this key stands for. @throws OwnkeyError conflict.exists when that asked for something else */
export async function orderJob<K extends JobKind>(sql: Sql, job: NewJob<K>): Promise<string> {
  const key = job.idempotencyKey === null ? null : sha256(`${job.actor}\0${job.idempotencyKey}`);
  const made = await sql.rows<{ id: string }>(
    `INSERT INTO worker_jobs (id, kind, company_id, payload, sealed, actor, idempotency_key)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (coalesce(company_id, ''), kind, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
     RETURNING id`,
    [newId('job'), job.kind, job.companyId, JSON.stringify(job.payload), job.sealed, job.actor, key],
  );
  if (made[0] !== undefined) return made[0].id;
  const existing = await first<{ id: string; same: boolean }>(
    sql,
    `SELECT id, payload = $4::jsonb AS same FROM worker_jobs
     WHERE coalesce(company_id, '') = coalesce($1, '') AND kind = $2 AND idempotency_key = $3`,
    [job.companyId, job.kind, key, JSON.stringify(job.payload)],
  );
  if (existing === null) throw new OwnkeyError('busy', {}, 'job neither made nor found');
  if (!existing.same) throw new OwnkeyError('conflict.exists', { what: 'Another request with this Idempotency-Key' });
  return existing.id;
}

export function findJob(sql: Sql, id: string): Promise<JobRow | null> {
  return first(sql, `SELECT ${COLUMNS} FROM worker_jobs WHERE id = $1`, [id]);
}

/** Reads of jobs within a company, or of the operator's where it is null. */
export function inScope(
  database: Database,
  companyId: string | null,
): <T>(work: (sql: Sql) => Promise<T>) => Promise<T> {
  return (work) => (companyId === null ? database.everywhere(work) : database.tenant(companyId, work));
}

/**
 * Waits until the job ended, at most 40 s or until `gone`; holds no connection meanwhile. Gives the row as it then is.
 * @throws OwnkeyError worker.unavailable when no worker has even taken it
 */
export async function awaitJob(
  database: Database,
  signals: JobSignals,
  companyId: string | null,
  id: string,
  gone: AbortSignal,
): Promise<JobRow> {
  const end = performance.now() + WAIT_MS;
  for (;;) {
    const signal = signals.next(id, Math.min(LOOK_MS, Math.max(1, end - performance.now())), gone);
    const row = await inScope(database, companyId)((sql) => findJob(sql, id));
    if (row === null) throw new OwnkeyError('worker.unavailable', {}, 'the job is gone');
    if (row.state === 'done' || row.state === 'failed') return row;
    if (performance.now() >= end || gone.aborted) {
      if (row.state === 'queued') throw new OwnkeyError('worker.unavailable');
      return row;
    }
    await signal;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
