import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import {
  IMPORT_ENCODINGS,
  IMPORT_EXIT,
  IMPORT_FORMATS,
  IMPORT_SOURCES,
  type ImportOrder,
} from '@ownkey/contract/import-order';
import type { Settings } from '../settings.ts';
import { workerEnvironment, workerFlagsOf } from '../supervisor/environment.ts';
import { localUrl } from '../supervisor/local-url.ts';
import { masterKeyProblem } from '../supervisor/master-key.ts';
import { programPath } from '../supervisor/programs.ts';
import { runningWorkerUrl } from '../supervisor/running-database.ts';
import { type Command, type Given, UsageError } from './command.ts';
import { withEmbeddedDatabase } from './migrate.ts';

export const importKeys: Command = {
  summary: 'Move an existing store of provider keys into Ownkey (Fernet, secretbox, AES-256-GCM).',
  switches: ['dry-run'],
  options: [
    'from',
    'format',
    'encoding',
    'key-fd',
    'key-file',
    'name',
    'layout',
    'nonce-bytes',
    'aad',
    'ttl',
    'report',
    'actor',
  ],
  operands: true,
  help: `Usage: ownkey import --from fernet|secretbox|aes-256-gcm (--key-fd N | --key-file FILE) [options] EXPORT

Opens each row of EXPORT in a process of its own that has the worker's role, stores its key as an Ownkey envelope, and
prints one line a row: stored, already_there, or skipped with a code and what to do. Running it again continues where it
stopped and stores nothing twice. Columns (or members): ciphertext, company, provider; where you have them id, user, label,
slug, base_url, preset, nonce, tag, aad. docs/import.md describes each.

  --dry-run          Open and check every row, write nothing, print the same lines.
  --key-fd N         Read the source key from descriptor N, such as 3 with \`3< key.txt\`. Never an argument or variable.
                     npx passes no descriptor on: run node_modules/.bin/ownkey, or use --key-file.
  --key-file FILE    The same from a file. Several keys, one a line, are all tried (rotated Fernet keys).
  --format F         csv or jsonl; else by the name of EXPORT (.csv, .jsonl, .ndjson). EXPORT "-" is standard input.
  --encoding E       How ciphertext, nonce and tag are written: base64 (default, both alphabets) or hex.
  --layout L         Order in the column ciphertext: nonce-ciphertext-tag (AES-256-GCM), nonce-ciphertext (secretbox), or
                     another, such as nonce:tag:ciphertext. What it does not name is in a column of that name.
  --nonce-bytes N    Length of an AES-256-GCM nonce inside the ciphertext column. Default 12.
  --aad TEMPLATE     Associated data of AES-256-GCM, such as '{company}|{provider}'. Else the column aad, or none.
  --ttl SECONDS      Refuse Fernet tokens older than this. Default: any age.
  --name NAME        Name of this import; part of every key's id. Default: the hash of EXPORT. Needed for a pipe.
  --report FILE      Write the lines to a new file instead of standard output.
  --actor NAME       Who imports, for the audit. Default: cli:<your system user>.

Exit code 0: every row is in Ownkey; 3: some were skipped; 2: used wrongly, nothing was read; 1: stopped, run it again.

Examples
  ownkey import --from fernet --key-fd 3 --dry-run keys.csv 3< fernet.key
  ownkey import --from fernet --key-fd 3 --report imported.csv keys.csv 3< fernet.key
  psql -c "COPY (SELECT …) TO STDOUT CSV HEADER" | ownkey import --from secretbox --key-file box.key --name legacy \\
      --format csv --encoding hex -
  ownkey import --from aes-256-gcm --key-fd 3 --aad '{company}|{provider}' keys.jsonl 3< <(vault read -field=key secret/x)`,
  run: async (given) => {
    const order = readOrder(given);
    const settings = given.settings();
    const problem = masterKeyProblem(settings.kekFile);
    if (problem !== null) throw new Error(problem);
    const files = openFiles(given);
    try {
      const running = settings.workerUrl ?? runningWorkerUrl(settings);
      if (running !== null) return await runImport(settings, running, order, files);
      const tell = (line: string): void => void process.stderr.write(`${line}\n`);
      return await withEmbeddedDatabase(settings, 'import', tell, (databases) =>
        runImport(settings, databases.workerUrl(), order, files),
      );
    } finally {
      for (const fd of files.opened) closeSync(fd);
    }
  },
};

