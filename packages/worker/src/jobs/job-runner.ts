import { OwnkeyError } from '@ownkey/contract/errors';
import type { JobFailure, JobKind, JobPayloads, JobResults, ProbeResult } from '@ownkey/contract/jobs';
import type { Logger } from '@ownkey/guard/log';
import { scrubFacts } from '@ownkey/guard/scrub-facts';
import type { Sql } from '../access/load.ts';
import { recordRefusedSeal } from '../keys/refusal-events.ts';
import { readPayload } from './job-payload.ts';
import {
  finishJob,
  type JobEnd,
  purgeJobs,
  renewJobs,
  sweepJobs,
  type TakenJob,
  takeJobs,
  writeSteps,
} from './job-store.ts';
import { StepLog } from './step-log.ts';

/** What a handler gets of its job. */
export interface Job<Kind extends JobKind> {
  readonly id: string;
  readonly companyId: string | null;
  readonly payload: JobPayloads[Kind];
  readonly actor: string;
  readonly sealed: string | null;
}

export type JobHandlers = {
  readonly [Kind in JobKind]: (job: Job<Kind>, steps: StepLog) => Promise<JobResults[Kind]>;
};

/** A failed job that also tells what a test of the key saw. */
export class ProbeFailure extends OwnkeyError {
  readonly probe: ProbeResult;
  constructor(code: OwnkeyError['code'], facts: OwnkeyError['facts'], probe: ProbeResult) {
    super(code, facts);
    this.probe = probe;
  }
}

export interface JobRunnerOptions {
  readonly sql: Sql;
  readonly handlers: JobHandlers;
  readonly log: Logger;
  /** Jobs running at once here. */
  readonly concurrency?: number;
  /** How often to look without being woken. */
  readonly pollMs?: number;
  /** A running job not renewed for so long is a dead worker's. */
  readonly leaseMs?: number;
}

const FINISH_TRIES = 5;
const PURGE_EVERY_MS = 60_000;

/**
 * Takes jobs and runs them. Woken by a notification, and looks by itself every second. A worker that dies leaves its jobs to the
 * others: those that held a sealed key fail, the rest is run again.
 */
export class JobRunner {
  readonly #options: Required<JobRunnerOptions>;
  readonly #running = new Map<string, Promise<void>>();
  readonly #timers: NodeJS.Timeout[] = [];
  #taking = false;
  #again = false;
  #stopped = true;

  constructor(options: JobRunnerOptions) {
    this.#options = { concurrency: 8, pollMs: 1_000, leaseMs: 15_000, ...options };
  }

  get running(): number {
    return this.#running.size;
  }

