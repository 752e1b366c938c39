import { readFileSync, statSync } from 'node:fs';
import inspector from 'node:inspector';
import { checkSetting, findSetting, PROVIDER_BASE_URL_NAME, SETTINGS } from '@ownkey/contract/settings';
import { parseTrustedProxies, type TrustedProxies } from '@ownkey/guard/client-address';
import { type EgressPolicy, parseEgressAllow } from '@ownkey/guard/egress-policy';
import { LOG_LEVELS, type LogLevel } from '@ownkey/guard/log';
import { readTransit } from './config-transit.ts';
import { problemOfTls, type TlsFiles } from './http/tls.ts';
import type { TransitOptions } from './kek/transit.ts';

/** Everything the worker takes from outside. Made once at start; no other file reads the environment. */
export interface WorkerConfig {
  mode: 'development' | 'production';
  host: string;
  port: number;
  /** Address of the console, whose pages may hold the secure field; null = not told. */
  consoleUrl: string | null;
  databaseUrl: string;
  /** Address of the LISTEN connection: the database itself, not a transaction pooler. */
  listenDatabaseUrl: string;
  kekFile: string;
  /** null: the file holds the master key itself. */
  transit: TransitOptions | null;
  bodyBytesMax: number;
  trustedProxies: TrustedProxies;
  egress: EgressPolicy;
  /** Catalogue id → base URL used in place of the catalogue's, without trailing slash. */
  baseUrls: ReadonlyMap<string, string>;
  clearKeys: boolean;
  /** PEM texts and the files they are from, which are read again when they change; null = plain http. */
  tls: TlsFiles | null;
  /** PEM text of further authorities to trust in outgoing calls. */
  extraCa: string | null;
  connectTimeoutMs: number;
  headersTimeoutMs: number;
  idleTimeoutMs: number;
  logLevel: LogLevel;
}

/** Every problem of the environment at once, in sentences for the operator. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The worker does not start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

type Env = Readonly<Record<string, string | undefined>>;

/** What of the process itself is checked, beside its environment. */
export interface ProcessFacts {
  execArgv: readonly string[];
  inspectorUrl: string | undefined;
}

const DEFAULT_CONNECT_MS = 10_000;
/** Reasoning models may think for many minutes before the first byte of an unstreamed answer. */
const DEFAULT_HEADERS_MS = 600_000;
const DEFAULT_IDLE_MS = 300_000;

/**
 * Reads and checks the whole environment. `hasKek`: false where the master key file is still to be made.
 * @throws ConfigError with all problems, those that would weaken the isolation of keys included
 */
