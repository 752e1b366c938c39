import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from '../postgres/server-process.ts';
import { readOrCreateSecret } from '../secret-file.ts';
import type { Settings } from '../settings.ts';
import { type ChildEvent, type ChildSpec, type SupervisedChild, startChild } from './child.ts';
import type { Custodian } from './custodian.ts';
import { type Databases, openDatabases } from './database.ts';
import {
  type SandboxWhereabouts,
  sandboxEnvironment,
  serverEnvironment,
  serverFlagsOf,
  type Whereabouts,
  workerEnvironment,
  workerFlagsOf,
} from './environment.ts';
import { readFingerprint } from './fingerprint.ts';
import { startCustodian } from './keep-custody.ts';
import { assertPortFree, bindSharedListener, type SharedListener } from './listener.ts';
import { localUrl } from './local-url.ts';
import { programPath } from './programs.ts';
import { waitForReadiness } from './readiness.ts';
import { readSandboxFacts, type SandboxFacts } from './sandbox-facts.ts';

/** The parts of an installation that run now. */
export interface Installation {
  readonly consoleUrl: string;
  readonly gatewayUrl: string;
  /** Of the key that browsers and SDKs seal for. */
  readonly fingerprint: string | null;
  readonly sandbox: SandboxFacts | null;
  readonly databases: Databases;
  pids(): InstallationPids;
  /** Stops workers, server, sandbox, database, in this order, within 10 s. Idempotent. */
  stop(): Promise<void>;
}

export interface InstallationPids {
  readonly server: number | null;
  readonly workers: readonly number[];
  readonly database: number | null;
  readonly sandbox: number | null;
}

export interface InstallationOptions {
  readonly mode: Whereabouts['mode'];
  readonly settings: Settings;
  /** How long ports may still be held by the processes of a killed run. */
  readonly portPatienceMs: number;
  /** Plain progress and incidents, one line each. */
  say(line: string): void;
  /** Something was restarted: process ids have changed. */
  changed(): void;
  /** Aborted when the operator stops it while it still starts. */
  readonly aborted: AbortSignal;
}

/** Shares of the 10 s a stop may take. The workers let running answers end; the database writes its last checkpoint. */
const STOP_MS = { workers: 4000, server: 2000, sandbox: 700, databaseFast: 1800, databaseImmediate: 700 } as const;
const READY_LIMIT_MS = 60_000;

/**
 * Starts everything in the order database and sandbox, then server and workers, and resolves once both planes answer
 * `/readyz`. The caller holds the lock of the data directory. When a part does not start, the others are stopped again.
 */