  start(): void {
    this.#stopped = false;
    const { pollMs, leaseMs, sql } = this.#options;
    this.#every(pollMs, async () => this.wake());
    this.#every(leaseMs / 3, async () => {
      if (this.#running.size > 0) await renewJobs(sql, [...this.#running.keys()]);
      if ((await sweepJobs(sql, leaseMs)) > 0) this.wake();
    });
    this.#every(PURGE_EVERY_MS, () => purgeJobs(sql));
    this.wake();
  }

  /** A job may wait. Returns at once. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    if (!this.#taking) void this.#take();
  }

  /** Takes no more jobs and waits for those that run, up to `limitMs`. */
  async stop(limitMs: number): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await Promise.race([
      Promise.all(this.#running.values()),
      new Promise((resolve) => setTimeout(resolve, limitMs).unref()),
    ]);
  }

  async #take(): Promise<void> {
    this.#taking = true;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      const room = this.#options.concurrency - this.#running.size;
      if (room <= 0) break; // the end of a job looks again
      try {
        const jobs = await takeJobs(this.#options.sql, room);
        for (const job of jobs) void this.#start(job, (steps) => this.#handle(job, steps));
        if (jobs.length === room) this.#again = true;
      } catch (error) {
        this.#options.log.warn('jobs could not be taken', { error });
      }
    }
    this.#taking = false;
  }

  /**
   * Runs a job that is marked as running already, by a row of this worker's own: renewed, ended and recorded like any other. Resolves
   * to its steps and rejects with what it failed with.
   */
  async adopt<Result>(
    job: TakenJob,
    work: (steps: StepLog) => Promise<Result>,
  ): Promise<{ result: Result; steps: StepLog['steps'] }> {
    let settled: { result: Result } | { error: unknown } | null = null;
    let log: StepLog | null = null;
    await this.#start(job, async (steps) => {
      log = steps;
      try {
        const result = await work(steps);
        settled = { result };
        return result;
      } catch (error) {
        settled = { error };
        throw error;
      }
    });
    return outcomeOf(settled, log);
  }

  #start(job: TakenJob, work: (steps: StepLog) => Promise<unknown>): Promise<void> {
    const running = this.#run(job, work)
      .catch((error: unknown) => this.#options.log.error('a job could not be ended', { job: job.id, error }))
      .finally(() => {
        this.#running.delete(job.id);
        this.wake();
      });
    this.#running.set(job.id, running);
    return running;
  }

  async #run(job: TakenJob, work: (steps: StepLog) => Promise<unknown>): Promise<void> {
    const { sql, log } = this.#options;
    const steps = new StepLog((newest) => writeSteps(sql, job, newest));
    let end: JobEnd;
    try {
      end = { state: 'done', result: await work(steps) };
    } catch (error) {
      const failure = failureOf(error);
      steps.failRunning(failure.code);
      if (!(error instanceof OwnkeyError) || error.status >= 500)
        log.error('a job failed', { job: job.id, kind: job.kind, error });
      end = { state: 'failed', failure };
      await recordRefusedSeal(sql, job, failure).catch((cause: unknown) =>
        log.error('a refused key is not recorded', { job: job.id, error: cause }),
      );
    }
    await steps.settled();
    for (let tries = 1; ; tries++) {
      try {
        return await finishJob(sql, job, end, steps.steps);
      } catch (error) {
        if (tries === FINISH_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** tries));
      }
    }
  }

  #handle(job: TakenJob, steps: StepLog): Promise<unknown> {
    const { handlers } = this.#options;
    const common = { id: job.id, companyId: job.company_id, actor: job.actor ?? 'system', sealed: job.sealed };
    const read = readPayload(job.kind, job.payload);
    switch (read.kind) {
      case 'key.connect':
        return handlers['key.connect']({ ...common, payload: read.payload }, steps);
      case 'key.replace':
        return handlers['key.replace']({ ...common, payload: read.payload }, steps);
      case 'key.test':
        return handlers['key.test']({ ...common, payload: read.payload }, steps);
      case 'models.refresh':
        return handlers['models.refresh']({ ...common, payload: read.payload }, steps);
      case 'audit.verify':
        return handlers['audit.verify']({ ...common, payload: read.payload }, steps);
    }
  }

  #every(ms: number, work: () => Promise<void>): void {
    let busy = false;
    const timer = setInterval(() => {
      if (busy) return;
      busy = true;
      work()
        .catch((error: unknown) => this.#options.log.warn('upkeep of jobs failed', { error }))
        .finally(() => {
          busy = false;
        });
    }, ms);
    timer.unref();
    this.#timers.push(timer);
  }
}

function outcomeOf<Result>(
  settled: { result: Result } | { error: unknown } | null,
  log: StepLog | null,
): { result: Result; steps: StepLog['steps'] } {
  if (settled === null) throw new OwnkeyError('internal', {}, 'the job never ran');
  if ('error' in settled) throw settled.error;
  return { result: settled.result, steps: log?.steps ?? [] };
}

function failureOf(error: unknown): JobFailure {
  if (!(error instanceof OwnkeyError)) return { code: 'internal', facts: {} };
  const failure: JobFailure = { code: error.code, facts: scrubFacts(error.facts) };
  return error instanceof ProbeFailure ? { ...failure, probe: error.probe } : failure;
}