export function readConfig(env: Env = process.env, facts: ProcessFacts = processFacts(), hasKek = true): WorkerConfig {
  const problems = [...isolationProblems(env, facts)];
  const text = (name: string): string | null => readSetting(env, name, problems);
  const required = (name: string): string => {
    const value = text(name);
    if (value === null && !problems.some((problem) => problem.startsWith(name))) problems.push(`${name} must be set`);
    return value ?? '';
  };
  const number = (name: string, otherwise: number): number => Number(text(name) ?? otherwise);
  const production = env.OWNKEY_MODE !== 'development';
  const tls = readTls(text('OWNKEY_GATEWAY_TLS_CERT'), text('OWNKEY_GATEWAY_TLS_KEY'), problems);
  const clearKeys = text('OWNKEY_CLEAR_KEYS') === '1';
  if (clearKeys && production && tls === null) {
    problems.push('OWNKEY_CLEAR_KEYS=1 needs OWNKEY_GATEWAY_TLS_CERT and OWNKEY_GATEWAY_TLS_KEY in production');
  }
  const allow = parseEgressAllow(text('OWNKEY_EGRESS_ALLOW') ?? '');
  problems.push(...allow.problems.map((problem) => `OWNKEY_EGRESS_ALLOW: ${problem}`));
  const trusted = parseTrustedProxies(listOf(text('OWNKEY_TRUSTED_PROXIES')));
  problems.push(...trusted.problems.map((problem) => `OWNKEY_TRUSTED_PROXIES: ${problem}`));
  const kekFile = required('OWNKEY_KEK_FILE');
  if (hasKek) problems.push(...kekProblems(kekFile));
  const databaseUrl = required('OWNKEY_WORKER_DATABASE_URL');
  const extraCaFile = text('OWNKEY_EXTRA_CA_FILE');
  const config: WorkerConfig = {
    mode: production ? 'production' : 'development',
    host: text('OWNKEY_HOST') ?? '127.0.0.1',
    port: number('OWNKEY_GATEWAY_PORT', 8421),
    consoleUrl: text('OWNKEY_CONSOLE_URL'),
    databaseUrl,
    listenDatabaseUrl: text('OWNKEY_LISTEN_DATABASE_URL') ?? databaseUrl,
    kekFile,
    transit: readTransit(text, problems),
    bodyBytesMax: number('OWNKEY_BODY_MAX_BYTES', 33_554_432),
    trustedProxies: trusted.proxies,
    egress: allow.policy,
    baseUrls: readBaseUrls(env, problems),
    clearKeys,
    tls,
    extraCa: extraCaFile === null ? null : (readPem(extraCaFile, 'OWNKEY_EXTRA_CA_FILE', problems)?.toString() ?? null),
    connectTimeoutMs: number('OWNKEY_CONNECT_TIMEOUT_MS', DEFAULT_CONNECT_MS),
    headersTimeoutMs: number('OWNKEY_HEADERS_TIMEOUT_MS', DEFAULT_HEADERS_MS),
    idleTimeoutMs: number('OWNKEY_BODY_TIMEOUT_MS', DEFAULT_IDLE_MS),
    logLevel: readLogLevel(text('OWNKEY_LOG_LEVEL'), problems),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function processFacts(): ProcessFacts {
  return { execArgv: process.execArgv, inspectorUrl: inspector.url() };
}

/** What would let somebody read keys out of this process or its connections: it refuses to start with any of it. */
function* isolationProblems(env: Env, facts: ProcessFacts): Generator<string> {
  if (env.NODE_OPTIONS) yield 'NODE_OPTIONS is set: it can load code into the worker; unset it';
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    yield 'NODE_TLS_REJECT_UNAUTHORIZED=0 turns certificate checks off; use OWNKEY_EXTRA_CA_FILE for an authority of your own';
  }
  if (env.SSLKEYLOGFILE) yield 'SSLKEYLOGFILE writes the secrets of TLS connections to a file; unset it';
  for (const name of Object.keys(env)) {
    if (/^(?!no_|npm_)\w+_proxy$/i.test(name) && env[name]) yield `${name} is set: the worker calls providers directly`;
  }
  if (env.NODE_EXTRA_CA_CERTS && env.NODE_EXTRA_CA_CERTS !== env.OWNKEY_EXTRA_CA_FILE) {
    yield 'NODE_EXTRA_CA_CERTS is set: name the authority with OWNKEY_EXTRA_CA_FILE';
  }
  const flags = facts.execArgv.filter((flag) => /^--(?:inspect|debug|tls-keylog|heapsnapshot|heap-prof)/.test(flag));
  for (const flag of flags) yield `${flag.split('=')[0]} opens the worker's memory or connections; start without it`;
  if (facts.inspectorUrl !== undefined && flags.length === 0) yield 'an inspector is attached; start without it';
}

function readSetting(env: Env, name: string, problems: string[]): string | null {
  const value = env[name];
  if (value === undefined || value === '') return null;
  const setting = findSetting(name) ?? SETTINGS[name];
  const problem = setting ? checkSetting(name, setting, value) : null;
  if (problem === null) return value;
  problems.push(problem);
  return null;
}

function kekProblems(path: string): string[] {
  if (path === '') return [];
  try {
    const { mode } = statSync(path);
    return (mode & 0o077) === 0 ? [] : [`the master key file ${path} can be read by others; run: chmod 600 ${path}`];
  } catch {
    return [`the master key file ${path} is missing or cannot be read; \`ownkey init\` makes one`];
  }
}

function readTls(certPath: string | null, keyPath: string | null, problems: string[]): WorkerConfig['tls'] {
  if (certPath === null && keyPath === null) return null;
  if (certPath === null || keyPath === null) {
    problems.push('OWNKEY_GATEWAY_TLS_CERT and OWNKEY_GATEWAY_TLS_KEY must be set together');
    return null;
  }
  const cert = readPem(certPath, 'OWNKEY_GATEWAY_TLS_CERT', problems);
  const key = readPem(keyPath, 'OWNKEY_GATEWAY_TLS_KEY', problems);
  if (cert === null || key === null) return null;
  const problem = problemOfTls({ cert, key, certPath, keyPath });
  if (problem !== null) problems.push(problem);
  return { cert, key, certPath, keyPath };
}

function readPem(path: string, name: string, problems: string[]): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    problems.push(`${name} names a file that cannot be read (${path})`);
    return null;
  }
}

function readBaseUrls(env: Env, problems: string[]): Map<string, string> {
  const urls = new Map<string, string>();
  for (const name of Object.keys(env)) {
    if (!PROVIDER_BASE_URL_NAME.test(name)) continue;
    const url = readSetting(env, name, problems);
    if (url === null) continue;
    const id = name.slice('OWNKEY_PROVIDER_'.length, -'_BASE_URL'.length).toLowerCase().replaceAll('_', '-');
    urls.set(id, url.replace(/\/+$/, ''));
  }
  return urls;
}

function readLogLevel(value: string | null, problems: string[]): LogLevel {
  const level = LOG_LEVELS.find((known) => known === (value ?? 'info'));
  if (level === undefined) problems.push(`OWNKEY_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}`);
  return level ?? 'info';
}

function listOf(value: string | null): string[] {
  return (value ?? '').split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]));
}
