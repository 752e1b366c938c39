import type { Worker } from 'node:worker_threads';
import { startThread } from '../../platform/threads.ts';

const THREAD = new URL('../../../threads/count-tokens.mjs', import.meta.url);

/** Texts a thread may have waiting; more are not counted. */
const WAITING_MAX = 16;
/** Milliseconds one count may take in the thread, and how long anybody waits for it, loading (0.3 s) included. */
const COUNT_MS = 1_000;
const WAIT_MS = 3_000;

/** Counts tokens off the event loop. */
export interface TokenCounter {
  /**
   * Tokens of all texts by o200k, in pieces of 512 characters (which counts real text 1 % too high). null = not counted: too much
   * is waiting, it took too long, or there is no thread. Never rejects.
   */
  count(texts: readonly string[]): Promise<number | null>;
  close(): Promise<void>;
}

export interface TokenCounterOptions {
  readonly countMs?: number;
  readonly waitMs?: number;
  /** Told when the thread broke or could not start. */
  readonly onBroken?: (error: Error) => void;
}

/** One thread, started by the first count; one that breaks is replaced by the next count. */
export function createTokenCounter({
  countMs = COUNT_MS,
  waitMs = WAIT_MS,
  onBroken = () => {},
}: TokenCounterOptions = {}): TokenCounter {
  const waiting = new Map<number, (tokens: number | null) => void>();
  let thread: Worker | null = null;
  let closed = false;
  let last = 0;

  const giveUp = (): void => {
    thread = null;
    for (const done of waiting.values()) done(null);
  };
  const running = (): Worker => {
    if (thread !== null) return thread;
    const started = startThread(THREAD);
    started.unref();
    started.on('message', (message: unknown) => {
      const { id, tokens } = readAnswer(message);
      waiting.get(id)?.(tokens);
    });
    const left = (): void => {
      if (thread === started) giveUp();
    };
    started.on('error', (error) => {
      onBroken(error);
      left();
    });
    started.on('exit', left);
    thread = started;
    return started;
  };

  return {
    count: (texts) => {
      if (closed || waiting.size >= WAITING_MAX) return Promise.resolve(null);
      return new Promise((resolve) => {
        const id = ++last;
        const timer = setTimeout(() => waiting.get(id)?.(null), waitMs);
        waiting.set(id, (tokens) => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(tokens);
        });
        try {
          // A thread is no window: there is no origin to name.
          // oxlint-disable-next-line unicorn/require-post-message-target-origin
          running().postMessage({ id, texts, limitMs: countMs });
        } catch (error) {
          onBroken(error instanceof Error ? error : new Error(String(error)));
          waiting.get(id)?.(null);
        }
      });
    },
    close: async () => {
      closed = true;
      const last = thread;
      giveUp();
      await last?.terminate();
    },
  };
}

function readAnswer(message: unknown): { id: number; tokens: number | null } {
  if (typeof message !== 'object' || message === null || !('id' in message) || !('tokens' in message))
    return { id: 0, tokens: null };
  const { id, tokens } = message;
  return { id: typeof id === 'number' ? id : 0, tokens: typeof tokens === 'number' ? tokens : null };
}
