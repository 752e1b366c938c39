import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

/** USER_HZ of Linux: the unit of utime and stime in /proc/PID/stat (proc(5)); fixed at 100 on every common build. */
const TICK_MICROSECONDS = 10_000;

/** User and system CPU of a process, all threads, in microseconds. Linux only. */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROSECONDS;
}

/** Resident memory of a process in MB. */
export function residentMegabytes(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Math.round(Number(match?.[1] ?? 0) / 1024);
}

export interface Started {
  child: ChildProcess;
  pid: number;
  /** First line the child wrote to standard output, parsed as JSON. */
  ready: Record<string, unknown>;
  stop(): Promise<void>;
}

/** Starts a TypeScript file of this folder on one core and waits for its first line. Rejects when it dies before that. */
export function startScript(file: string, args: string[], core: number): Promise<Started> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return startCommand(process.execPath, ['--conditions=source', '--import', 'tsx', path, ...args], core, {});
}

export function startCommand(
  command: string,
  args: string[],
  core: number,
  env: Record<string, string>,
): Promise<Started> {
  const child = spawn('taskset', ['-c', String(core), command, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
  });
  const stop = () =>
    new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    });
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${args.at(-1)} ended with ${code} before it was ready`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      if (text.includes('\n')) return;
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end >= 0) resolve({ child, pid: child.pid ?? 0, ready: JSON.parse(text.slice(0, end)), stop });
    });
  });
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The machine, as it is written beside every figure. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.versions.node}`;
}
