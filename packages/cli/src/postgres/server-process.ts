import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresBinaries } from './binaries.ts';
import { POSTGRES_ENVIRONMENT } from './initialise.ts';
import type { ClusterPlace } from './place.ts';
import { readPostmasterFile, STOP_LIMITS, type StopLimits, stopPostmaster } from './postmaster.ts';
import { runAs } from './user.ts';

/** A PostgreSQL server started by us. */
export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** Resolves when the process has ended, asked or not, with a sentence that says how. Never rejects. */
  readonly ended: Promise<string>;
  stop(limits?: StopLimits): Promise<void>;
}

export interface ServerOptions {
  /** Tried first, so that addresses given out before stay right after a restart. */
  readonly port?: number | undefined;
  readonly settings?: Readonly<Record<string, string>>;
}

const LOG_BYTES_MAX = 5_000_000;
const START_ATTEMPTS = 5;
/** Recovery after a crash may take long; while the process lives it is given this time. */
const START_LIMIT_MS = 300_000;

/**
 * Starts the server on 127.0.0.1, in a session of its own so that a terminal's signals do not reach it, and resolves when
 * it takes connections. A port that is taken is replaced by a free one. Its messages go to `postgres.log` in the data
 * directory, a file and not a pipe: the server outlives a killed parent.
 * @throws Error with the last lines of that log.
 */
export async function startServer(
  binaries: PostgresBinaries,
  place: ClusterPlace,
  options: ServerOptions = {},
): Promise<ServerProcess> {
  const log = join(place.dataDirectory, 'postgres.log');
  let failure = '';
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    const port = attempt === 0 && options.port !== undefined ? options.port : await findFreePort();
    const logStart = rotateLog(log);
    const child = spawnServer(binaries, place, log, port, options.settings ?? {});
    const result = await waitForReady(child, place, port);
    if (typeof result !== 'string') return result;
    const said = existsSync(log) ? readFileSync(log).subarray(logStart).toString('utf8').slice(-2000).trim() : '';
    failure = `PostgreSQL did not start (${result}):\n${said || 'it wrote nothing to its log'}`;
    // A port taken, or the last breaths of a server that was killed: both pass. Anything else is final.
    if (!/could not bind|Address already in use|still in use|is another postmaster/i.test(said)) break;
    await sleep(200 * (attempt + 1));
  }
  throw new Error(failure);
}

function spawnServer(
  binaries: PostgresBinaries,
  place: ClusterPlace,
  log: string,
  port: number,
  settings: Readonly<Record<string, string>>,
): ChildProcess {
  const all: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '100',
    timezone: 'UTC',
    log_timezone: 'UTC',
    jit: 'off',
    // Statements may carry passwords and sealed keys: a failing one is logged without its text.
    log_min_error_statement: 'panic',
    ...settings,
  };
  const output = openSync(log, 'a', 0o600);
  try {
    return spawn(
      join(binaries.directory, 'bin', 'postgres'),
      ['-D', place.cluster, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        cwd: binaries.directory,
        env: { ...POSTGRES_ENVIRONMENT },
        detached: true,
        stdio: ['ignore', output, output],
        ...runAs(place.user),
      },
    );
  } finally {
    closeSync(output);
  }
}

/** The running server, or the reason why it is not running. */
async function waitForReady(child: ChildProcess, place: ClusterPlace, port: number): Promise<ServerProcess | string> {
  let how: string | null = null;
  const ended = new Promise<string>((resolve) => {
    const end = (text: string): void => {
      how = text;
      resolve(text);
    };
    child.once('error', (error) => end(`it could not be run: ${error.message}`));
    child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `ended by ${signal}`));
  });
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    if (how !== null) return how;
    const file = readPostmasterFile(place.cluster);
    if (child.pid !== undefined && file?.pid === child.pid && file.ready) break;
    if (performance.now() > deadline) {
      child.kill('SIGKILL');
      return `not ready after ${START_LIMIT_MS / 1000} s`;
    }
    await Promise.race([sleep(15), ended]);
  }
  const pid = child.pid;
  return {
    pid,
    port,
    ended,
    stop: async (limits = STOP_LIMITS) => {
      if (how === null) await stopPostmaster(pid, limits);
      await ended;
    },
  };
}

/** A port that was free a moment ago on 127.0.0.1. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** Keeps the log bounded (one older file); returns the size it now starts at. */
function rotateLog(log: string): number {
  if (!existsSync(log)) return 0;
  const size = statSync(log).size;
  if (size < LOG_BYTES_MAX) return size;
  rmSync(`${log}.1`, { force: true });
  renameSync(log, `${log}.1`);
  return 0;
}
