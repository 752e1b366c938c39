import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sandboxSettings } from './bare-worker.ts';
import type { Product } from './product.ts';
import { databaseUrlOf } from './product-database.ts';

const CLI = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));

export interface ExtraWorker {
  url: string;
  stop(): Promise<number | null>;
}

/** `ownkey worker` beside a running product: another start of the data plane over the same database and master key. */
export async function startExtraWorker(product: Product): Promise<ExtraWorker> {
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    OWNKEY_GATEWAY_PORT: '0',
    OWNKEY_KEK_FILE: join(product.directory, 'kek'),
    OWNKEY_WORKER_DATABASE_URL: databaseUrlOf(product.directory, 'ownkey_worker', 'pg.worker.password'),
    ...(await sandboxSettings(product)),
  };
  const child = spawn(process.execPath, [CLI, 'worker', '--allow-root'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  let printed = '';
  const port = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      printed += chunk.toString();
      const found = /Running: worker 1 on port (\d+)/.exec(printed)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then((code) => reject(new Error(`ownkey worker ended with ${code}:\n${printed}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
