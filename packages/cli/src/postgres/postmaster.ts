import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, isListed, processesIn } from '../process-table.ts';
import { waitUntil } from '../wait.ts';

/** What `postmaster.pid` says. The line order is PostgreSQL's (src/include/utils/pidfile.h). */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number | null;
  readonly ready: boolean;
}

/** How long each way of asking the server to end may take. */
export interface StopLimits {
  readonly fastMs: number;
  readonly immediateMs: number;
}

export const STOP_LIMITS: StopLimits = { fastMs: 3000, immediateMs: 1000 };

const PROGRAM = 'postgres';

/** Reads `postmaster.pid`; null when it is absent or half written. */
export function readPostmasterFile(cluster: string): PostmasterFile | null {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return null;
  let lines: string[];
  try {
    lines = readFileSync(file, 'utf8').split('\n');
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const port = Number(lines[3]);
  return { pid, port: Number.isInteger(port) && port > 0 ? port : null, ready: lines[7]?.trim() === 'ready' };
}

/**
 * Ends every server process that still works in this cluster: a postmaster that outlived a killed supervisor, or its
 * children. Afterwards no process uses the cluster, and a pid file that names a stranger (a reused process id) is gone.
 * Returns the id of the postmaster it stopped, or null. No other process is ever signalled.
 */
export async function stopLeftOver(cluster: string, limits: StopLimits = STOP_LIMITS): Promise<number | null> {
  const named = readPostmasterFile(cluster);
  const running = processesIn(cluster, PROGRAM);
  if (running.length === 0) {
    // PostgreSQL clears a pid file whose process is gone, but refuses to start while the id belongs to any process: a stranger,
    // or its own dead postmaster that nobody has reaped (in a container whose first process does not, for ever).
    if (named !== null && isListed(named.pid)) rmSync(join(cluster, 'postmaster.pid'), { force: true });
    return null;
  }
  const postmaster = named !== null && running.includes(named.pid) ? named.pid : null;
  if (postmaster !== null) await stopPostmaster(postmaster, limits);
  // Children end by themselves once they see that their postmaster is gone; the rest is ended here.
  const others = (): number[] => processesIn(cluster, PROGRAM);
  if (!(await waitUntil(() => others().length === 0, 2000, 50))) {
    for (const pid of others()) signal(pid, 'SIGKILL');
    await waitUntil(() => others().length === 0, 2000, 50);
  }
  return postmaster;
}

/** Fast shutdown, then immediate, then kill; each bounded. Resolves when the process is gone. */
export async function stopPostmaster(pid: number, limits: StopLimits): Promise<void> {
  signal(pid, 'SIGINT');
  if (await waitUntil(() => !isAlive(pid), limits.fastMs)) return;
  signal(pid, 'SIGQUIT');
  if (await waitUntil(() => !isAlive(pid), limits.immediateMs)) return;
  signal(pid, 'SIGKILL');
  await waitUntil(() => !isAlive(pid), 1000);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
