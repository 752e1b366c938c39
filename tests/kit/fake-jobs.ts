import type { JobFailure, JobKind, JobPayloads, JobResults, JobStep, ProbeResult } from '@ownkey/contract/jobs';
import type { Client } from 'pg';

export interface TakenJob {
  readonly id: string;
  readonly kind: JobKind;
  readonly company_id: string | null;
  readonly payload: JobPayloads['key.connect'] & Record<string, unknown>;
  readonly sealed: string | null;
  readonly actor: string | null;
}

export type FakeOutcome = { readonly done: JobResults[JobKind] } | { readonly failed: JobFailure };

export const VALID_PROBE: ProbeResult = {
  status: 'valid',
  status_detail: null,
  latency_ms: 12,
  permissions: { list_models: true, generate: true },
  models_count: 3,
};

/**
 * Stands in for the worker's jobs, on a connection of the worker's role: takes what is queued, does what `work` says, writes the
 * answer. Opens no key. For tests of the control plane alone; whole installations use the real one.
 */
export async function runFakeJobs(
  client: Client,
  work: (job: TakenJob, client: Client) => Promise<FakeOutcome>,
): Promise<{ taken: TakenJob[]; stop(): Promise<void> }> {
  const taken: TakenJob[] = [];
  let running: Promise<void> = Promise.resolve();
  const take = async (): Promise<void> => {
    for (;;) {
      const { rows } = await client.query<TakenJob>(
        `UPDATE worker_jobs SET state = 'running', taken_at = now(), sealed = NULL FROM (
           SELECT id AS found, sealed AS was FROM worker_jobs WHERE state = 'queued' ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED) j
         WHERE id = j.found RETURNING id, kind, company_id, payload, j.was AS sealed, actor`,
      );
      const [job] = rows;
      if (job === undefined) return;
      taken.push(job);
      const outcome = await work(job, client);
      const steps: JobStep[] = [{ step: 'open', state: 'done', ms: 1 }];
      const isDone = 'done' in outcome;
      await client.query(
        'UPDATE worker_jobs SET state = $2, result = $3, error_code = $4, steps = $5, finished_at = now() WHERE id = $1',
        [
          job.id,
          isDone ? 'done' : 'failed',
          JSON.stringify(isDone ? outcome.done : outcome.failed),
          isDone ? null : outcome.failed.code,
          JSON.stringify(steps),
        ],
      );
    }
  };
  const next = (): void => {
    running = running.then(take);
  };
  client.on('notification', next);
  await client.query('LISTEN ownkey_job');
  next();
  return {
    taken,
    stop: async () => {
      client.off('notification', next);
      await client.query('UNLISTEN ownkey_job');
      await running;
    },
  };
}

/** Stores the key of a connect job as the worker would, without an envelope. */
export async function storeKey(client: Client, job: TakenJob, last4 = 'abcd'): Promise<void> {
  const { payload } = job;
  await client.query(
    `INSERT INTO keys (id, owner, company_id, user_id, provider, slug, base_url, destination, keyless, label, mask, last4,
       status, version, created_by, changed_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '...' || $11::text, $11, 'valid', 1, $12, $12)`,
    [
      payload.key_id,
      payload.owner,
      job.company_id,
      payload.user_id,
      payload.provider,
      payload.slug,
      payload.base_url,
      payload.base_url === null ? `catalogue:${payload.provider}` : new URL(payload.base_url).origin,
      payload.keyless,
      payload.label,
      last4,
      job.actor,
    ],
  );
}
