import type { Log } from './logger.ts';

/** Work that is done once the answer is out, so that its time tells the caller nothing. */
export interface AfterAnswers {
  /** Begins `work` later; what it throws is logged. */
  add(work: () => Promise<unknown>): void;
  /** Resolves when nothing of it runs any more. */
  settled(): Promise<void>;
}

export function createAfterAnswers(log: Log): AfterAnswers {
  const running = new Set<Promise<unknown>>();
  return {
    add(work) {
      const done = new Promise<void>((resolve) => setImmediate(resolve))
        .then(work)
        .catch((error: unknown) => log.error({ err: error }, 'work after an answer failed'))
        .finally(() => running.delete(done));
      running.add(done);
    },
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
