import type { PrepareExchange, ProviderFailure } from '@ownkey/contract/dialect';
import type { CatalogueEntry, Wire } from '@ownkey/contract/provider';
import { clientAddress, type TrustedProxies } from '@ownkey/guard/client-address';
import type { Logger } from '@ownkey/guard/log';
import { REFUSED_TOKENS_MAX, RefusedTokens } from '@ownkey/guard/refused-tokens';
import type { Scrubber } from '@ownkey/guard/scrub';
import { maxOutputTokens } from '@ownkey/providers/catalogue';
import { type CallerReader, createCallerReader } from './access/caller.ts';
import { Configurations } from './access/configurations.ts';
import { createUser, noteExpiredUse, type Sql } from './access/load.ts';
import { answering } from './database.ts';
import type { Egress } from './egress/egress.ts';
import { Listener } from './freshness/listener.ts';
import { RunningCompanies } from './freshness/running-companies.ts';
import { RunningKeys } from './freshness/running-keys.ts';
import { singleCheck } from './freshness/single-check.ts';
import { AnswerMemory } from './gateway/answer-memory.ts';
import type { GatewayParts } from './gateway/serve-call.ts';
import type { Targets } from './gateway/targets.ts';
import { KeyHealth } from './health/key-health.ts';
import { BodyBudget } from './http/body.ts';
import { Metrics } from './http/metrics.ts';
import { createServe, type Route } from './http/serve.ts';
import type { Serve } from './http/server.ts';
import type { JobRunner } from './jobs/job-runner.ts';
import type { Ledger } from './ledger/ledger.ts';
import { PostgresLedger } from './ledger/postgres-ledger.ts';
import { type ListedModel, ModelLists } from './models/model-lists.ts';
import { createModelsRoutes } from './models/models-route.ts';
import { withoutRepeatedKeys } from './models/without-repeated-keys.ts';

export interface GatewayOptions {
  targets: Targets;
  prepareExchange: PrepareExchange;
  writeError: (wire: Wire, failure: ProviderFailure) => Buffer;
  readModelList: (entry: CatalogueEntry, body: Buffer) => readonly ListedModel[];
  egress: Egress;
  sql: Sql;
  /** A pool of its own: the ledger never waits behind other queries. */
  ledgerSql: Sql;
  listenDatabaseUrl: string;
  workerId: string;
  trustedProxies: TrustedProxies;
  bodyBytesMax: number;
  headersTimeoutMs: number;
  idleTimeoutMs: number;
  limits?: Partial<GatewayLimits>;
  scrubber: Scrubber;
  log: Logger;
  /** `GET /field…`. */
  field: Route;
  /** What handles keys and jobs, made of what the gateway offers. */
  keys: (offered: { ledger: Ledger; callers: CallerReader; configurations: Configurations }) => KeysOfGateway;
}

export interface KeysOfGateway {
  /** `POST /keys`; null = off. */
  clearKeyRoute: Route | null;
  jobs: Pick<JobRunner, 'start' | 'wake' | 'stop'>;
}

export interface Gateway {
  serve: Serve;
  ledger: Ledger;
  listener: Listener;
  configurations: Configurations;
  modelLists: ModelLists;
  metrics: Metrics;
  /** Begins listening to the database and taking jobs; call it once the port is open. */
  start(): void;
  /** New calls are refused from here on. */
  beginStop(): void;
  /** Resolves when no call runs, at the latest after `limitMs`. */
  drained(limitMs: number): Promise<void>;
  /** Ends background work and settles what is open. The pools stay the caller's to end. */
  close(): Promise<void>;
}

export interface GatewayLimits {
  /** Largest answer that is held in memory to be translated; all of a company, and all of the worker. */
  answerBytesMax: number;
  companyAnswerBytesMax: number;
  allAnswerBytesMax: number;
  /** Longest time a caller may take nothing of its answer. */
  stallMs: number;
  /** Longest pause within a request's body, and longest time for all of it. */
  bodyIdleMs: number;
  bodyMs: number;
  /** Wrong tokens in a minute from one client. */
  wrongTokensMax: number;
}

const LIMITS: GatewayLimits = {
  answerBytesMax: 64 * 1024 * 1024,
  companyAnswerBytesMax: 96 * 1024 * 1024,
  allAnswerBytesMax: 384 * 1024 * 1024,
  stallMs: 120_000,
  bodyIdleMs: 15_000,
  bodyMs: 240_000,
  wrongTokensMax: REFUSED_TOKENS_MAX,
};

