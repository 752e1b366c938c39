import type { Logger } from '@ownkey/guard/log';

const RETRY_MS = 300;

/**
 * Runs `work` at most once at a time. Asked while it runs, it runs once more: the running one may have looked before the moment that
 * is asked about. A failed one is repeated until it succeeds, because what it asks was never answered.
 */
export function singleCheck(work: () => Promise<void>, log: Logger): () => void {
  let running = false;
  let again = false;
  const check = (): void => {
    again = running;
    if (running) return;
    running = true;
    work().then(
      () => {
        running = false;
        if (again) check();
      },
      (error: unknown) => {
        running = false;
        log.debug('running keys could not be checked', { error });
        setTimeout(check, RETRY_MS).unref();
      },
    );
  };
  return check;
}
