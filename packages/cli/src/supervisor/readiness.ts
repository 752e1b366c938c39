import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

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
    const answer = await get(`${url}/readyz`);
    if (answer.status === 200) return;
    last = answer.text;
    await sleep(100);
  }
  throw new Error(`The ${name} is not ready after ${limitMs / 1000} s: ${last}`);
}

function get(url: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, timeout: 3000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text = (text + chunk).slice(0, 500);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: `${response.statusCode} ${text}` }));
      response.on('error', (error) => resolve({ status: 0, text: error.message }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 3 s')));
    request.on('error', (error) => resolve({ status: 0, text: error.message }));
  });
}
