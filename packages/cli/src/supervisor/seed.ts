import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import type { Settings } from '../settings.ts';
import { seedFlagsOf } from './environment.ts';

const LIMIT_MS = 60_000;

/**
 * Runs a short-lived process of the server package: JSON in on stdin, JSON out on stdout, messages on stderr. It has the
 * control role's address alone, like the server.
 * @throws Error with its last words.
 */
export function runSeed(
  program: string,
  settings: Settings,
  controlUrl: string,
  environment: Readonly<Record<string, string>>,
  input: unknown,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...seedFlagsOf(settings), program], {
      env: { NODE_ENV: 'production', TZ: 'UTC', ...environment, OWNKEY_CONTROL_DATABASE_URL: controlUrl },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    let output = '';
    let messages = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      messages = (messages + text).slice(-4000);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(input));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code !== 0) {
        reject(new Error(`${basename(program)} failed (${signal ?? `exit code ${code}`}):\n${messages.trim()}`));
        return;
      }
      try {
        resolve(JSON.parse(output));
      } catch {
        reject(new Error(`${basename(program)} printed something that is not JSON`));
      }
    });
  });
}
