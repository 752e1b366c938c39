/** Ownkey's processes, as readers of settings. `command` is the `ownkey` command itself (supervisor, migrate, doctor). */
export type SettingReader = 'command' | 'server' | 'worker' | 'sandbox';

export type SettingKind =
  | 'port'
  | 'count'
  | 'bytes'
  | 'milliseconds'
  | 'flag'
  | 'text'
  | 'host'
  | 'path'
  | 'web-address'
  | 'database-address'
  | 'mail-server'
  | 'mail-sender'
  | 'list'
  | 'kek-source';

/** One setting of the environment. A reader not named here never sees it. */
export interface Setting {
  readonly kind: SettingKind;
  readonly readers: readonly SettingReader[];
  readonly doc: string;
  readonly default?: string;
  readonly min?: number;
  readonly max?: number;
  /** Its value may come from a file named by `<NAME>_FILE`, and is never printed. */
  readonly secret?: true;
}

/** Every setting there is. The order is the order of the documentation. */
export const SETTINGS: Readonly<Record<string, Setting>> = {
  OWNKEY_DATA_DIR: {
    kind: 'path',
    readers: ['command'],
    default: '.ownkey',
    doc: 'Folder of the master key, the embedded database and logs.',
  },
  OWNKEY_HOST: {
    kind: 'host',
    readers: ['command', 'server', 'worker', 'sandbox'],
    default: '127.0.0.1',
    doc: 'Address the processes listen on.',
  },
  OWNKEY_PORT: {
    kind: 'port',
    readers: ['command', 'server'],
    default: '8420',
    doc: 'Port of console and API; 0 takes any free one.',
  },
  OWNKEY_GATEWAY_PORT: {
    kind: 'port',
    readers: ['command', 'worker'],
    default: '8421',
    doc: 'Port of the gateway, shared by all workers; 0 takes any free one.',
  },
  OWNKEY_SANDBOX_PORT: {
    kind: 'port',
    readers: ['command', 'sandbox'],
    default: '8422',
    doc: 'Port of the sandbox (development only); 0 takes any free one.',
  },
  OWNKEY_WORKERS: {
    kind: 'count',
    readers: ['command'],
    default: '1',
    min: 1,
    max: 64,
    doc: 'How many worker processes share the gateway port.',
  },
  OWNKEY_CONSOLE_URL: {
    kind: 'web-address',
    readers: ['command', 'server', 'worker'],
    doc: 'Public address of the console, where it differs from host and port.',
  },
  OWNKEY_HOST_NAME: {
    kind: 'text',
    readers: ['server'],
    max: 60,
    doc: "Name of your product, as the console's texts and page titles call it; without one they say “the product”.",
  },
  OWNKEY_GATEWAY_URL: {
    kind: 'web-address',
    readers: ['command', 'server', 'worker'],
    doc: 'Public address of the gateway, where it differs from host and port.',
  },
  DATABASE_URL: {
    kind: 'database-address',
    readers: ['command'],
    secret: true,
    doc: 'The database as its owner: for `migrate`, `init` and `audit verify` alone.',
  },
  OWNKEY_CONTROL_DATABASE_URL: {
    kind: 'database-address',
    readers: ['server'],
    secret: true,
    doc: 'The database as ownkey_control. With it and the next one no embedded database is started.',
  },
  OWNKEY_WORKER_DATABASE_URL: {
    kind: 'database-address',
    readers: ['worker'],
    secret: true,
    doc: 'The database as ownkey_worker.',
  },
  OWNKEY_LISTEN_DATABASE_URL: {
    kind: 'database-address',
    readers: ['worker'],
    secret: true,
    doc: 'A direct address as ownkey_worker, where a transaction pooler stands before the database.',
  },
  OWNKEY_KEK_FILE: {
    kind: 'path',
    readers: ['command', 'worker'],
    doc: 'The master key file; by default `kek` in the data folder.',
  },
  OWNKEY_KEK_SOURCE: {
    kind: 'kek-source',
    readers: ['command', 'worker'],
    default: 'file',
    doc: 'file: the master key file holds the key itself; transit: HashiCorp Vault or OpenBao wraps it.',
  },
  OWNKEY_KEK_EPOCH_DAYS: {
    kind: 'count',
    readers: ['command', 'server'],
    default: '30',
    min: 0,
    max: 3650,
    doc: 'How often you rotate the master key, in days; 0 promises nothing about removed keys in backups.',
  },
  OWNKEY_BACKUP_DAYS: {
    kind: 'count',
    readers: ['command', 'server'],
    default: '30',
    min: 0,
    max: 3650,
    doc: 'How long you keep backups, in days: a replaced master key is destroyed after that.',
  },
  OWNKEY_TRANSIT_URL: {
    kind: 'web-address',
    readers: ['command', 'worker'],
    doc: 'Address of HashiCorp Vault or OpenBao, as in `https://vault.example.com:8200`.',
  },
  OWNKEY_TRANSIT_HTTP_ALLOW: {
    kind: 'list',
    readers: ['command', 'worker'],
    doc: 'host:port addresses where OWNKEY_TRANSIT_URL may be plain http, separated by commas (a local agent).',
  },
  OWNKEY_TRANSIT_KEY: {
    kind: 'text',
    readers: ['command', 'worker'],
    max: 200,
    doc: 'Name of the Transit key that wraps the master key.',
  },
  OWNKEY_TRANSIT_MOUNT: {
    kind: 'text',
    readers: ['command', 'worker'],
    default: 'transit',
    max: 200,
    doc: 'Path the Transit engine is mounted at.',
  },
  OWNKEY_TRANSIT_TOKEN_FILE: {
    kind: 'path',
    readers: ['command', 'worker'],
    doc: 'File of the token, mode 0600; read anew at each use, so an agent may renew it.',
  },
  OWNKEY_TRANSIT_NAMESPACE: {
    kind: 'text',
    readers: ['command', 'worker'],
    max: 200,
    doc: 'Namespace of the engine, where there are namespaces.',
  },
  OWNKEY_TRANSIT_CA_FILE: {
    kind: 'path',
    readers: ['command', 'worker'],
    doc: 'Certificate authority (PEM) that the certificate of OWNKEY_TRANSIT_URL is signed by.',
  },
  OWNKEY_AUTH_SECRET: {
    kind: 'text',
    readers: ['server'],
    secret: true,
    min: 32,
    doc: 'Signs console sessions; the same on all servers. By default made once and kept in the data folder.',
  },
  OWNKEY_TRUSTED_PROXIES: {
    kind: 'list',
    readers: ['server', 'worker'],
    doc: 'Addresses or networks whose forwarding headers are believed, separated by commas.',
  },
  OWNKEY_BODY_MAX_BYTES: {
    kind: 'bytes',
    readers: ['worker'],
    default: '33554432',
    min: 1024,
    max: 1_073_741_824,
    doc: 'Largest request body of the gateway.',
  },
  OWNKEY_EGRESS_ALLOW: {
    kind: 'list',
    readers: ['worker', 'server'],
    doc: 'Private host:port addresses that may be called, separated by commas.',
  },
  OWNKEY_CONNECT_TIMEOUT_MS: {
    kind: 'milliseconds',
    readers: ['worker'],
    default: '10000',
    min: 100,
    max: 120_000,
    doc: 'Limit of connecting to a provider.',
  },
  OWNKEY_HEADERS_TIMEOUT_MS: {
    kind: 'milliseconds',
    readers: ['worker'],
    default: '600000',
    min: 100,
    max: 3_600_000,
    doc: "Limit of waiting for a provider's first byte.",
  },
  OWNKEY_BODY_TIMEOUT_MS: {
    kind: 'milliseconds',
    readers: ['worker'],
    default: '300000',
    min: 100,
    max: 3_600_000,
    doc: "Limit of silence within a provider's answer.",
  },
  OWNKEY_CLEAR_KEYS: {
    kind: 'flag',
    readers: ['worker'],
    doc: '1 opens POST /keys on the gateway, which takes a clear key.',
  },
  OWNKEY_GATEWAY_TLS_CERT: { kind: 'path', readers: ['worker'], doc: 'Certificate chain (PEM) of the gateway.' },
  OWNKEY_GATEWAY_TLS_KEY: { kind: 'path', readers: ['worker'], doc: 'Private key (PEM) of that certificate.' },
  OWNKEY_EXTRA_CA_FILE: {
    kind: 'path',
    readers: ['command', 'server', 'worker'],
    doc: 'Further certificate authorities (PEM) to trust in outgoing calls.',
  },
  OWNKEY_SMTP_URL: {
    kind: 'mail-server',
    readers: ['command', 'server'],
    secret: true,
    doc: 'Mail server as smtp://user:password@host:port (STARTTLS) or smtps://…; without it mails stay queued.',
  },
  OWNKEY_MAIL_FROM: {
    kind: 'mail-sender',
    readers: ['server'],
    doc: 'Sender of mails, as in `Ownkey <no-reply@example.com>`; by default no-reply at the host of the console.',
  },
  OWNKEY_LOG_LEVEL: {
    kind: 'text',
    readers: ['server', 'worker', 'sandbox'],
    default: 'info',
    doc: 'debug, info, warn or error.',
  },
};