/** Everything between the caller's socket and egress, wired. Nothing runs until `start()` and the first request. */
export function composeGateway(options: GatewayOptions): Gateway {
  const { egress, log, scrubber, targets, workerId } = options;
  const sql = answering(options.sql);
  const limits = { ...LIMITS, ...options.limits };
  const configurations = new Configurations(sql);
  const callers = createCallerReader({
    configurations,
    createUser: (companyId, externalId) => createUser(sql, companyId, externalId),
    expiredUse: (tokenId) => {
      noteExpiredUse(sql, tokenId).catch((error: unknown) =>
        log.warn('the use of an expired token is not recorded', { error }),
      );
    },
    now: Date.now,
  });
  const refused = new RefusedTokens({ max: limits.wrongTokensMax });
  const health = new KeyHealth({ sql, scrubber, log, now: Date.now });
  const ledger = new PostgresLedger({ sql: options.ledgerSql, workerId, log });
  const modelLists = new ModelLists({
    sql,
    ledger,
    egress,
    targets,
    readModelList: withoutRepeatedKeys(options.readModelList, scrubber.scrubText),
    log,
    now: Date.now,
  });
  const runningKeys = new RunningKeys(options.sql, (keyId, version) => egress.closeKey(keyId, version));
  const runningCompanies = new RunningCompanies(options.sql);
  const check = singleCheck(async () => {
    await runningKeys.check();
    await runningCompanies.check();
  }, log);
  const keys = options.keys({ ledger, callers, configurations });
  const listener = new Listener({
    connectionString: options.listenDatabaseUrl,
    workerId,
    log,
    events: {
      configChanged: (companyId) => configurations.drop(companyId),
      keyGone: (keyId, version) => {
        modelLists.forget(keyId);
        egress.closeKey(keyId, version);
      },
      companyGone: (companyId) => {
        configurations.drop(companyId);
        runningCompanies.endAll(companyId);
      },
      jobQueued: () => keys.jobs.wake(),
      unsure: check,
    },
  });

  const bodyBudget = new BodyBudget(Math.max(options.bodyBytesMax * 4, 256 * 1024 * 1024));
  const answerMemory = new AnswerMemory({
    answerBytesMax: limits.answerBytesMax,
    companyBytesMax: limits.companyAnswerBytesMax,
    bytesMax: limits.allAnswerBytesMax,
  });
  const refusedAdditions = new Map<string, ProviderFailure>();
  let stopping = false;
  const gateway: GatewayParts = {
    egress,
    ledger,
    scrubber,
    log,
    headersTimeoutMs: options.headersTimeoutMs,
    idleTimeoutMs: options.idleTimeoutMs,
    stallMs: limits.stallMs,
    writeError: options.writeError,
    addedParametersRefused: (route, failure) => {
      if (refusedAdditions.size < 10_000) refusedAdditions.set(route.target.baseUrl, failure);
    },
    enterKey: (keyId, version) => runningKeys.enter(keyId, version),
    health,
    enterCompany: (companyId, end) => runningCompanies.enter(companyId, end),
    callers,
    targets,
    listModels: async (caller, connected) => (await modelLists.list(caller, connected)).map((model) => model.id),
    modelMaxTokens: ({ key, target, model }) =>
      modelLists.known(key, model)?.maxOutputTokens ?? maxOutputTokens(target.entry, model),
    now: Date.now,
    prepareExchange: options.prepareExchange,
    bodyLimits: { bytesMax: options.bodyBytesMax, idleTimeoutMs: limits.bodyIdleMs, timeoutMs: limits.bodyMs },
    bodyBudget,
    answerBytesMax: limits.answerBytesMax,
    answerMemory,
    refusedAdditions,
  };
  const metrics = new Metrics();
  metrics.gauge('ownkey_gateway_answer_bytes', 'Memory held by answers.', () => answerMemory.bytes);
  metrics.gauge('ownkey_gateway_body_bytes', 'Memory held by request bodies.', () => bodyBudget.bytes);
  metrics.gauge('ownkey_ledger_open', 'Calls reserved and not yet settled.', () => ledger.open);
  metrics.gauge('ownkey_ledger_unsettled', 'Settlements not yet committed.', () => ledger.unsettled);
  metrics.gauge('ownkey_notifications', '1 while notifications of the database arrive.', () =>
    listener.isSure ? 1 : 0,
  );
  const serve = createServe({
    gateway,
    ...createModelsRoutes({ callers, configurations, targets, lists: modelLists }),
    field: options.field,
    clearKeys: keys.clearKeyRoute,
    unready: () => unready(options.sql),
    isStopping: () => stopping,
    asAnswered: ({ socket, headers }, error) =>
      refused.answer(
        error,
        clientAddress(socket.remoteAddress ?? '', oneOf(headers['x-forwarded-for']), options.trustedProxies),
      ),
    metrics,
    log,
  });
  return {
    serve,
    ledger,
    listener,
    configurations,
    modelLists,
    metrics,
    start: () => {
      listener.start();
      keys.jobs.start();
    },
    beginStop: () => {
      stopping = true;
    },
    async drained(limitMs) {
      const end = performance.now() + limitMs;
      while (ledger.open > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    },
    async close() {
      stopping = true;
      await keys.jobs.stop(500);
      await listener.stop();
      await ledger.close(1_000);
    },
  };
}

/** Headers that came twice are joined by Node, but for types that say they may not be. */
function oneOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header;
}

async function unready(sql: Sql): Promise<string | null> {
  try {
    await sql.query('SELECT 1', []);
    return null;
  } catch {
    return 'the database does not answer';
  }
}
