import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

const HAS_PROC = existsSync('/proc/self/stat');

/** True while a process with this id exists (a zombie does not count where /proc tells). */
export function isAlive(pid: number): boolean {
  return HAS_PROC ? processState(pid) !== null : isListed(pid);
}

/** True while the kernel lists this process id, also for a process that ended and was not reaped. */
export function isListed(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Tells one life of a process id from another: boot and start time. Null when no such process lives. Two equal answers for
 * the same id mean the same process, so a reused id is never taken for the old process.
 */
export function processIdentity(pid: number): string | null {
  if (HAS_PROC) {
    const start = processState(pid);
    return start === null ? null : `${bootId()}:${start}`;
  }
  const result = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const started = result.status === 0 ? result.stdout.trim() : '';
  return started === '' ? null : started;
}

/** Ids of living processes of the program `name` whose working directory is `directory`: PostgreSQL's processes work in their data folder. */
export function processesIn(directory: string, name: string): number[] {
  if (!HAS_PROC) return processesByCommand(directory, name);
  const found: number[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (readFileSync(`/proc/${entry}/comm`, 'utf8').trim() !== name || !isAlive(Number(entry))) continue;
      if (worksIn(entry, directory)) found.push(Number(entry));
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

function worksIn(entry: string, directory: string): boolean {
  try {
    return readlinkSync(`/proc/${entry}/cwd`) === directory;
  } catch {
    // Root without CAP_SYS_PTRACE (most containers) may not read this link, but the command line is open to all.
    const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
    return words[words.indexOf('-D') + 1] === directory;
  }
}

function processesByCommand(directory: string, name: string): number[] {
  const result = spawnSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' });
  return (result.stdout ?? '')
    .split('\n')
    .filter((line) => line.includes(name) && line.includes(`-D ${directory} `))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => Number.isInteger(pid));
}

/** Start time in clock ticks since boot (field 22 of /proc/PID/stat), null for none or a zombie. */
function processState(pid: number): string | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The name in parentheses may contain blanks: count fields after its end.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
