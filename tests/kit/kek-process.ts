import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('../security/fixtures/rotate-child.mjs', import.meta.url));

export interface Ended {
  readonly signal: string | null;
  readonly result: { ms: number; to: string; rows: number; damaged: string[]; gone: string[] } | null;
}

/** Rotates or destroys in a process of its own, which kills itself at `point` ('' = nowhere). */
export async function runRotateChild(
  what: 'rotate' | 'destroy',
  { databaseUrl, file, point }: { databaseUrl: string; file: string; point: string },
): Promise<Ended> {
  const child = spawn(process.execPath, [CHILD, what, databaseUrl, file, point], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('close', (ended, by) => resolve([ended, by]));
  });
  if (code !== 0 && signal === null) throw new Error(`the rotation failed:\n${said}`);
  return { signal, result: signal === null ? JSON.parse(out) : null };
}
