import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listKekFile, loadKeks } from '@ownkey/vault/kek-file';
import { createKekFile } from '@ownkey/vault/kek-write';
import { createPool } from '@ownkey/worker/database';
import { checkMasterKeys } from '@ownkey/worker/kek/check';
import { ringOf } from '@ownkey/worker/kek/load-keks';
import { WRAPPED_TABLES } from '@ownkey/worker/kek/rewrap';
import { loadSealingKeys } from '@ownkey/worker/keys/sealing-keys';
import type { Client, Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Load, type OpeningWorker, type StoredKey, startOpeningWorker, storeMany } from '../kit/kek-load.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { quiet } from '../kit/quiet-log.ts';
import { seedCompany } from '../kit/worker-rows.ts';

/** Threat 24: a lost, wrong or old master key, and a rotation that is interrupted at any moment. */
const CHILD = fileURLToPath(new URL('./fixtures/rotate-child.mjs', import.meta.url));
const KEYS = 10_000;

const database = useTestDatabase();
let directory: string;
let file: string;
let superuser: Client;
let pool: Pool;
let company: string;
let keys: StoredKey[];
let workers: OpeningWorker[];
let load: Load;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ownkey-rotate-'));
  file = join(directory, 'kek');
  createKekFile(file);
  superuser = await database.connect('superuser');
  pool = createPool({ connectionString: database.workerUrl, name: 'start', connectionsMax: 2, log: quiet });
  const ring = ringOf(await loadKeks(file, null));
  await checkMasterKeys(pool, ring, 'file');
  await loadSealingKeys(pool, ring);
  company = await seedCompany(superuser);
  keys = await storeMany(superuser, ring, company, KEYS);
  workers = await Promise.all([1, 2, 3].map((n) => startOpeningWorker(database.workerUrl, file, `worker-${n}`)));
  load = new Load(workers, keys);
});
afterAll(async () => {
  await load.stop();
  await Promise.all(workers.map((worker) => worker.close()));
  await pool.end();
  rmSync(directory, { recursive: true, force: true });
});

interface Ended {
  readonly signal: string | null;
  readonly result: { ms: number; to: string; rows: number; damaged: string[]; gone: string[] } | null;
}

