import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseEgressAllow } from '@ownkey/guard/egress-policy';
import { createScrubber } from '@ownkey/guard/scrub';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import type { FastifyInstance } from 'fastify';
import { type Config, ConfigError } from './config.ts';
import { createApp } from './http/app.ts';
import { sessionCookieName } from './http/cookie.ts';
import type { Handlers } from './http/handler.ts';
import { accessHandlers } from './http/handlers/access.ts';
import { companyHandlers } from './http/handlers/companies.ts';
import { keyHandlers, platformKeyHandlers } from './http/handlers/keys.ts';
import { operatorHandlers } from './http/handlers/operator.ts';
import type { Parts } from './http/handlers/parts.ts';
import { providerHandlers } from './http/handlers/providers.ts';
import { signInHandlers } from './http/handlers/sign-in.ts';
import { createLog, type Log } from './platform/logger.ts';
import { createMetrics } from './platform/metrics.ts';
import { startUpkeep } from './platform/upkeep.ts';
import { openDatabase } from './storage/database.ts';
import { listenForJobs } from './storage/job-signals.ts';

const HERE = new URL('.', import.meta.url);
export const CATALOGUE = fileURLToPath(new URL('../../../catalogue', HERE));
const CONSOLE = fileURLToPath(new URL('../../console/dist', HERE));
const DOCS = fileURLToPath(new URL('../../../docs', HERE));
const PACKAGE = fileURLToPath(new URL('../package.json', HERE));

/** The server with all its parts. `close` ends what runs, then every connection; it may be called once. */
export interface Server {
  readonly app: FastifyInstance;
  readonly log: Log;
  close(): Promise<void>;
}

export interface ComposeOptions {
  /** Where log lines go; by default standard output. */
  readonly logTo?: { write(line: string): unknown };
  /** Gets the codes of password resets; by default they are lost until mail is set up. */
  readonly sendResetCode?: (email: string, code: string) => Promise<void>;
  /** Folder of the built console; by default the one beside this package, where it is built. */
  readonly consoleFiles?: string | null;
}

/** Puts the control plane together; it is not listening yet. @throws ConfigError, CatalogueError */
export async function composeServer(config: Config, options: ComposeOptions = {}): Promise<Server> {
  const { policy, problems } = parseEgressAllow(config.egressAllow);
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `OWNKEY_EGRESS_ALLOW: ${problem}`));
  const catalogue = loadCatalogue(CATALOGUE);
  const log = createLog(config.logLevel, createScrubber(), options.logTo);
  const database = openDatabase(config.databaseUrl, 10, (error) =>
    log.warn({ err: error }, 'database connection lost'),
  );
  const signals = listenForJobs(config.databaseUrl);
  const stopping = new AbortController();
  const secure = config.consoleUrl?.startsWith('https://') ?? false;
  const version = await readVersion();
  const { mode, hostName, consoleUrl, gatewayUrl, sandboxUrl, mailUrl } = config;
  const parts: Parts = {
    database,
    signals,
    catalogue,
    egress: policy,
    authSecret: config.authSecret,
    cookieName: sessionCookieName(secure),
    secure,
    version,
    installation: { mode, hostName, consoleUrl, gatewayUrl, sandboxUrl, mailUrl },
    sendResetCode:
      options.sendResetCode ?? (async () => log.warn('a password reset was asked for, but no mail is set up')),
  };
  const app = await createApp(handlersOf(parts), {
    database,
    authSecret: config.authSecret,
    cookieName: parts.cookieName,
    stopping: stopping.signal,
    log,
    metrics: createMetrics(),
    consoleOrigin: consoleUrl === null ? null : new URL(consoleUrl).origin,
    secure,
    trustedProxies: config.trustedProxies,
    consoleFiles: options.consoleFiles === undefined ? builtConsole() : options.consoleFiles,
    docs: existsSync(DOCS) ? DOCS : null,
    version,
  });
  const upkeep = startUpkeep(database, log);
  return {
    app,
    log,
    close: async () => {
      stopping.abort();
      upkeep.stop();
      await app.close();
      await signals.close();
      await database.close();
    },
  };
}

function handlersOf(parts: Parts): Handlers {
  return {
    ...signInHandlers(parts),
    ...companyHandlers(parts),
    ...providerHandlers(parts),
    ...keyHandlers(parts),
    ...accessHandlers(parts),
    ...platformKeyHandlers(parts),
    ...operatorHandlers(parts),
  };
}

function builtConsole(): string | null {
  return existsSync(CONSOLE) ? CONSOLE : null;
}

async function readVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(PACKAGE, 'utf8'));
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : null;
  return typeof version === 'string' ? version : '0.0.0';
}
