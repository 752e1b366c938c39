import type { PrepareExchange } from '@ownkey/contract/dialect';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import type { Logger } from '@ownkey/guard/log';
import type { Scrubber } from '@ownkey/guard/scrub';
import type { Catalogue } from '@ownkey/providers/catalogue';
import type { KekRing } from '@ownkey/vault/kek';
import type { Pool } from 'pg';
import type { CallerReader } from './access/caller.ts';
import type { Configurations } from './access/configurations.ts';
import { verifyCompany } from './audit/verify.ts';
import { answering, sqlOf } from './database.ts';
import type { Egress } from './egress/egress.ts';
import type { UnstoredEgress } from './egress/pooled-egress.ts';
import type { Targets } from './gateway/targets.ts';
import type { Route } from './http/serve.ts';
import { JobRunner } from './jobs/job-runner.ts';
import { createClearKeyRoute } from './keys/clear-key-route.ts';
import { connectKey } from './keys/connect-key.ts';
import type { EnvelopeStore } from './keys/envelope-store.ts';
import type { KeyParts } from './keys/key-parts.ts';
import { type Clock, createProber } from './keys/probe.ts';
import { refreshModels } from './keys/refresh-models.ts';
import { replaceKey } from './keys/replace-key.ts';
import type { SealingKeys } from './keys/sealing-keys.ts';
import { testKey } from './keys/test-key.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { ListedModel } from './models/model-lists.ts';
import { withoutRepeatedKeys } from './models/without-repeated-keys.ts';

export interface KeysOptions {
  readonly pool: Pool;
  readonly kekRing: KekRing;
  readonly sealingKeys: SealingKeys;
  readonly catalogue: Catalogue;
  readonly targets: Targets;
  readonly policy: EgressPolicy;
  readonly envelopes: EnvelopeStore;
  readonly egress: Egress & UnstoredEgress;
  readonly ledger: Ledger;
  readonly configurations: Configurations;
  readonly prepareExchange: PrepareExchange;
  readonly readModelList: (entry: CatalogueEntry, body: Buffer) => readonly ListedModel[];
  readonly scrubber: Scrubber;
  readonly log: Logger;
  /** For tests: see `ProberOptions`. */
  readonly unreachableMs?: number;
  readonly clock?: Clock;
  /** For tests: see `JobRunnerOptions`. */
  readonly leaseMs?: number;
}

export interface Keys {
  /** `start()` once, `wake()` when a job was queued, `stop(limitMs)` at the end. */
  readonly jobs: JobRunner;
  /** `POST /keys`; to be mounted only where clear keys are on. */
  clearKeyRoute(callers: CallerReader): Route;
}

/** Everything that handles pasted keys, and the jobs of the control plane. Nothing runs until `jobs.start()`. */
export function composeKeys(options: KeysOptions): Keys {
  const { pool, kekRing, egress, ledger, prepareExchange, readModelList, scrubber, log, unreachableMs } = options;
  const sql = answering(sqlOf(pool));
  const prober = createProber({
    egress,
    ledger,
    configurations: options.configurations,
    sql,
    prepareExchange,
    readModelList: withoutRepeatedKeys(readModelList, scrubber.scrubText),
    scrubber,
    ...(unreachableMs !== undefined && { unreachableMs }),
    ...(options.clock !== undefined && { clock: options.clock }),
  });
  const { sealingKeys, catalogue, targets, policy, envelopes } = options;
  const parts: KeyParts = {
    pool,
    sql,
    kekRing,
    sealingKeys,
    catalogue,
    targets,
    policy,
    envelopes,
    prober,
    now: Date.now,
  };
  const jobs = new JobRunner({
    sql,
    log,
    ...(options.leaseMs !== undefined && { leaseMs: options.leaseMs }),
    handlers: {
      'key.connect': (job, steps) => connectKey(parts, job, steps),
      'key.replace': (job, steps) => replaceKey(parts, job, steps),
      'key.test': (job, steps) => testKey(parts, job, steps),
      'models.refresh': (job) => refreshModels(parts, job),
      'audit.verify': (job) => verifyCompany(sql, kekRing, job.companyId ?? ''),
    },
  });
  return { jobs, clearKeyRoute: (callers) => createClearKeyRoute(parts, jobs, callers) };
}
