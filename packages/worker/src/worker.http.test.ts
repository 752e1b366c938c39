import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Sandbox, startSandbox } from '@ownkey/sandbox/start';
import { createKekFile } from '@ownkey/vault/kek-write';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { open, send } from '../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../tests/kit/postgres.ts';
import { seedCompany, seedToken } from '../../../tests/kit/worker-rows.ts';

const database = useTestDatabase();
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
let folder: string;
let owner: Client;
let sandbox: Sandbox;
let workers: WorkerProcess[];
let companyId: string;
let token: string;

/** A worker in a process of its own, started as the supervisor does. */
interface WorkerProcess {
  url: string;
  child: ChildProcess;
  printed(): string;
  ended: Promise<number | null>;
}

function startWorkerProcess(env: Record<string, string>): Promise<WorkerProcess> {
  const child = spawn(process.execPath, ['--conditions=source', '--import=tsx', MAIN], {
    env: { NODE_ENV: 'production', TZ: 'UTC', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return new Promise((resolve, reject) => {
    child.on('message', (message: { type: string; port: number }) => {
      // No shared socket here: each worker opens a port of its own.
      if (message.type === 'take-listener') child.send({ type: 'listener' });
      else resolve({ url: `http://127.0.0.1:${message.port}`, child, printed: () => text, ended });
    });
    void ended.then((code) => reject(new Error(`the worker ended with ${code}: ${text}`)));
  });
}

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  folder = mkdtempSync(join(tmpdir(), 'ownkey-worker-'));
  createKekFile(join(folder, 'kek'));
  const catalogueDir = fileURLToPath(new URL('../../../catalogue/providers', import.meta.url));
  sandbox = await startSandbox({ port: 0, catalogueDir });
  const env: Record<string, string> = {
    OWNKEY_MODE: 'development',
    OWNKEY_CLEAR_KEYS: '1',
    OWNKEY_GATEWAY_PORT: '0',
    OWNKEY_KEK_FILE: join(folder, 'kek'),
    OWNKEY_WORKER_DATABASE_URL: database.workerUrl,
    OWNKEY_EGRESS_ALLOW: new URL(sandbox.url).host,
  };
  for (const [id, made] of Object.entries(sandbox.keys.providers)) {
    env[`OWNKEY_PROVIDER_${id.toUpperCase().replaceAll('-', '_')}_BASE_URL`] = made.base_url;
  }
  workers = await Promise.all([startWorkerProcess(env), startWorkerProcess(env)]);
});
afterAll(async () => {
  for (const { child } of workers) child.send({ type: 'stop' });
  await Promise.all(workers.map((worker) => worker.ended));
  await sandbox.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  sandbox.clear();
  sandbox.control();
  companyId = await seedCompany(owner);
  ({ token } = await seedToken(owner, companyId, ['company:admin']));
});

const first = () => workers[0]?.url ?? '';
const messages = [{ role: 'user', content: 'Say hello.' }];

async function connect(): Promise<{ model: string; keyId: string; clearKey: string }> {
  const made = sandbox.keys.providers.openai;
  const clearKey = made?.keys.valid ?? '';
  const connected = await send('POST', `${first()}/keys`, { token, body: { provider: 'openai', key: clearKey } });
  expect(connected).toMatchObject({ status: 201, json: { status: 'valid', last4: clearKey.slice(-4) } });
  const [row] = (await owner.query('SELECT id FROM keys WHERE company_id = $1', [companyId])).rows;
  return { model: `openai/${made?.model}`, keyId: row.id, clearKey };
}

const call = (url: string, model: string) =>
  send('POST', `${url}/v1/chat/completions`, { token, body: { model, messages } });

type Pieces = AsyncIterator<unknown>;

/** A stream whose first piece has come. */
async function openStream(url: string, model: string): Promise<Pieces> {
  const request = open('POST', `${url}/v1/chat/completions`, { token, body: { model, messages, stream: true } });
  const response = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
  const pieces = response[Symbol.asyncIterator]();
  await pieces.next();
  return pieces;
}

async function restOf(pieces: Pieces): Promise<string> {
  let text = '';
  for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) text += piece.value;
  return text;
}

test('a key connected at one worker serves calls at both, and neither prints it', async () => {
  const { model, clearKey } = await connect();
  for (const { url, printed } of workers) {
    const answer = await call(url, model);
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'x-ownkey-key-source': 'own', 'x-ownkey-key-last4': clearKey.slice(-4) });
    expect(printed()).not.toContain(clearKey);
  }
});

test('the very next call at every worker process obeys consent, source and removal', async () => {
  const { model, keyId } = await connect();
  const both = async () => Promise.all(workers.map(async ({ url }) => (await call(url, model)).status));
  expect(await both()).toEqual([200, 200]);
  await owner.query('UPDATE companies SET ai_enabled = false WHERE id = $1', [companyId]);
  expect(await both()).toEqual([403, 403]);
  await owner.query('UPDATE companies SET ai_enabled = true WHERE id = $1', [companyId]);
  expect(await both()).toEqual([200, 200]);
  await owner.query(`UPDATE sources SET source = 'platform' WHERE company_id = $1`, [companyId]);
  expect(await both()).toEqual([424, 424]);
  await owner.query(`UPDATE sources SET source = 'own' WHERE company_id = $1`, [companyId]);
  expect(await both()).toEqual([200, 200]);
  await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
  expect(await both()).toEqual([424, 424]);
});

test('running streams at every worker process end when their key is removed', async () => {
  const { model, keyId } = await connect();
  sandbox.control({ hold_after_chunks: 2 });
  const streams = await Promise.all(workers.map(({ url }) => openStream(url, model)));
  await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
  for (const pieces of streams) expect(await restOf(pieces)).toContain('key.removed');
});

test('a worker told to stop ends its open streams in words, settles everything and ends by itself', async () => {
  const { model } = await connect();
  const second = workers[1];
  expect((await call(second?.url ?? '', model)).status).toBe(200);
  sandbox.control({ hold_after_chunks: 2 });
  const streams = await Promise.all(Array.from({ length: 20 }, () => openStream(second?.url ?? '', model)));
  second?.child.send({ type: 'stop' });
  for (const pieces of streams) expect(await restOf(pieces)).toContain('provider.cut');
  expect(await second?.ended).toBe(0);
  expect((await call(first(), model)).status).toBe(200);
  const { rows } = await owner.query("SELECT state FROM requests WHERE company_id = $1 AND state = 'reserved'", [
    companyId,
  ]);
  expect(rows).toEqual([]);
  workers = workers.slice(0, 1);
});

test('a worker that may not start says every reason and ends', async () => {
  const refused = startWorkerProcess({ NODE_TLS_REJECT_UNAUTHORIZED: '0', OWNKEY_BODY_MAX_BYTES: 'much' });
  await expect(refused).rejects.toThrow(
    /ended with 1: .*NODE_TLS_REJECT_UNAUTHORIZED.*OWNKEY_KEK_FILE.*OWNKEY_BODY_MAX_BYTES/s,
  );
});
