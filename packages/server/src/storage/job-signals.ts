import { Client } from 'pg';

/** Tells when something about a job changed. Signals may be missed (a lost connection): whoever waits also looks by itself. */
export interface JobSignals {
  /** Resolves at the next signal for `job`, or after `limitMs`, or when `aborted`; never rejects. */
  next(job: string, limitMs: number, aborted?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const RECONNECT_MS = 1000;

/** Listens on a connection of its own and connects again whenever it breaks. */
export function listenForJobs(url: string): JobSignals {
  const waiting = new Map<string, Set<() => void>>();
  let client: Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  const reconnect = (): void => {
    client = null;
    if (!closed && timer === null) timer = setTimeout(connect, RECONNECT_MS);
  };
  const connect = (): void => {
    timer = null;
    const next = new Client({ connectionString: url, application_name: 'ownkey-server-jobs', keepAlive: true });
    client = next;
    next.on('notification', ({ payload }) => {
      for (const wake of waiting.get(payload ?? '') ?? []) wake();
    });
    next.on('error', () => {});
    next.on('end', reconnect);
    next
      .connect()
      .then(() => next.query('LISTEN ownkey_job_done'))
      .catch(() => {
        next.end().catch(() => {});
        reconnect();
      });
  };
  connect();

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
      closed = true;
      if (timer !== null) clearTimeout(timer);
      for (const set of waiting.values()) for (const wake of set) wake();
      await client?.end().catch(() => {});
    },
  };
}