export async function startInstallation(options: InstallationOptions): Promise<Installation> {
  const parts = new Parts();
  try {
    return await assemble(options, parts);
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

/** What was started so far, so that a stop at any moment finds it. */
class Parts {
  listener: SharedListener | null = null;
  readonly workers: SupervisedChild[] = [];
  server: SupervisedChild | null = null;
  sandbox: SupervisedChild | null = null;
  databases: Databases | null = null;
  custodian: Custodian | null = null;
  #stopped: Promise<void> | null = null;

  stop(): Promise<void> {
    this.#stopped ??= this.#stopInOrder();
    return this.#stopped;
  }

  async #stopInOrder(): Promise<void> {
    this.listener?.close();
    await Promise.all(this.workers.map((worker) => worker.stop(STOP_MS.workers)));
    await this.server?.stop(STOP_MS.server);
    await this.sandbox?.stop(STOP_MS.sandbox);
    await this.custodian?.stop();
    await this.databases?.stop({ fastMs: STOP_MS.databaseFast, immediateMs: STOP_MS.databaseImmediate });
  }
}

async function assemble(options: InstallationOptions, parts: Parts): Promise<Installation> {
  const { settings, say, aborted, mode } = options;
  const log = logsOf(settings, mode);
  await assertPortFree(settings.host, settings.port, 'OWNKEY_PORT', options.portPatienceMs);
  parts.listener = await bindSharedListener(
    settings.host,
    settings.gatewayPort,
    'OWNKEY_GATEWAY_PORT',
    options.portPatienceMs,
  );

  // Both at once; both are awaited even when one fails, so that nothing is left running behind the other's error.
  const [database, sandbox] = await Promise.allSettled([
    startDatabase(options, parts),
    startSandbox(options, parts, log),
  ]);
  if (database.status === 'rejected') throw database.reason;
  if (sandbox.status === 'rejected') throw sandbox.reason;
  const databases = database.value;
  aborted.throwIfAborted();

  // Before any worker: a key that was removed must not be used between the start on a restored backup and its second removal.
  parts.custodian = await startCustodian(settings, () => databases.workerUrl(), say);

  const where = whereabouts(
    options,
    parts.listener.port,
    settings.port === 0 ? await findFreePort() : settings.port,
    sandbox.value,
  );
  const authSecret = readOrCreateSecret(join(settings.dataDirectory, 'auth.secret'));
  const child = (
    name: string,
    spec: Pick<ChildSpec, 'program' | 'flags' | 'environment' | 'listener'>,
  ): Promise<SupervisedChild> =>
    startChild({ ...spec, name, aborted, log: log(name), report: (event) => reportEvent(name, event, options) });

  const starting: Promise<unknown>[] = [
    child('server', {
      program: programPath('server'),
      flags: () => serverFlagsOf(settings),
      environment: () => serverEnvironment(settings, where, databases.controlUrl(), authSecret),
    }).then((server) => {
      parts.server = server;
    }),
  ];
  for (let n = 1; n <= settings.workers; n += 1) {
    starting.push(
      child(`worker ${n}`, {
        program: programPath('worker'),
        flags: () => workerFlagsOf(settings),
        environment: () => workerEnvironment(settings, where, databases.workerUrl()),
        listener: parts.listener,
      }).then((worker) => parts.workers.push(worker)),
    );
  }
  const results = await Promise.allSettled(starting);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  await waitForReadiness('server', localUrl(settings.host, where.serverPort), READY_LIMIT_MS, aborted);
  await waitForReadiness('gateway', localUrl(settings.host, where.gatewayPort), READY_LIMIT_MS, aborted);
  say('Both planes are ready.');
  return {
    consoleUrl: where.consoleUrl,
    gatewayUrl: where.gatewayUrl,
    fingerprint: await readFingerprint(localUrl(settings.host, where.gatewayPort)),
    sandbox: sandbox.value,
    databases,
    pids: () => ({
      server: parts.server?.pid() ?? null,
      workers: parts.workers.map((worker) => worker.pid()).filter((pid) => pid !== null),
      database: parts.databases?.pid() ?? null,
      sandbox: parts.sandbox?.pid() ?? null,
    }),
    stop: () => parts.stop(),
  };
}

async function startDatabase(options: InstallationOptions, parts: Parts): Promise<Databases> {
  const { settings, say } = options;
  const databases = await openDatabases(settings, {
    say,
    restarted: (moved) => {
      say('The database runs again.');
      if (moved) for (const child of [...parts.workers, parts.server]) child?.renew();
      options.changed();
    },
  });
  parts.databases = databases;
  // A database given by address is migrated by `ownkey migrate` in production, where more than one version may run.
  if (!databases.embedded && options.mode === 'production') return databases;
  const applied = await databases.migrate();
  if (applied !== null && applied.length > 0) say(`Applied ${applied.length} migrations.`);
  return databases;
}

async function startSandbox(
  options: InstallationOptions,
  parts: Parts,
  log: (name: string) => string | 'inherit',
): Promise<SandboxFacts | null> {
  const { settings } = options;
  if (options.mode === 'production') return null;
  await assertPortFree(settings.host, settings.sandboxPort, 'OWNKEY_SANDBOX_PORT', options.portPatienceMs);
  let port = settings.sandboxPort;
  const sandbox = await startChild({
    name: 'sandbox',
    program: programPath('sandbox'),
    flags: () => [],
    environment: () => sandboxEnvironment(settings, port),
    log: log('sandbox'),
    aborted: options.aborted,
    report: (event) => reportEvent('sandbox', event, options),
  });
  parts.sandbox = sandbox;
  const info = sandbox.info();
  if (info === null) throw new Error('The sandbox ended right after its start');
  port = info.port; // A restarted sandbox keeps its address.
  return readSandboxFacts(localUrl(settings.host, info.port));
}

function whereabouts(
  options: InstallationOptions,
  gatewayPort: number,
  serverPort: number,
  sandbox: SandboxFacts | null,
): Whereabouts {
  const { settings, mode } = options;
  const running: SandboxWhereabouts | null = sandbox === null ? null : { url: sandbox.url, baseUrls: sandbox.baseUrls };
  return {
    mode,
    serverPort,
    gatewayPort,
    consoleUrl: settings.consoleUrl ?? localUrl(settings.host, serverPort),
    gatewayUrl: settings.gatewayUrl ?? localUrl(settings.host, gatewayPort),
    sandbox: running,
  };
}

/** Development logs to files, so that the terminal keeps the addresses in sight; production to this process's own output. */
function logsOf(settings: Settings, mode: Whereabouts['mode']): (name: string) => string | 'inherit' {
  if (mode === 'production') return () => 'inherit';
  const folder = join(settings.dataDirectory, 'logs');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  return (name) => join(folder, `${name.replace(' ', '-')}.log`);
}

function reportEvent(name: string, event: ChildEvent, options: InstallationOptions): void {
  if (event.type === 'died') {
    options.say(`The ${name} ended (${event.how}); starting it again in ${event.restartInMs / 1000} s.`);
    if (event.output !== '') options.say(event.output.split('\n').slice(-5).join('\n'));
  } else if (event.restarts > 0) {
    // What reads dev.json on this line finds the new process in it.
    options.changed();
    options.say(`The ${name} runs again (process ${event.pid}).`);
  }
}
