import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { INSTALLATION, programPath, readablePaths } from '@ownkey/cli/supervisor/programs';
import { workerFlags } from '@ownkey/cli/supervisor/worker-flags';
import type { Product } from './product.ts';
import { databaseUrlOf } from './product-database.ts';

/** A worker process that nobody but the test starts again. */
export interface BareWorker {
  readonly url: string;
  readonly pid: number;
  /** Ends it at once, without a word. */
  kill(): void;
  readonly ended: Promise<void>;
}

/**
 * Starts the built worker, under its flags (or under `execArgv`), over a running product's database. null = it ended before it was
 * ready.
 */
export function startBareWorker(
  product: Product,
  env: Readonly<Record<string, string>>,
  execArgv: readonly string[] | null = null,
): Promise<BareWorker | null> {
  const databaseUrl = databaseUrlOf(product.directory, 'ownkey_worker', 'pg.worker.password');
  return forkWorker(join(product.directory, 'kek'), databaseUrl, env, execArgv);
}

/** The same over any database. */
export async function forkWorker(
  kekFile: string,
  databaseUrl: string,
  env: Readonly<Record<string, string>>,
  execArgv: readonly string[] | null = null,
): Promise<BareWorker | null> {
  const child = fork(programPath('worker'), {
    execArgv: execArgv === null ? flagsFor(kekFile) : [...execArgv],
    env: {
      NODE_ENV: 'production',
      OWNKEY_MODE: 'production',
      OWNKEY_HOST: '127.0.0.1',
      OWNKEY_GATEWAY_PORT: '0',
      OWNKEY_KEK_FILE: kekFile,
      OWNKEY_WORKER_DATABASE_URL: databaseUrl,
      ...env,
    },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const port = await Promise.race([readyPort(child), ended.then(() => null)]);
  if (port === null) return null;
  return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, kill: () => void child.kill('SIGKILL'), ended };
}

function flagsFor(kekFile: string): string[] {
  const packages = ['contract', 'guard', 'policy', 'providers', 'vault', 'worker'];
  return workerFlags(
    process.version,
    readablePaths(packages, [join(INSTALLATION, 'catalogue/'), join(INSTALLATION, 'packages/field/dist/'), kekFile]),
  );
}

/** The worker asks for a listening socket (there is none: it takes a port of its own) and says when it serves. */
function readyPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.on('message', (message: { type?: string; port?: number }) => {
      if (message.type === 'take-listener') child.send({ type: 'listener' }, () => {});
      if (message.type === 'ready' && message.port !== undefined) resolve(message.port);
    });
  });
}

/** Settings that point every provider at the product's sandbox. */
export async function sandboxSettings(product: Product): Promise<Record<string, string>> {
  const { url } = product.dev().sandbox;
  const { providers }: { providers: Record<string, { base_url: string }> } = JSON.parse(
    await (await fetch(`${url}/_keys`)).text(),
  );
  const settings: Record<string, string> = { OWNKEY_EGRESS_ALLOW: new URL(url).host };
  for (const [id, { base_url }] of Object.entries(providers)) {
    settings[`OWNKEY_PROVIDER_${id.toUpperCase().replaceAll('-', '_')}_BASE_URL`] = base_url;
  }
  return settings;
}
