import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listKekFile } from '@ownkey/vault/kek-file';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { api, connectKey, newDataDirectory, type Product, startProduct } from '../kit/product.ts';

/** The master key of a running installation: two workers, calls through the gateway, and the command an operator types. */
const CLI = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const PROVIDER = 'openai';

let directory: string;
let product: Product;
let keyId: string;
let caller: Caller;

/** Calls the gateway one after the other and keeps what went wrong. */
class Caller {
  answered = 0;
  readonly failures: string[] = [];
  readonly #running: Promise<void>;
  #stopped = false;

  constructor() {
    this.#running = this.#call();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #call(): Promise<void> {
    const { gateway_url, companies, sandbox } = product.dev();
    while (!this.#stopped) {
      const response = await fetch(`${gateway_url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${companies[0]?.gateway_token}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          model: `${PROVIDER}/${sandbox.providers[PROVIDER]?.model}`,
          messages: [{ role: 'user', content: 'Say hello.' }],
        }),
      });
      const text = await response.text();
      const source = response.headers.get('x-ownkey-key-source');
      if (response.status === 200 && source === 'own') this.answered++;
      else this.failures.push(`${response.status} ${source} ${text.slice(0, 300)}`);
    }
  }

  /** Waits for so many more answers. */
  async more(count: number): Promise<void> {
    const wanted = this.answered + count;
    while (this.answered < wanted && this.failures.length === 0)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const operator = () => ({ token: product.dev().operator.api_token });

interface KekBody {
  current: { id: string };
  keks: { id: string; state: string; rows: { stored_keys: number } }[];
  workers: { id: string; holds: string[]; writes: string }[];
  rotation: { finished_at: string | null; damaged: string[] } | null;
}
const readKek = async (): Promise<KekBody> =>
  (await api<KekBody>(product, 'GET', '/api/operator/kek', operator())).body;

async function waitUntil(done: (kek: KekBody) => boolean): Promise<KekBody> {
  for (;;) {
    const kek = await readKek();
    if (done(kek)) return kek;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function run(...words: string[]): Promise<{ code: number | null; output: string }> {
  const env = { PATH: process.env.PATH ?? '', OWNKEY_DATA_DIR: directory };
  const child = spawn(process.execPath, [CLI, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

beforeAll(async () => {
  directory = newDataDirectory();
  product = await startProduct({ OWNKEY_WORKERS: '2' }, directory);
  const key = product.dev().sandbox.providers[PROVIDER]?.keys.valid ?? '';
  const connected = await connectKey(product, PROVIDER, key);
  keyId = String(connected.body.id);
  caller = new Caller();
  await caller.more(5);
});
afterAll(async () => {
  await caller.stop();
  await product.stop();
});

describe('while calls go through the gateway', () => {
  test('both workers tell which master key they hold', async () => {
    const kek = await waitUntil(({ workers }) => workers.length === 2);
    for (const worker of kek.workers) expect(worker).toMatchObject({ holds: [kek.current.id], writes: kek.current.id });
  });

  test('a dry run counts and changes nothing', async () => {
    const before = readFileSync(join(directory, 'kek'));
    const { code, output } = await run('kek', 'rotate', '--dry-run');
    expect(output).toMatch(/\d+ rows would be re-wrapped, in about \d+ s\. Nothing was changed\./);
    expect(code).toBe(0);
    expect(readFileSync(join(directory, 'kek')).equals(before)).toBe(true);
  });

  test('a rotation that the operator orders is run, and no call fails', async () => {
    const before = await readKek();
    expect((await api(product, 'POST', '/api/operator/kek/rotations', operator())).status).toBe(202);
    const after = await waitUntil(({ rotation }) => rotation?.finished_at != null);
    expect(after.current.id).not.toBe(before.current.id);
    expect(after.rotation?.damaged).toEqual([]);
    expect(after.keks.find(({ id }) => id === before.current.id)).toMatchObject({
      state: 'closed',
      rows: { stored_keys: 0 },
    });
    for (const worker of after.workers) expect(worker.writes).toBe(after.current.id);
    await caller.more(5);
    expect(caller.failures).toEqual([]);
  });

  test('the command rotates and destroys beside the running installation, and no call fails', async () => {
    const { code, output } = await run('kek', 'rotate', '--destroy-old');
    expect([code, output]).toEqual([0, expect.stringContaining('Destroyed kek_')]);
    const { current } = await readKek();
    expect(listKekFile(join(directory, 'kek')).map(({ id }) => id)).toEqual([current.id]);
    await caller.more(5);
    expect(caller.failures).toEqual([]);
    const status = await run('kek', 'status');
    expect(status.output).toContain(`${current.id}  current since`);
    expect(status.output).toContain('Rotate by ');
    expect((await run('doctor')).output).toMatch(/The master key opens all \d+ rows\./);
    expect((await run('audit', 'verify')).code).toBe(1); // the data folder is in use: nothing was read
  });

  test('a worker that is killed starts again with the new master key alone', async () => {
    const { current } = await readKek();
    const [pid = 0] = product.dev().pids.workers;
    await caller.stop();
    process.kill(pid, 'SIGKILL');
    const after = await waitUntil(({ workers }) => workers.some(({ holds }) => holds.join() === current.id));
    expect(after.current.id).toBe(current.id);
    caller = new Caller();
    await caller.more(5);
    expect(caller.failures).toEqual([]);
  });

  test('a removed key is noted in the data folder', async () => {
    await caller.stop();
    expect((await api(product, 'DELETE', `/api/keys/${keyId}`)).body).toMatchObject({
      removed: true,
      backups_unreadable_by: expect.stringMatching(/^\d{4}-/),
    });
    const list = join(directory, 'removed-keys');
    while (!existsSync(list) || !readFileSync(list, 'latin1').includes(keyId)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
});
