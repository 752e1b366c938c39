import { lookup as dnsLookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseEgressAllow } from '@ownkey/guard/egress-policy';
import { REFUSED_TOKENS_MAX, RefusedTokens } from '@ownkey/guard/refused-tokens';
import type { Lookup } from '@ownkey/guard/resolve';
import { createScrubber } from '@ownkey/guard/scrub';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import type { FastifyInstance } from 'fastify';
import { mailWay, startOutbox } from './compose-outbox.ts';
import { type Config, ConfigError } from './config.ts';
import { createTokenCounter } from './domain/estimate/token-counter.ts';
import { buildPrices } from './domain/prices/build-prices.ts';
import { keepPricesSeeded } from './domain/prices/keep-seeded.ts';
import { resetMailer } from './domain/sign-in/reset-mail.ts';
import type { SendResetCode } from './domain/sign-in/sign-in.ts';
import { createApp } from './http/app.ts';
import { sessionCookieName } from './http/cookie.ts';
import type { Handlers } from './http/handler.ts';
import { accessHandlers } from './http/handlers/access.ts';
import { alertHandlers } from './http/handlers/alerts.ts';
import { companyHandlers } from './http/handlers/companies.ts';
import { embedHandlers } from './http/handlers/embed.ts';
import { insightHandlers } from './http/handlers/insight.ts';
import { invitationHandlers } from './http/handlers/invitations.ts';
import { kekHandlers } from './http/handlers/kek.ts';
import { keyHandlers, platformKeyHandlers } from './http/handlers/keys.ts';
import { moneyHandlers } from './http/handlers/money.ts';
import { noticeHandlers } from './http/handlers/notices.ts';
import { operationHandlers } from './http/handlers/operations.ts';
import { operatorHandlers } from './http/handlers/operator.ts';
import type { Parts } from './http/handlers/parts.ts';
import { priceHandlers } from './http/handlers/prices.ts';
import { providerHandlers } from './http/handlers/providers.ts';
import { signInHandlers } from './http/handlers/sign-in.ts';
import { createAfterAnswers } from './platform/after-answers.ts';
import { createLog, type Log } from './platform/logger.ts';
import { createMetrics } from './platform/metrics.ts';
import { startUpkeep } from './platform/upkeep.ts';
import { openDatabase } from './storage/database.ts';
import { listenForJobs } from './storage/job-signals.ts';

const HERE = new URL('.', import.meta.url);
export const CATALOGUE = fileURLToPath(new URL('../../../catalogue', HERE));
const CONSOLE = fileURLToPath(new URL('../../console/dist', HERE));
const EMBED_SCRIPT = fileURLToPath(new URL('../../embed/dist/embed.js', HERE));
const DOCS = fileURLToPath(new URL('../../../docs', HERE));
const PACKAGE = fileURLToPath(new URL('../package.json', HERE));

/** The server with all its parts. `close` ends what runs, then every connection; it may be called once. */
export interface Server {
  readonly app: FastifyInstance;
  readonly log: Log;
  /** Resolves when what is done after answers is done. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface ComposeOptions {
  /** Where log lines go; by default standard output. */
  readonly logTo?: { write(line: string): unknown };
  /** Gets the codes of password resets; by default they go into the outbox, as a mail. */
  readonly sendResetCode?: SendResetCode;
  /** Whether what is in the outbox is sent; by default it is. */
  readonly dispatches?: boolean;
  /** Look-ups of names of webhooks; by default the system's. */
  readonly lookup?: Lookup;
  /** Folder of the built console; by default the one beside this package, where it is built. */
  readonly consoleFiles?: string | null;
  /** Wrong tokens in a minute from one client that get the ordinary answer. */
  readonly wrongTokensMax?: number;
}

/** Puts the control plane together; it is not listening yet. @throws ConfigError, CatalogueError */
export async function composeServer(config: Config, options: ComposeOptions = {}): Promise<Server> {
  const { policy, problems } = parseEgressAllow(config.egressAllow);
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `OWNKEY_EGRESS_ALLOW: ${problem}`));
  const catalogue = loadCatalogue(CATALOGUE);
  const prices = buildPrices(CATALOGUE, catalogue);
  const log = createLog(config.logLevel, createScrubber(), options.logTo);
  const database = openDatabase(config.databaseUrl, 10, (error) =>
    log.warn({ err: error }, 'database connection lost'),
  );
  const signals = listenForJobs(config.databaseUrl);
  const stopping = new AbortController();
  const secure = config.consoleUrl?.startsWith('https://') ?? false;
  const version = await readVersion();
  const { mode, hostName, consoleUrl, gatewayUrl, sandboxUrl, mailUrl, authSecret } = config;
  const lookup: Lookup = options.lookup ?? ((host) => dnsLookup(host, { all: true, verbatim: true }));
  const mail = mailWay(config);
  const tokenCounter = createTokenCounter({
    onBroken: (error) => log.warn({ err: error }, 'tokens cannot be counted: estimates go by the length of the text'),
  });
  const parts: Parts = {
    database,
    signals,
    catalogue,
    egress: policy,
    authSecret: config.authSecret,
    cookieName: sessionCookieName(secure),
    secure,
    version,
    kekEpoch: config.kekEpoch,
    installation: { mode, hostName, consoleUrl, gatewayUrl, sandboxUrl, mailUrl, mail },
    lookup,
    tokenCounter,
    sendResetCode: options.sendResetCode ?? resetMailer(authSecret),
    afterAnswers: createAfterAnswers(log),
    log,
  };
  const app = await createApp(handlersOf(parts), {
    database,
    authSecret: config.authSecret,
    cookieName: parts.cookieName,
    refused: new RefusedTokens({ max: options.wrongTokensMax ?? REFUSED_TOKENS_MAX }),
    stopping: stopping.signal,
    log,
    metrics: createMetrics(),
    consoleOrigin: consoleUrl === null ? null : new URL(consoleUrl).origin,
    gatewayUrl,
    secure,
    trustedProxies: config.trustedProxies,
    consoleFiles: options.consoleFiles === undefined ? builtConsole() : options.consoleFiles,
    embedScript: findEmbedScript(),
    docs: existsSync(DOCS) ? DOCS : null,
    version,
  });
  const upkeep = startUpkeep(database, log);
  const outbox =
    options.dispatches === false ? null : startOutbox(config, { database, log, policy, lookup, version, catalogue });
  const seeding = await keepPricesSeeded(database, prices, log);
  return {
    app,
    log,
    settled: () => parts.afterAnswers.settled(),
    close: async () => {
      stopping.abort();
      await upkeep.stop();
      seeding.stop();
      await app.close();
      await parts.afterAnswers.settled();
      await tokenCounter.close();
      await outbox?.stop();
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
    ...kekHandlers(parts),
    ...moneyHandlers(parts),
    ...insightHandlers(parts),
    ...embedHandlers(parts),
    ...operationHandlers(parts),
    ...alertHandlers(parts),
    ...noticeHandlers(parts),
    ...invitationHandlers(parts),
    ...priceHandlers(parts),
  };
}

function builtConsole(): string | null {
  return existsSync(CONSOLE) ? CONSOLE : null;
}

/** The element for hosts, where it was built. A folder that is not there is none the process may ask about. */
function findEmbedScript(): string | null {
  try {
    return existsSync(EMBED_SCRIPT) ? EMBED_SCRIPT : null;
  } catch {
    return null;
  }
}

async function readVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(PACKAGE, 'utf8'));
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : null;
  return typeof version === 'string' ? version : '0.0.0';
}
