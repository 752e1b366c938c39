import { checkSetting, findSetting } from '@ownkey/contract/settings';
import { parseTrustedProxies } from '@ownkey/guard/client-address';
import type { EpochRules } from '@ownkey/policy/kek-epoch';

/** What the server reads from its environment. */
export interface Config {
  readonly mode: 'development' | 'production';
  readonly host: string;
  readonly port: number;
  /** Name of the product that Ownkey is part of. */
  readonly hostName: string | null;
  readonly consoleUrl: string | null;
  readonly gatewayUrl: string;
  readonly sandboxUrl: string | null;
  readonly mailUrl: string | null;
  /** Mail server with its password; null = none. */
  readonly smtpUrl: string | null;
  readonly mailFrom: string | null;
  readonly databaseUrl: string;
  readonly authSecret: string;
  readonly trustedProxies: readonly string[];
  readonly egressAllow: string;
  /** How often the master key is rotated, and how long backups are kept; the server itself sees neither. */
  readonly kekEpoch: EpochRules;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** Thrown with every problem of the environment at once; no problem repeats a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The settings cannot be used:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The one setting of the short-lived seed processes. @throws ConfigError */
export function readDatabaseUrl(environment: Environment = process.env): string {
  const url = environment.OWNKEY_CONTROL_DATABASE_URL;
  if (url === undefined || url === '') throw new ConfigError(['OWNKEY_CONTROL_DATABASE_URL is not set']);
  return url;
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** Reads and checks the whole environment. @throws ConfigError */
export function readConfig(environment: Environment = process.env): Config {
  const problems: string[] = [];
  const read = (name: string): string | null => {
    const value = environment[name];
    const setting = findSetting(name);
    if (value === undefined || value === '') return setting?.default ?? null;
    const problem = setting === null ? null : checkSetting(name, setting, value);
    if (problem !== null) problems.push(problem);
    return value;
  };
  const need = (name: string): string => {
    const value = read(name);
    if (value === null) problems.push(`${name} is not set`);
    return value ?? '';
  };
  const level = LOG_LEVELS.find((known) => known === (read('OWNKEY_LOG_LEVEL') ?? 'info'));
  if (level === undefined) problems.push(`OWNKEY_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}`);
  const mode = environment.OWNKEY_MODE === 'development' ? 'development' : 'production';
  const trustedProxies = (read('OWNKEY_TRUSTED_PROXIES') ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  problems.push(...parseTrustedProxies(trustedProxies).problems.map((problem) => `OWNKEY_TRUSTED_PROXIES: ${problem}`));
  const config: Config = {
    mode,
    host: need('OWNKEY_HOST'),
    port: Number(need('OWNKEY_PORT')),
    hostName: read('OWNKEY_HOST_NAME')?.trim() || null,
    consoleUrl: trimSlash(read('OWNKEY_CONSOLE_URL')),
    gatewayUrl: trimSlash(need('OWNKEY_GATEWAY_URL')) ?? '',
    sandboxUrl: mode === 'development' ? trimSlash(read('OWNKEY_SANDBOX_URL')) : null,
    mailUrl: mode === 'development' ? trimSlash(read('OWNKEY_MAIL_URL')) : null,
    smtpUrl: read('OWNKEY_SMTP_URL'),
    mailFrom: read('OWNKEY_MAIL_FROM'),
    databaseUrl: need('OWNKEY_CONTROL_DATABASE_URL'),
    authSecret: need('OWNKEY_AUTH_SECRET'),
    trustedProxies,
    egressAllow: read('OWNKEY_EGRESS_ALLOW') ?? '',
    kekEpoch: {
      epochDays: Number(need('OWNKEY_KEK_EPOCH_DAYS')),
      backupDays: Number(need('OWNKEY_BACKUP_DAYS')),
    },
    logLevel: level ?? 'info',
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function trimSlash(url: string | null): string | null {
  return url === null ? null : url.replace(/\/+$/, '');
}