/** Runs in a process of its own, which the point kills. The load of this process stands still meanwhile only for the child's start. */
async function run(what: 'rotate' | 'destroy', point = ''): Promise<Ended> {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, [CHILD, what, database.workerUrl, file, point], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
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

async function keksUnder(): Promise<Record<string, string[]>> {
  const { rows } = await superuser.query(
    'SELECT kind, array_agg(DISTINCT kek_id) AS ids FROM ownkey.kek_rows() GROUP BY 1',
  );
  return Object.fromEntries(rows.map(({ kind, ids }) => [kind, ids]));
}

const states = async () =>
  Object.fromEntries(
    (await superuser.query('SELECT id, state FROM ownkey.keks')).rows.map(({ id, state }) => [id, state]),
  );

test('every table with something of a master key is one that a rotation moves', async () => {
  const { rows } = await superuser.query<{ name: string }>(
    `SELECT DISTINCT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'ownkey' AND (column_name = 'kek_id' OR column_name IN ('mac', 'wrapped_dek') OR column_name LIKE 'wrapped%')
     ORDER BY 1`,
  );
  expect(rows.map(({ name }) => name)).toEqual(WRAPPED_TABLES.map(({ name }) => name).sort());
});

describe(`a rotation over ${KEYS} keys that are opened and replaced all the while`, () => {
  const POINTS = [
    'ordered',
    'draft written',
    'file changed',
    'spreading',
    'switching',
    'rewrapping',
    'page 1',
    'page 7',
    'closing',
  ];

  test('killed at every step and begun again, it ends with everything under the new key and no failed open', async () => {
    const [before] = listKekFile(file);
    for (const point of POINTS) expect([point, (await run('rotate', point)).signal]).toEqual([point, 'SIGKILL']);
    expect((await superuser.query('SELECT 1 FROM ownkey.kek_rotations')).rowCount).toBe(1);
    const { result } = await run('rotate');
    expect(result?.damaged).toEqual([]);
    // One key was made, however often it was begun.
    expect(listKekFile(file).map(({ id }) => id)).toEqual([before?.id, result?.to]);
    expect(await states()).toEqual({ [before?.id ?? '']: 'closed', [result?.to ?? '']: 'current' });
    expect(await keksUnder()).toEqual({ 'stored keys': [result?.to], 'sealing keys': [result?.to] });
    expect(load.failures).toEqual([]);
    expect(load.opened).toBeGreaterThan(1_000);
    expect(load.replaced).toBeGreaterThan(10);
  });

  test('uninterrupted it takes seconds, and no open fails', async () => {
    const before = load.opened;
    const { result } = await run('rotate');
    expect(result?.rows).toBeGreaterThanOrEqual(KEYS);
    expect(await keksUnder()).toEqual({ 'stored keys': [result?.to], 'sealing keys': [result?.to] });
    expect(load.failures).toEqual([]);
    expect(load.opened).toBeGreaterThan(before);
    console.log(
      `${result?.rows} rows re-wrapped in ${Math.round(result?.ms ?? 0)} ms, ${load.opened - before} opens meanwhile`,
    );
  });

  test('the replaced keys are destroyed, also when killed in the middle, and are in the file no more', async () => {
    const old = listKekFile(file)
      .slice(0, 2)
      .map(({ id }) => id);
    const [, , current] = listKekFile(file);
    for (const point of ['draft written', 'file changed']) expect((await run('destroy', point)).signal).toBe('SIGKILL');
    await run('destroy');
    expect(listKekFile(file).map(({ id }) => id)).toEqual([current?.id]);
    for (const id of old) expect((await states())[id]).toBe('destroyed');
    expect(load.failures).toEqual([]);
  });

  test('a worker that slept through a rotation can write nothing under the old key, and opens the next key it is asked for', async () => {
    const asleep = ringOf(await loadKeks(file, null));
    const { result } = await run('rotate');
    const write = superuser.query('UPDATE ownkey.envelopes SET kek_id = $1 WHERE key_id = $2', [
      asleep.currentId,
      keys[300]?.ref.id,
    ]);
    await expect(write).rejects.toMatchObject({ code: '55000' });
    expect((await keksUnder())['stored keys']).toEqual([result?.to]);
  });
});

describe('at start', () => {
  /** Starts the built worker as far as its check of the master key. */
  const start = async (path: string) => {
    const ring = ringOf(await loadKeks(path, null));
    await checkMasterKeys(pool, ring, 'file');
  };

  test('another master key is refused, and the keys it does not open are named, ten of them', async () => {
    const other = join(directory, 'other');
    createKekFile(other);
    const refused = start(other);
    await expect(refused).rejects.toThrow(`${KEYS} stored key(s) were wrapped by ${workers[0]?.ring.currentId}`);
    await expect(refused).rejects.toThrow(`and ${KEYS - 10} more`);
    await expect(refused).rejects.toThrow('ownkey kek give-up');
    const text = await refused.catch((error: Error) => error.message);
    expect(text.match(/key_[0-9a-z]{26}/g)).toHaveLength(10);
    for (const { clearKey } of keys.slice(0, 50)) expect(text).not.toContain(clearKey);
  });

  test('another key under the same id is refused', async () => {
    const other = join(directory, 'same-id');
    const made = createKekFile(other);
    const text = readFileSync(other, 'latin1');
    await superuser.query(
      `INSERT INTO ownkey.keks (id, check_value, source, state) VALUES ($1, 'another', 'file', 'old')`,
      [made.id],
    );
    cpSync(file, `${other}-both`);
    const both = join(directory, 'both');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(both, readFileSync(file, 'latin1') + text, { mode: 0o600 });
    await expect(start(both)).rejects.toThrow(`another key under the id ${made.id}`);
    await superuser.query('DELETE FROM ownkey.keks WHERE id = $1', [made.id]);
  });

  test('one damaged row does not keep the right master key from starting', async () => {
    await superuser.query(
      'UPDATE ownkey.envelopes SET wrapped_dek = set_byte(wrapped_dek, 20, get_byte(wrapped_dek, 20) # 1) WHERE key_id = $1',
      [keys[9_999]?.ref.id],
    );
    await start(file);
  });

  test('the next rotation names the damaged row, marks it and is not held up by it', async () => {
    await load.stop();
    const { result } = await run('rotate');
    expect(result?.damaged).toEqual([keys[9_999]?.ref.id]);
    const { rows } = await superuser.query("SELECT id FROM ownkey.keys WHERE status = 'undecryptable'");
    expect(rows).toEqual([{ id: keys[9_999]?.ref.id }]);
  });
});

test('the command says what it does and takes nothing it does not know', () => {
  const cli = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
  const help = spawnSync(process.execPath, [cli, 'kek', 'rotate', '--help'], { encoding: 'utf8' });
  expect(help.stdout).toContain('--destroy-old');
  expect(spawnSync(process.execPath, [cli, 'kek', 'rotate', '--now'], { encoding: 'utf8' }).status).toBe(2);
});
