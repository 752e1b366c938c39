/** A worker's key handling on a real database, with the sandbox or any other server as providers. */
import { newId } from '@ownkey/contract/ids';
import type { JobFailure, JobKind, JobPayloads, JobResults, JobStep } from '@ownkey/contract/jobs';
import { parseEgressAllow } from '@ownkey/guard/egress-policy';
import type { Lookup } from '@ownkey/guard/resolve';
import { createScrubber } from '@ownkey/guard/scrub';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { prepareExchange } from '@ownkey/providers/exchange';
import { readModelList } from '@ownkey/providers/models';
import type { SealContext } from '@ownkey/vault/context';
import type { KekRing } from '@ownkey/vault/kek';
import { newKeyId, newNonce } from '@ownkey/vault/mint';
import { sealKey } from '@ownkey/vault/seal';
import { Configurations } from '@ownkey/worker/access/configurations';
import { composeKeys, type Keys } from '@ownkey/worker/compose-keys';
import { createPool, sqlOf } from '@ownkey/worker/database';
import { PooledEgress } from '@ownkey/worker/egress/pooled-egress';
import { createTargets } from '@ownkey/worker/gateway/targets';
import { EnvelopeStore } from '@ownkey/worker/keys/envelope-store';
import { markUndecryptable } from '@ownkey/worker/keys/mark-undecryptable';
import type { Clock } from '@ownkey/worker/keys/probe';
import { loadSealingKeys } from '@ownkey/worker/keys/sealing-keys';
import { PostgresLedger } from '@ownkey/worker/ledger/postgres-ledger';
import type { Client, Pool } from 'pg';
import { CATALOGUE_DIRECTORY } from './catalogue-directory.ts';
import { testRing, until } from './egress.ts';
import { quiet } from './quiet-log.ts';

export interface JobOutcome<Kind extends JobKind> {
  id: string;
  state: 'done' | 'failed';
  result: JobResults[Kind] | null;
  failure: JobFailure | null;
  steps: JobStep[];
  sealed: string | null;
}

export interface KeyWorker {
  keys: Keys;
  egress: PooledEgress;
  envelopes: EnvelopeStore;
  ring: KekRing;
  pool: Pool;
  close(): Promise<void>;
}

export interface KeyWorkerOptions {
  baseUrls?: ReadonlyMap<string, string>;
  /** `host:port,…` that may be called. */
  listed: string;
  ring?: KekRing;
  unreachableMs?: number;
  clock?: Clock;
  /** In the place of the name server. */
  lookup?: Lookup;
  /** After which a running job counts as a dead worker's. */
  leaseMs?: number;
  /** false = jobs wait until `keys.jobs.start()`. */
  start?: boolean;
}

export async function startKeyWorker(workerUrl: string, options: KeyWorkerOptions): Promise<KeyWorker> {
  const ring = options.ring ?? testRing();
  const catalogue = loadCatalogue(CATALOGUE_DIRECTORY);
  const targets = createTargets(catalogue, options.baseUrls ?? new Map());
  const { policy } = parseEgressAllow(options.listed);
  const pool = createPool({ connectionString: workerUrl, name: 'keys', connectionsMax: 8, log: quiet });
  const ledgerPool = createPool({ connectionString: workerUrl, name: 'ledger', connectionsMax: 3, log: quiet });
  const sql = sqlOf(pool);
  const scrubber = createScrubber();
  const sealingKeys = await loadSealingKeys(pool, ring);
  const envelopes = new EnvelopeStore({
    sql,
    kekRing: ring,
    scrubber,
    undecryptable: (key) => void markUndecryptable(sql, key).catch(() => {}),
  });
  const egress = new PooledEgress({
    kekRing: ring,
    envelopes,
    connectTimeoutMs: 2_000,
    extraCa: null,
    scrub: scrubber.scrubText,
    policy,
    catalogueBaseUrl: (provider) => targets.baseUrlOf(provider),
    ...(options.lookup !== undefined && { lookup: options.lookup }),
  });
  const ledger = new PostgresLedger({ sql: sqlOf(ledgerPool), workerId: 'test', log: quiet });
  const keys = composeKeys({
    configurations: new Configurations(sql),
    pool,
    kekRing: ring,
    sealingKeys,
    catalogue,
    targets,
    policy,
    envelopes,
    egress,
    ledger,
    prepareExchange,
    readModelList,
    scrubber,
    log: quiet,
    unreachableMs: options.unreachableMs ?? 200,
    ...(options.clock !== undefined && { clock: options.clock }),
    ...(options.leaseMs !== undefined && { leaseMs: options.leaseMs }),
  });
  if (options.start !== false) keys.jobs.start();
  return {
    keys,
    egress,
    envelopes,
    ring,
    pool,
    async close() {
      await keys.jobs.stop(5_000);
      await egress.close();
      await ledger.close(2_000);
      await Promise.all([pool.end(), ledgerPool.end()]);
    },
  };
}

