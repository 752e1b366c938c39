import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCluster } from '@ownkey/cli/postgres/place';
import { stopLeftOver } from '@ownkey/cli/postgres/postmaster';
import { waitUntil } from '@ownkey/cli/wait';
import { removeDataDirectory } from './data-directory.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(dirname(HERE));

/**
 * An installation whose command, supervisor and database are the real ones, and whose server, worker, sandbox and seed are
 * stand-ins that only keep to the control channel. For tests of the supervisor. Needs the built packages (`npm run build`).
 */
export interface FakeInstallation {
  readonly dataDirectory: string;
  /** Runs `ownkey <words>` in a session of its own, with free ports and this data directory. */
  run(words: readonly string[], env?: Readonly<Record<string, string>>): RunningCommand;
  /** Ends everything that still runs and removes the files. */
  remove(): Promise<void>;
}

export interface RunningCommand {
  readonly pid: number;
  /** What it printed so far. */
  output(): string;
  /** Resolves with the exit code (or the name of the signal that ended it). */
  readonly ended: Promise<number | string>;
  signal(name: NodeJS.Signals): void;
  /** Signals the whole process group, as a terminal does. */
  signalGroup(name: NodeJS.Signals): void;
  /** The content of dev.json once it is there. */
  devFile(): Promise<DevFile>;
}

export interface DevFile {
  readonly console_url: string;
  readonly gateway_url: string;
  readonly pids: {
    readonly server: number;
    readonly workers: number[];
    readonly database: number;
    readonly sandbox: number;
  };
  readonly sandbox: { readonly url: string; readonly providers: Record<string, unknown> };
  readonly companies: readonly { readonly api_token: string }[];
}

/** Makes one in a temporary folder. */
export function makeFakeInstallation(): FakeInstallation {
  const folder = mkdtempSync(join(tmpdir(), 'ownkey-fake-'));
  const dataDirectory = join(folder, 'data');
  mkdirSync(join(folder, 'catalogue/providers'), { recursive: true });
  const entry = JSON.stringify({ base_url: 'https://api.example.com/v1' });
  writeFileSync(join(folder, 'catalogue/providers/simulated.json'), entry);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const name of ['cli', 'contract', 'guard', 'vault', 'server']) copyBuilt(folder, name);
  for (const name of ['server', 'worker', 'sandbox']) {
    const dist = join(folder, 'packages', name, 'dist');
    mkdirSync(join(dist, 'seed'), { recursive: true });
    cpSync(join(ROOT, 'packages', name, 'package.json'), join(folder, 'packages', name, 'package.json'));
    cpSync(join(HERE, 'fake-installation/child.mjs'), join(dist, 'main.js'));
    for (const seed of ['dev', 'init'])
      cpSync(join(HERE, 'fake-installation/seed.mjs'), join(dist, 'seed', `${seed}.js`));
  }
  const commands: ChildProcess[] = [];
  return {
    dataDirectory,
    run: (words, env = {}) => runCommand(folder, dataDirectory, words, env, commands),
    remove: async () => {
      for (const command of commands) command.kill('SIGKILL');
      const cluster = existsSync(dataDirectory) ? findCluster(dataDirectory) : null;
      if (cluster !== null) await stopLeftOver(cluster, { fastMs: 0, immediateMs: 1000 });
      removeDataDirectory(dataDirectory);
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}

function copyBuilt(folder: string, name: string): void {
  const source = join(ROOT, 'packages', name);
  if (!existsSync(join(source, 'dist'))) throw new Error(`packages/${name} is not built: run \`npm run build\` first`);
  for (const part of ['dist', 'package.json', 'migrations', 'bin']) {
    if (existsSync(join(source, part)))
      cpSync(join(source, part), join(folder, 'packages', name, part), { recursive: true });
  }
}

function runCommand(
  folder: string,
  dataDirectory: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  commands: ChildProcess[],
): RunningCommand {
  const child = spawn(process.execPath, [join(folder, 'packages/cli/bin/ownkey.js'), ...words], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      OWNKEY_DATA_DIR: dataDirectory,
      OWNKEY_PORT: '0',
      OWNKEY_GATEWAY_PORT: '0',
      OWNKEY_SANDBOX_PORT: '0',
      ...env,
    },
  });
  commands.push(child);
  const pid = child.pid ?? 0;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code ?? -1));
  });
  const file = join(dataDirectory, 'dev.json');
  return {
    pid,
    output: () => output,
    ended,
    signal: (name) => child.kill(name),
    signalGroup: (name) => process.kill(-pid, name),
    devFile: async () => {
      const found = await waitUntil(() => existsSync(file) || child.exitCode !== null, 60_000);
      if (!found || !existsSync(file)) throw new Error(`dev.json was not written:\n${output}`);
      const parsed: DevFile = JSON.parse(readFileSync(file, 'utf8'));
      return parsed;
    },
  };
}

/** What a stand-in says of itself. */
export interface FakeAnswer {
  readonly kind: string;
  readonly pid: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly read: boolean | string | null;
}

/** Asks a stand-in; with `read` it also tries to read that file: true, or the error code. */
export function askFake(url: string, read?: string): Promise<FakeAnswer> {
  const address = read === undefined ? url : `${url}/?read=${encodeURIComponent(read)}`;
  return new Promise((resolve, reject) => {
    http
      .get(address, { agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve(JSON.parse(text)));
      })
      .on('error', reject);
  });
}