/** `OWNKEY_PROVIDER_<ID>_BASE_URL` points a catalogue provider elsewhere (operator only). */
export const PROVIDER_BASE_URL_NAME = /^OWNKEY_PROVIDER_[A-Z0-9]+(?:_[A-Z0-9]+)*_BASE_URL$/;

const PROVIDER_BASE_URL: Setting = {
  kind: 'web-address',
  readers: ['worker', 'server'],
  doc: 'Base URL used in place of the one in the catalogue.',
};

/** The setting of this name, or null for a name that is not one. */
export function findSetting(name: string): Setting | null {
  if (Object.hasOwn(SETTINGS, name)) return SETTINGS[name] ?? null;
  return PROVIDER_BASE_URL_NAME.test(name) ? PROVIDER_BASE_URL : null;
}

/** What is wrong with `value`, in words for the operator that never repeat a secret; null when nothing is. */
export function checkSetting(name: string, setting: Setting, value: string): string | null {
  const problem = KIND_CHECKS[setting.kind](value, setting);
  if (problem === null) return null;
  return setting.secret ? `${name} ${problem}` : `${name} ${problem} (it is ${JSON.stringify(value.slice(0, 120))})`;
}

const KIND_CHECKS: Record<SettingKind, (value: string, setting: Setting) => string | null> = {
  port: (value) => wholeNumber(value, 0, 65535),
  count: (value, { min = 0, max = Number.MAX_SAFE_INTEGER }) => wholeNumber(value, min, max),
  bytes: (value, { min = 0, max = Number.MAX_SAFE_INTEGER }) => wholeNumber(value, min, max),
  milliseconds: (value, { min = 0, max = Number.MAX_SAFE_INTEGER }) => wholeNumber(value, min, max),
  flag: (value) => (value === '1' || value === '0' ? null : 'must be 1 or 0'),
  text: (value, { min = 1, max = Number.MAX_SAFE_INTEGER }) => {
    if (value.length < min) return `must have at least ${min} characters`;
    return value.length > max ? `must have at most ${max} characters` : null;
  },
  host: (value) => (/^[A-Za-z0-9.:_-]+$/.test(value) ? null : 'must be a host name or an address'),
  path: (value) => (value.includes('\0') ? 'must be a path' : null),
  list: (value) =>
    value.split(',').every((item) => item.trim() !== '')
      ? null
      : 'must be a list separated by commas, without empty items',
  'kek-source': (value) => (value === 'file' || value === 'transit' ? null : 'must be file or transit'),
  'web-address': (value) =>
    addressOf(value, ['http:', 'https:'], 'must be an address such as https://keys.example.com'),
  'database-address': (value) =>
    addressOf(
      value,
      ['postgres:', 'postgresql:'],
      'must be an address such as postgres://user:password@host:5432/ownkey',
    ),
  'mail-server': (value) =>
    addressOf(value, ['smtp:', 'smtps:'], 'must be an address such as smtp://user:password@host:587'),
  'mail-sender': (value) =>
    /^(?:[^<>\p{Cc}]{0,200}<[^\s<>@,;]+@[^\s<>@,;]+>|[^\s<>@,;]+@[^\s<>@,;]+)$/u.test(value)
      ? null
      : 'must be an address such as no-reply@example.com or Ownkey <no-reply@example.com>',
};

function wholeNumber(value: string, min: number, max: number): string | null {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  return number >= min && number <= max ? null : `must be a whole number from ${min} to ${max}`;
}

function addressOf(value: string, protocols: readonly string[], problem: string): string | null {
  return URL.canParse(value) && protocols.includes(new URL(value).protocol) ? null : problem;
}