type ConnectPayload = JobPayloads['key.connect'];

/** What the control plane would write for this key; `change` bends it. */
export function connectPayload(provider: string, change: Partial<ConnectPayload> = {}): ConnectPayload {
  return {
    key_id: newKeyId(),
    owner: 'company',
    user_id: null,
    provider,
    slug: null,
    preset: null,
    base_url: null,
    label: 'test',
    save: true,
    keep: false,
    on_failure: null,
    keyless: false,
    ...change,
  };
}

/** Seals as a browser does, with the newest sealing key of the database. */
export async function sealFor(
  client: Client,
  clearKey: string | Uint8Array,
  context: Pick<SealContext, 'company' | 'provider' | 'key_id'> & Partial<SealContext>,
): Promise<string> {
  const { rows } = await client.query<{ kid: string; public_key: Buffer }>(
    'SELECT kid, public_key FROM ownkey.sealing_keys ORDER BY created_at DESC LIMIT 1',
  );
  const [key] = rows;
  if (!key) throw new Error('no sealing key');
  return sealKey({
    publicKey: key.public_key.toString('base64url'),
    kid: key.kid,
    clearKey: Buffer.from(clearKey),
    context: {
      user: null,
      version: 1,
      destination: `catalogue:${context.provider}`,
      nonce: newNonce(),
      exp: Math.floor(Date.now() / 1000) + 300,
      ...context,
    },
  });
}

/** Orders a job as the control plane does. */
export async function orderJob<Kind extends JobKind>(
  owner: Client,
  kind: Kind,
  companyId: string | null,
  payload: JobPayloads[Kind],
  sealed: string | null = null,
): Promise<string> {
  const id = newId('job');
  await owner.query(
    'INSERT INTO ownkey.worker_jobs (id, kind, company_id, payload, sealed, actor) VALUES ($1, $2, $3, $4, $5, $6)',
    [id, kind, companyId, JSON.stringify(payload), sealed, 'usr_test'],
  );
  return id;
}

/** Orders a job, wakes the worker and waits for its end. */
export async function runJob<Kind extends JobKind>(
  worker: KeyWorker,
  owner: Client,
  kind: Kind,
  companyId: string | null,
  payload: JobPayloads[Kind],
  sealed: string | null = null,
): Promise<JobOutcome<Kind>> {
  const id = await orderJob(owner, kind, companyId, payload, sealed);
  worker.keys.jobs.wake();
  return awaitJob(owner, id);
}

export async function awaitJob<Kind extends JobKind>(owner: Client, id: string): Promise<JobOutcome<Kind>> {
  for (let tries = 0; tries < 600; tries++) {
    const { rows } = await owner.query('SELECT state, result, steps, sealed FROM ownkey.worker_jobs WHERE id = $1', [
      id,
    ]);
    const [row] = rows;
    if (row.state === 'done') return { id, ...row, failure: null };
    if (row.state === 'failed') return { id, ...row, result: null, failure: row.result };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`job ${id} did not end`);
}

/** Seals and connects in one go. */
export async function connect(
  worker: KeyWorker,
  owner: Client,
  companyId: string | null,
  clearKey: string | Uint8Array,
  payload: ConnectPayload,
  change: Partial<SealContext> = {},
): Promise<JobOutcome<'key.connect'>> {
  const destination = payload.base_url === null ? `catalogue:${payload.provider}` : new URL(payload.base_url).origin;
  const context = { company: companyId ?? 'platform', user: payload.user_id, provider: payload.provider, destination };
  const sealed = await sealFor(owner, clearKey, { ...context, key_id: payload.key_id, ...change });
  return runJob(worker, owner, 'key.connect', companyId, payload, sealed);
}

export { until };
