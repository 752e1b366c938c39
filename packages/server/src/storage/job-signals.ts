import { listen } from './listener.ts';

/** Tells when something about a job changed. Signals may be missed (a lost connection): whoever waits also looks by itself. */
export interface JobSignals {
  /** Resolves at the next signal for `job`, or after `limitMs`, or when `aborted`; never rejects. */
  next(job: string, limitMs: number, aborted?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Listens on a connection of its own and connects again whenever it breaks. */
export function listenForJobs(url: string): JobSignals {
  const waiting = new Map<string, Set<() => void>>();
  const listener = listen(url, 'ownkey_job_done', (job) => {
    for (const wake of waiting.get(job) ?? []) wake();
  });

  return {
    next: (job, limitMs, aborted) =>
      new Promise((resolve) => {
        const wake = (): void => {
          clearTimeout(limit);
          aborted?.removeEventListener('abort', wake);
          const set = waiting.get(job);
          set?.delete(wake);
          if (set?.size === 0) waiting.delete(job);
          resolve();
        };
        const limit = setTimeout(wake, limitMs);
        const set = waiting.get(job) ?? new Set();
        waiting.set(job, set.add(wake));
        if (aborted?.aborted) wake();
        else aborted?.addEventListener('abort', wake);
      }),
    close: async () => {
      for (const set of waiting.values()) for (const wake of set) wake();
      await listener.close();
    },
  };
}
