import { readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { checkSetting, findSetting, SETTINGS, type SettingReader } from '@ownkey/contract/settings';

/** Settings as the operator gave them, checked. */
export interface Settings {
  readonly dataDirectory: string;
  readonly kekFile: string;
  readonly kekSource: 'file' | 'transit';
  readonly kekEpochDays: number;
  readonly backupDays: number;
  readonly host: string;
  readonly port: number;
  readonly gatewayPort: number;
  readonly sandboxPort: number;
  readonly workers: number;
  readonly ownerUrl: string | null;
  readonly controlUrl: string | null;
  readonly workerUrl: string | null;
  readonly consoleUrl: string | null;
  readonly gatewayUrl: string | null;
  readonly extraCaFile: string | null;
  /** Whether a mail server is named. */
  readonly sendsMail: boolean;
  /** What `reader` is to be given, by name: its own settings that were set, and no other. */
  givenTo(reader: SettingReader): Record<string, string>;
}

/** Thrown with every problem of the environment at once. */
export class SettingsError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The settings have ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

/** Names in our space that are for tests and tools; they reach no process. */
const IGNORED = /^OWNKEY_(?:TEST_|RECORDINGS$|BAD_URLS$)/;

/**
 * Reads and checks the environment against the one table of settings. Secrets may come from files (`<NAME>_FILE`). Relative
 * paths count from `directory`. An unknown OWNKEY_ name is a problem, not ignored: it is mostly a misspelt one.
 * @throws SettingsError with all problems.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>, directory: string): Settings {
  const problems: string[] = [];
  const given = collect(env, problems);
  for (const [name, value] of given) {
    const setting = findSetting(name);
    const problem = setting === null ? unknownName(name) : checkSetting(name, setting, value);
    if (problem !== null) problems.push(problem);
    else if (setting?.kind === 'path' && !isAbsolute(value)) given.set(name, resolve(directory, value));
  }
  if (problems.length > 0) throw new SettingsError(problems);
  const text = (name: string): string | null => given.get(name) ?? SETTINGS[name]?.default ?? null;
  const number = (name: string): number => Number(text(name));
  const dataDirectory = resolve(directory, text('OWNKEY_DATA_DIR') ?? '.ownkey');
  return {
    dataDirectory,
    kekFile: text('OWNKEY_KEK_FILE') ?? join(dataDirectory, 'kek'),
    kekSource: text('OWNKEY_KEK_SOURCE') === 'transit' ? 'transit' : 'file',
    kekEpochDays: number('OWNKEY_KEK_EPOCH_DAYS'),
    backupDays: number('OWNKEY_BACKUP_DAYS'),
    host: text('OWNKEY_HOST') ?? '127.0.0.1',
    port: number('OWNKEY_PORT'),
    gatewayPort: number('OWNKEY_GATEWAY_PORT'),
    sandboxPort: number('OWNKEY_SANDBOX_PORT'),
    workers: number('OWNKEY_WORKERS'),
    ownerUrl: text('DATABASE_URL'),
    controlUrl: text('OWNKEY_CONTROL_DATABASE_URL'),
    workerUrl: text('OWNKEY_WORKER_DATABASE_URL'),
    consoleUrl: text('OWNKEY_CONSOLE_URL'),
    gatewayUrl: text('OWNKEY_GATEWAY_URL'),
    extraCaFile: text('OWNKEY_EXTRA_CA_FILE'),
    sendsMail: given.has('OWNKEY_SMTP_URL'),
    givenTo: (reader) => {
      const own: Record<string, string> = {};
      for (const [name, value] of given) if (findSetting(name)?.readers.includes(reader)) own[name] = value;
      return own;
    },
  };
}

/** Our names with their values; an empty value counts as absent. Files of secrets are read here. */
function collect(env: Readonly<Record<string, string | undefined>>, problems: string[]): Map<string, string> {
  const given = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value === '' || IGNORED.test(name)) continue;
    const base = name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : null;
    if (base !== null && findSetting(name) === null && findSetting(base)?.secret) {
      if (env[base]) problems.push(`${base} and ${name} are both set; keep one`);
      else readSecretFile(base, name, value, given, problems);
    } else if (name.startsWith('OWNKEY_') || Object.hasOwn(SETTINGS, name)) {
      given.set(name, value);
    }
  }
  return given;
}

function readSecretFile(
  base: string,
  name: string,
  file: string,
  given: Map<string, string>,
  problems: string[],
): void {
  try {
    const content = readFileSync(file, 'utf8').trim();
    if (content === '') problems.push(`${name} names an empty file (${file})`);
    else given.set(base, content);
  } catch (error) {
    problems.push(
      `${name} names a file that cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function unknownName(name: string): string {
  const [near] = Object.keys(SETTINGS)
    .map((known) => ({ known, steps: distance(known, name) }))
    .filter(({ steps }) => steps <= 3)
    .sort((left, right) => left.steps - right.steps);
  return `${name} is not a setting${near === undefined ? '' : `; did you mean ${near.known}?`}`;
}

/** Levenshtein distance, two rows. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
