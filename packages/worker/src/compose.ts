import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Server as HttpsServer } from 'node:https';
import { fileURLToPath } from 'node:url';
import { endOnDefect } from '@ownkey/guard/end-on-defect';
import { createLogger } from '@ownkey/guard/log';
import { createScrubber } from '@ownkey/guard/scrub';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { prepareExchange } from '@ownkey/providers/exchange';
import { readModelList } from '@ownkey/providers/models';
import { writeError } from '@ownkey/providers/write-error';
import { AuditSealer } from './audit/sealer.ts';
import { composeGateway } from './compose-gateway.ts';
import { composeKeys } from './compose-keys.ts';
import type { WorkerConfig } from './config.ts';
import { answering, createPool, sqlOf } from './database.ts';
import { PooledEgress } from './egress/pooled-egress.ts';
import { readFieldFiles } from './field/field-files.ts';
import { createFieldRoute } from './field/field-route.ts';
import { createTargets } from './gateway/targets.ts';
import { closeConnections, createServer } from './http/server.ts';
import { keepTlsFresh } from './http/tls.ts';
import { checkMasterKeys } from './kek/check.ts';
import { KekKeeper } from './kek/keeper.ts';
import { loaderOf, openKekRing } from './kek/load-keks.ts';
import { EnvelopeStore } from './keys/envelope-store.ts';
import { markUndecryptable } from './keys/mark-undecryptable.ts';
import { destinationRecorder } from './keys/refusal-events.ts';
import { loadSealingKeys } from './keys/sealing-keys.ts';

/** A running worker. */
export interface Worker {
  readonly port: number;
  /** Lets running answers end for a moment, then ends what is left, settles it and closes everything. Idempotent. */
  stop(): Promise<void>;
}

const CATALOGUE = fileURLToPath(new URL('../../../catalogue', import.meta.url));
const FIELD_FILES = fileURLToPath(new URL('../../field/dist', import.meta.url));
/** Shares of the 4 s the supervisor gives a worker for its stop. */
const DRAIN_MS = 2_000;
/** For the last bytes of answers that were ended by us: they wait for their settlement. */
const LAST_BYTES_MS = 300;

/**
 * Composes and starts the worker: reads the master key, checks that it fits the database, listens on `handle` (the supervisor's
 * shared socket) or on its own port.
 * @throws KekError, WrongMasterKeyError, CatalogueError, the driver's error when the database cannot be reached
 */
export async function startWorker(config: WorkerConfig, handle: object | null = null): Promise<Worker> {
  const scrubber = createScrubber();
  const log = createLogger({
    name: 'worker',
    level: config.logLevel,
    scrubber,
    write: (line) => process.stdout.write(line),
  });
  const workerId = randomBytes(8).toString('hex');
  const kekRing = await openKekRing(config);
  const catalogue = loadCatalogue(CATALOGUE);
  const pool = createPool({ connectionString: config.databaseUrl, name: 'general', connectionsMax: 8, log });
  const ledgerPool = createPool({
    connectionString: config.databaseUrl,
    name: 'ledger',
    connectionsMax: 3,
    log,
  });
  const sql = sqlOf(pool);
  const targets = createTargets(catalogue, config.baseUrls);
  await checkMasterKeys(pool, kekRing, config.transit === null ? 'file' : 'transit');
  const sealingKeys = await loadSealingKeys(pool, kekRing);
  const keeper = new KekKeeper({
    sql,
    ring: kekRing,
    workerId,
    load: loaderOf(config),
    log,
  });
  const envelopes = new EnvelopeStore({
    sql,
    kekRing,
    scrubber,
    findKek: (kekId) => keeper.find(kekId),
    undecryptable: (key) => {
      log.error('a stored key does not open', { key_id: key.id, version: key.version });
      markUndecryptable(sql, key).catch((error: unknown) => log.error('its status could not be written', { error }));
    },
  });
  const egress = new PooledEgress({
    kekRing,
    destinationChanged: destinationRecorder(sql, (error) => log.error('a changed address is not recorded', { error })),
    envelopes,
    connectTimeoutMs: config.connectTimeoutMs,
    extraCa: config.extraCa,
    policy: config.egress,
    scrub: scrubber.scrubText,
    catalogueBaseUrl: (provider) => targets.baseUrlOf(provider),
  });
  const sealer = new AuditSealer({ pool, kekRing, log });
  const gateway = composeGateway({
    targets,
    prepareExchange,
    writeError,
    readModelList,
    egress,
    sql,
    ledgerSql: sqlOf(ledgerPool),
    listenDatabaseUrl: config.listenDatabaseUrl,
    workerId,
    trustedProxies: config.trustedProxies,
    bodyBytesMax: config.bodyBytesMax,
    headersTimeoutMs: config.headersTimeoutMs,
    idleTimeoutMs: config.idleTimeoutMs,
    scrubber,
    log,
    field: createFieldRoute({
      sql: answering(sql),
      sealingKeys,
      catalogue,
      targets,
      files: readFieldFiles(FIELD_FILES),
      consoleUrl: config.consoleUrl,
      now: Date.now,
    }),
    keys: ({ ledger, callers, configurations }) => {
      const keys = composeKeys({
        pool,
        kekRing,
        sealingKeys,
        catalogue,
        targets,
        policy: config.egress,
        envelopes,
        egress,
        ledger,
        configurations,
        prepareExchange,
        readModelList,
        scrubber,
        log,
      });
      return { clearKeyRoute: config.clearKeys ? keys.clearKeyRoute(callers) : null, jobs: keys.jobs };
    },
  });
  const { metrics } = gateway;
  metrics.gauge('ownkey_egress_calls', 'Calls running at providers.', () => egress.counts.calls);
  metrics.gauge('ownkey_egress_sockets', 'Connections to providers.', () => egress.counts.sockets);
  const server = createServer(gateway.serve, config.tls);
  const tls = config.tls !== null && server instanceof HttpsServer ? keepTlsFresh(server, config.tls, log) : null;
  endOnDefect((error) => log.fatal('the worker ends because of a defect', { error }));
  await keeper.start();
  server.listen(handle ?? { host: config.host, port: config.port });
  await once(server, 'listening');
  gateway.start();
  sealer.start();
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  log.info('worker started', { port, worker_id: workerId, providers: targets.providers.length });

  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    gateway.beginStop();
    server.close();
    await gateway.drained(DRAIN_MS);
    await egress.close();
    tls?.stop();
    await closeConnections(server, LAST_BYTES_MS);
    await sealer.stop();
    await keeper.stop();
    await gateway.close();
    await Promise.all([pool.end(), ledgerPool.end()]);
    log.info('worker stopped');
  };
  return {
    port,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
