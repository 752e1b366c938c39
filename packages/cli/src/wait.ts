import { setTimeout as sleep } from 'node:timers/promises';

/** Asks `condition` every `everyMs` until it holds (true) or `limitMs` has passed (false). */
export async function waitUntil(condition: () => boolean, limitMs: number, everyMs = 20): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() >= end) return false;
    await sleep(everyMs);
  }
  return true;
}

/** True when `promise` settled within `limitMs`. A rejection counts as settled. */
export async function settlesWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  const stop = new AbortController();
  const late = sleep(limitMs, false, { signal: stop.signal }).catch(() => false);
  const settled = promise.then(
    () => true,
    () => true,
  );
  const result = await Promise.race([settled, late]);
  stop.abort();
  return result;
}
