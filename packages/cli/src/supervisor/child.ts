import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { settlesWithin } from '../wait.ts';
import type { SharedListener } from './listener.ts';

/** How to run one child process. Functions are asked anew at each start. */
export interface ChildSpec {
  /** For messages and logs: `server`, `worker 1`. */
  readonly name: string;
  readonly program: string;
  readonly flags: () => readonly string[];
  readonly environment: () => Readonly<Record<string, string>>;
  /** Where its output goes: a file, or this process's own output. */
  readonly log: string | 'inherit';
  readonly listener?: SharedListener;
  /** Ends a start that is still going on. */
  readonly aborted: AbortSignal;
  /** Says what happened; called on every death, restart and new life. */
  readonly report: (event: ChildEvent) => void;
}

export type ChildEvent =
  | { readonly type: 'ready'; readonly pid: number; readonly info: ReadyFacts; readonly restarts: number }
  | { readonly type: 'died'; readonly how: string; readonly restartInMs: number; readonly output: string };

/** What the child said about itself in its ready message. */
export type ReadyFacts = Readonly<Record<string, unknown>> & { readonly port: number };

/** A child that is kept running. */
export interface SupervisedChild {
  readonly name: string;
  pid(): number | null;
  info(): ReadyFacts | null;
  /** Asks the present life to end; the next one begins with a fresh environment. */
  renew(): void;
  /** Asks it to stop, kills it after `limitMs`, and never starts it again. Resolves when it is gone. Idempotent. */
  stop(limitMs: number): Promise<void>;
}

const READY_LIMIT_MS = 60_000;
const ABORT_LIMIT_MS = 1500;
const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 10_000;
/** A life longer than this is a good one: the next death starts with a short wait again. */
const GOOD_LIFE_MS = 30_000;

interface Life {
  readonly process: ChildProcess;
  readonly ready: Promise<ReadyFacts>;
  readonly ended: Promise<string>;
  /** What it wrote to its log so far, the last 2,000 bytes. */
  output(): string;
}

/**
 * Starts a child and resolves when it is ready. From then on a death is followed by a restart after 0.25 s, doubling up to
 * 10 s. A child that never becomes ready in its first life rejects with its own last words: that is a mistake to show, not to repeat.
 */
export async function startChild(spec: ChildSpec): Promise<SupervisedChild> {
  let life = begin(spec);
  let facts: ReadyFacts | null = null;
  let stopping = false;
  let restarts = 0;
  let wake: (() => void) | null = null;

  const pid = (): number | null =>
    life.process.exitCode === null && life.process.signalCode === null ? (life.process.pid ?? null) : null;
  const stop = async (limitMs: number): Promise<void> => {
    stopping = true;
    wake?.();
    await end(life, limitMs);
  };

  const first = await outcome(life, spec.aborted);
  if (spec.aborted.aborted) {
    await end(life, ABORT_LIMIT_MS);
    spec.aborted.throwIfAborted();
  }
  if (first.facts === null) {
    await end(life, 0);
    throw new Error(`The ${spec.name} did not start (${first.how}).${first.output === '' ? '' : `\n${first.output}`}`);
  }
  facts = first.facts;
  spec.report({ type: 'ready', pid: life.process.pid ?? 0, info: facts, restarts });

  const keepRunning = async (): Promise<void> => {
    let wait = BACKOFF_FIRST_MS;
    for (;;) {
      const began = performance.now();
      const how = await life.ended;
      if (stopping) return;
      if (performance.now() - began > GOOD_LIFE_MS) wait = BACKOFF_FIRST_MS;
      spec.report({ type: 'died', how, restartInMs: wait, output: life.output() });
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, wait);
      });
      if (stopping) return;
      wait = Math.min(wait * 2, BACKOFF_MAX_MS);
      restarts += 1;
      life = begin(spec);
      const next = await outcome(life, null);
      if (stopping) return;
      if (next.facts === null) {
        await end(life, 0);
        continue;
      }
      facts = next.facts;
      spec.report({ type: 'ready', pid: life.process.pid ?? 0, info: facts, restarts });
    }
  };
  void keepRunning();
  const renew = (): void => {
    if (!stopping && life.process.connected) life.process.send({ type: 'stop' }, () => {});
  };
  return { name: spec.name, pid, info: () => facts, renew, stop };
}

function begin(spec: ChildSpec): Life {
  const from = spec.log !== 'inherit' && existsSync(spec.log) ? statSync(spec.log).size : 0;
  const output = spec.log === 'inherit' ? null : openSync(spec.log, 'a', 0o600);
  const sink = output ?? 'inherit';
  const child = spawn(process.execPath, [...spec.flags(), spec.program], {
    env: { ...spec.environment() },
    stdio: ['ignore', sink, sink, 'ipc'],
  });
  if (output !== null) closeSync(output);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`it could not be run: ${error.message}`));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `ended by ${signal}`));
  });
  const ready = new Promise<ReadyFacts>((resolve) => {
    child.on('message', (message: unknown) => {
      if (isReady(message)) resolve(message);
      else if (isType(message, 'take-listener')) child.send({ type: 'listener' }, spec.listener?.handle);
    });
  });
  return {
    process: child,
    ready,
    ended,
    output: () =>
      spec.log === 'inherit' ? '' : readFileSync(spec.log).subarray(from).toString('utf8').slice(-2000).trim(),
  };
}

async function outcome(
  life: Life,
  aborted: AbortSignal | null,
): Promise<{ facts: ReadyFacts | null; how: string; output: string }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, READY_LIMIT_MS, null);
    if (aborted?.aborted) resolve(null);
    aborted?.addEventListener('abort', () => resolve(null), { once: true });
  });
  const result = await Promise.race([life.ready, life.ended, late]);
  clearTimeout(timer);
  if (typeof result === 'object' && result !== null) return { facts: result, how: '', output: '' };
  return { facts: null, how: result ?? `not ready after ${READY_LIMIT_MS / 1000} s`, output: life.output() };
}

async function end(life: Life, limitMs: number): Promise<void> {
  const child = life.process;
  if (child.connected && limitMs > 0) child.send({ type: 'stop' }, () => {});
  if (limitMs === 0 || !(await settlesWithin(life.ended, limitMs))) {
    child.kill('SIGKILL');
    await settlesWithin(life.ended, 1000);
  }
}

function isReady(message: unknown): message is ReadyFacts {
  return isType(message, 'ready') && 'port' in message && typeof message.port === 'number';
}

function isType(message: unknown, type: string): message is object {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === type;
}