/** The command line as the process is told it. @throws UsageError */
export function readOrder({
  switches,
  options,
  operands,
}: Pick<Given, 'switches' | 'options' | 'operands'>): ImportOrder {
  const [file, ...rest] = operands;
  if (file === undefined || rest.length > 0)
    throw new UsageError('Name one file to import, or "-" for standard input.');
  return {
    from: oneOf('from', IMPORT_SOURCES, options.get('from')),
    format: oneOf('format', IMPORT_FORMATS, options.get('format') ?? formatOf(file)),
    encoding: oneOf('encoding', IMPORT_ENCODINGS, options.get('encoding') ?? 'base64'),
    name: options.get('name') ?? null,
    actor: options.get('actor') ?? `cli:${userInfo().username}`,
    dryRun: switches.has('dry-run'),
    layout: options.get('layout') ?? null,
    nonceBytes: numberOf('nonce-bytes', options.get('nonce-bytes')) ?? 12,
    aad: options.get('aad') ?? null,
    ttlSeconds: numberOf('ttl', options.get('ttl')),
  };
}

function oneOf<T extends string>(name: string, known: readonly T[], given: string | undefined): T {
  const found = known.find((one) => one === given);
  if (found === undefined) throw new UsageError(`--${name}: one of ${known.join(', ')}.`);
  return found;
}

function formatOf(file: string): string | undefined {
  const ending = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  return ending === 'ndjson' ? 'jsonl' : ending;
}

function numberOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,10}$/.test(text)) throw new UsageError(`--${name}: a whole number.`);
  return Number(text);
}

interface Files {
  readonly source: number;
  readonly sourceKey: number;
  readonly report: number | 'inherit';
  /** Those that are closed here. */
  readonly opened: readonly number[];
}

/** The process can open none of these files: it gets them open. @throws UsageError */
function openFiles({ options, operands }: Given): Files {
  const opened: number[] = [];
  const open = (path: string, flags: string): number => {
    try {
      const fd = openSync(path, flags, 0o600);
      opened.push(fd);
      return fd;
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
      throw new UsageError(
        exists
          ? `${path} exists and is never overwritten; choose another name.`
          : `${path} cannot be opened: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
  const [file = '-'] = operands;
  const keyFd = numberOf('key-fd', options.get('key-fd'));
  const keyFile = options.get('key-file');
  if ((keyFd === null) === (keyFile === undefined)) {
    throw new UsageError('Give the source key by --key-fd or by --key-file, one of them.');
  }
  if (keyFd === 0 && file === '-') throw new UsageError('Standard input cannot hold the export and the key.');
  if (keyFd !== null) assertPassed(keyFd);
  const sourceKey = keyFile === undefined ? (keyFd ?? 0) : open(keyFile, 'r');
  const source = file === '-' ? 0 : open(file, 'r');
  if (fstatSync(source).isDirectory()) throw new UsageError(`${file} is a folder.`);
  const reportFile = options.get('report');
  return { source, sourceKey, report: reportFile === undefined ? 'inherit' : open(reportFile, 'wx'), opened };
}

/** Low numbers that nobody passed are taken by Node itself: they are open, and nothing comes from them. */
function assertPassed(fd: number): void {
  if (fd > 2 && process.env.npm_command === 'exec') {
    throw new UsageError(
      `npx passes no descriptor on, so ${fd} is not your key: run node_modules/.bin/ownkey, or use --key-file.`,
    );
  }
  let readable = false;
  try {
    const stat = fstatSync(fd);
    readable = stat.isFile() || stat.isFIFO() || stat.isSocket() || stat.isCharacterDevice();
  } catch {}
  if (!readable) throw new UsageError(`Descriptor ${fd} holds no key: add \`${fd}< your.key\` to the command.`);
}

/** Runs the import in a process with the worker's walls: it alone may hold the master key, and it alone opens the keys. */
function runImport(settings: Settings, workerUrl: string, order: ImportOrder, files: Files): Promise<number> {
  const where = {
    mode: 'production',
    serverPort: settings.port,
    gatewayPort: settings.gatewayPort,
    consoleUrl: localUrl(settings.host, settings.port),
    gatewayUrl: localUrl(settings.host, settings.gatewayPort),
    sandbox: null,
  } as const;
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [...workerFlagsOf(settings, ['importer']), programPath('importer'), JSON.stringify(order)],
      {
        env: workerEnvironment(settings, where, workerUrl),
        stdio: [files.source, files.report, 'inherit', files.sourceKey],
      },
    );
    const end = (): void => void child.kill('SIGTERM');
    process.once('SIGTERM', end);
    child.once('error', reject);
    child.once('exit', (code) => {
      process.off('SIGTERM', end);
      resolve(code ?? IMPORT_EXIT.stopped);
    });
  });
}
