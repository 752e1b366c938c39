import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { type Ended, runRotateChild } from '../kit/kek-process.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { quiet } from '../kit/quiet-log.ts';
import { seedCompany } from '../kit/worker-rows.ts';

/** Threat 24: a lost, wrong or old master key, and a rotation that is interrupted at any moment. */
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

const run = (what: 'rotate' | 'destroy', point = ''): Promise<Ended> =>
  runRotateChild(what, { databaseUrl: database.workerUrl, file, point });

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
    const { opened: before, replaced } = load;
    const { result } = await run('rotate');
    // A key replaced after the writes had moved is under the new one already.
    expect((result?.rows ?? 0) + (load.replaced - replaced)).toBeGreaterThanOrEqual(KEYS);
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
});
