import { setTimeout as sleep } from 'node:timers/promises';
import { getText } from './http-get.ts';

/** Resolves when `GET {url}/readyz` answers 200. @throws Error with the last answer after `limitMs`. */
export async function waitForReadiness(
  name: string,
  url: string,
  limitMs: number,
  aborted: AbortSignal,
): Promise<void> {
  const end = performance.now() + limitMs;
  let last = 'no answer';
  while (performance.now() < end) {
    aborted.throwIfAborted();
    const answer = await getText(`${url}/readyz`);
    if (answer.status === 200) return;
    last = `${answer.status} ${answer.text}`;
    await sleep(100);
  }
  throw new Error(`The ${name} is not ready after ${limitMs / 1000} s: ${last}`);
}
