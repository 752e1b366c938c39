import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';

/** What `ownkey dev` writes for scripts and tests; see the guide. */
export interface DevFile {
  console_url: string;
  gateway_url: string;
  pids: { server: number; workers: number[]; database: number; sandbox: number };
  operator: { email: string; password: string; api_token: string };
  companies: {
    id: string;
    name: string;
    plan: string;
    admin: { email: string; password: string };
    gateway_token: string;
    api_token: string;
  }[];
  sandbox: { url: string; providers: Record<string, { keys: Record<string, string>; model: string }> };
  mail_url: string;
}

export interface Product {
  readonly directory: string;
  /** dev.json as it is now (rewritten when a process restarts). */
  dev(): DevFile;
  /** Everything the processes printed so far. */
  output(): string;
  readonly process: ChildProcess;
  /** Stops with SIGTERM and removes the data directory; resolves to the exit code. */
  stop(options?: { keepData?: boolean }): Promise<number | null>;
}

const CLI = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));

/**
 * Starts the built product (`ownkey dev`) on free ports with a data directory of its own and waits until dev.json stands.
 * Rejects with everything printed when the process ends before that.
 */
export function startProduct(settings: Record<string, string> = {}, directory = newDataDirectory()): Promise<Product> {
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    OWNKEY_DATA_DIR: directory,
    OWNKEY_PORT: '0',
    OWNKEY_GATEWAY_PORT: '0',
    OWNKEY_SANDBOX_PORT: '0',
    ...settings,
  };
  const child = spawn(process.execPath, [CLI, 'dev'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const file = join(directory, 'dev.json');
  let printed = '';
  const read = (chunk: Buffer) => {
    printed += chunk.toString();
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const product: Product = {
    directory,
    process: child,
    dev: () => JSON.parse(readFileSync(file, 'utf8')),
    output: () => printed,
    stop: async ({ keepData = false } = {}) => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const code = await ended;
      if (!keepData) rmSync(directory, { recursive: true, force: true });
      return code;
    },
  };
  return new Promise((resolve, reject) => {
    const poll = setInterval(() => {
      if (!existsSync(file)) return;
      clearInterval(poll);
      resolve(product);
    }, 50);
    void ended.then((code) => {
      clearInterval(poll);
      reject(new Error(`ownkey dev ended with ${code} before it was ready:\n${printed}`));
    });
  });
}

export function newDataDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'ownkey-test-'));
}

/** One product for the tests of a file: started before the first, stopped after the last. */
export function useProduct(settings: Record<string, string> = {}): Product {
  let started: Product | null = null;
  const get = (): Product => {
    if (!started) throw new Error('useProduct(): read it inside a test or hook, the product is not started yet');
    return started;
  };
  beforeAll(async () => {
    started = await startProduct(settings);
  }, 120_000);
  afterAll(async () => {
    await started?.stop();
  }, 60_000);
  return {
    get directory() {
      return get().directory;
    },
    get process() {
      return get().process;
    },
    dev: () => get().dev(),
    output: () => get().output(),
    stop: (options) => get().stop(options),
  };
}

/** One JSON call to the API; resolves to status, headers and parsed body whatever the status. */
export async function api<T = Record<string, unknown>>(
  product: Product,
  method: string,
  path: string,
  options: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: Headers; body: T }> {
  const dev = product.dev();
  const token = options.token ?? dev.companies[0]?.api_token ?? '';
  const response = await fetch(`${dev.console_url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? (null as T) : JSON.parse(text) };
}

/** Connects a clear key through the gateway's script route (development only). */
export async function connectKey(
  product: Product,
  provider: string,
  key: string,
  extra: Record<string, unknown> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const dev = product.dev();
  const response = await fetch(`${dev.gateway_url}/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${dev.companies[0]?.api_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ provider, key, ...extra }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
