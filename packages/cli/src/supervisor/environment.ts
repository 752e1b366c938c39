import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../settings.ts';
import { INSTALLATION, readablePaths } from './programs.ts';
import { seedFlags, serverFlags, workerFlags } from './worker-flags.ts';

/** Where the running parts are, as far as they are known when a process starts. */
export interface Whereabouts {
  readonly mode: 'development' | 'production';
  readonly consoleUrl: string;
  readonly gatewayUrl: string;
  readonly serverPort: number;
  readonly gatewayPort: number;
  readonly sandbox: SandboxWhereabouts | null;
}

export interface SandboxWhereabouts {
  readonly url: string;
  /** Provider id → base URL of its simulation. */
  readonly baseUrls: Readonly<Record<string, string>>;
}

type Environment = Record<string, string>;

/** The whole environment of a child: nothing is inherited, so no NODE_OPTIONS, proxy or key of the operator's shell gets in. */
function base(settings: Settings, mode: Whereabouts['mode']): Environment {
  return {
    NODE_ENV: 'production',
    TZ: 'UTC',
    OWNKEY_MODE: mode,
    OWNKEY_HOST: settings.host,
    ...(settings.extraCaFile === null ? {} : { NODE_EXTRA_CA_CERTS: settings.extraCaFile }),
  };
}

/** The server's environment: its own database address and no path of the master key, no data folder, no worker's address. */
export function serverEnvironment(
  settings: Settings,
  where: Whereabouts,
  controlUrl: string,
  authSecret: string,
): Environment {
  return {
    ...base(settings, where.mode),
    OWNKEY_AUTH_SECRET: authSecret,
    ...(where.sandbox === null ? {} : { OWNKEY_EGRESS_ALLOW: new URL(where.sandbox.url).host }),
    ...settings.givenTo('server'),
    OWNKEY_PORT: String(where.serverPort),
    OWNKEY_CONSOLE_URL: where.consoleUrl,
    OWNKEY_GATEWAY_URL: where.gatewayUrl,
    OWNKEY_CONTROL_DATABASE_URL: controlUrl,
    ...(where.sandbox === null ? {} : sandboxAddresses(where.sandbox.url)),
  };
}

/** The worker's environment: its own database address and the path of the master key, never the server's address. */
export function workerEnvironment(settings: Settings, where: Whereabouts, workerUrl: string): Environment {
  return {
    ...base(settings, where.mode),
    ...(where.sandbox === null ? {} : sandboxEgress(where.sandbox)),
    ...settings.givenTo('worker'),
    OWNKEY_GATEWAY_PORT: String(where.gatewayPort),
    OWNKEY_CONSOLE_URL: where.consoleUrl,
    OWNKEY_GATEWAY_URL: where.gatewayUrl,
    OWNKEY_WORKER_DATABASE_URL: workerUrl,
    OWNKEY_KEK_FILE: settings.kekFile,
  };
}

/** In development the sandbox stands for the outside world: providers, and the post box at `/_mail`. */
function sandboxAddresses(url: string): Environment {
  return { OWNKEY_SANDBOX_URL: url, OWNKEY_MAIL_URL: mailUrlOf(url) };
}

/** Where mails of development arrive and can be read. */
export function mailUrlOf(sandboxUrl: string): string {
  return `${sandboxUrl}/_mail`;
}

export function sandboxEnvironment(settings: Settings, port: number): Environment {
  return { ...base(settings, 'development'), ...settings.givenTo('sandbox'), OWNKEY_SANDBOX_PORT: String(port) };
}

/** Development points every provider at the sandbox and allows no other private address. */
function sandboxEgress(sandbox: SandboxWhereabouts): Environment {
  const environment: Environment = { OWNKEY_EGRESS_ALLOW: new URL(sandbox.url).host, OWNKEY_CLEAR_KEYS: '1' };
  for (const [id, url] of Object.entries(sandbox.baseUrls)) {
    environment[`OWNKEY_PROVIDER_${id.toUpperCase().replaceAll('-', '_')}_BASE_URL`] = url;
  }
  return environment;
}

const SHARED = ['contract', 'guard', 'policy', 'providers', 'vault'] as const;

const WORKER_FOLDERS = ['catalogue/', 'packages/field/dist/'];

/**
 * What the worker may read: code, catalogue, the secure field, the master key and the files its settings name. `more`: packages whose
 * code a one-shot process in the worker's role needs besides.
 */
export function workerFlagsOf(settings: Settings, more: readonly string[] = []): string[] {
  const given = settings.givenTo('worker');
  const files = [
    settings.kekFile,
    given.OWNKEY_GATEWAY_TLS_CERT,
    given.OWNKEY_GATEWAY_TLS_KEY,
    settings.extraCaFile,
    given.OWNKEY_TRANSIT_TOKEN_FILE,
    given.OWNKEY_TRANSIT_CA_FILE,
  ];
  return workerFlags(
    process.version,
    readablePaths([...SHARED, 'worker', ...more], [...existing(WORKER_FOLDERS), ...files.flatMap(withTarget)]),
  );
}

/** The process that changes master keys has the worker's walls, and may write one file: the draft of the master key file `file`. */
export function kekFlagsOf(settings: Settings, file: string): string[] {
  const flags = workerFlagsOf(settings);
  const more = [`--allow-fs-read=${file}`, `--allow-fs-read=${file}.new`, `--allow-fs-write=${file}.new`];
  // Node 20 ends with a failed assertion when it is given a path twice.
  return [...flags, ...more.filter((flag) => !flags.includes(flag))];
}

export function serverFlagsOf(settings: Settings): string[] {
  return serverFlags(process.version, serverReadable(settings));
}

/** Seeds run the server's code once, before it starts. */
export function seedFlagsOf(settings: Settings): string[] {
  return seedFlags(process.version, serverReadable(settings));
}

const SERVER_FOLDERS = [
  'catalogue/',
  'packages/server/migrations/',
  'packages/server/threads/',
  'packages/console/dist/',
  'packages/embed/dist/',
  'docs/',
];

/** What the server may read: code, catalogue, its migrations, the built console and documentation. */
function serverReadable(settings: Settings): string[] {
  return readablePaths(
    [...SHARED, 'server', 'sdk'],
    [...existing(SERVER_FOLDERS), ...withTarget(settings.extraCaFile)],
  );
}

function existing(folders: readonly string[]): string[] {
  return folders.map((name) => join(INSTALLATION, name)).filter((path) => existsSync(path));
}

/** A mounted secret is often a link: both the link and what it leads to must be readable. */
function withTarget(path: string | null | undefined): string[] {
  if (path === null || path === undefined) return [];
  const target = existsSync(path) ? realpathSync(path) : path;
  return target === path ? [path] : [path, target];
}
