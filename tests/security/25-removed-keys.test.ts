import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Custodian, REMOVED_KEYS_FILE } from '@ownkey/cli/supervisor/custodian';
import { loadKeks } from '@ownkey/vault/kek-file';
import { createKekFile } from '@ownkey/vault/kek-write';
import { createPool } from '@ownkey/worker/database';
import { checkMasterKeys } from '@ownkey/worker/kek/check';
import { ringOf } from '@ownkey/worker/kek/load-keks';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../kit/egress.ts';
import { type OpeningWorker, opens, type StoredKey, startOpeningWorker, storeMany } from '../kit/kek-load.ts';
import { runRotateChild } from '../kit/kek-process.ts';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';
import { quiet } from '../kit/quiet-log.ts';
import { seedCompany } from '../kit/worker-rows.ts';

/**
 * Threat 25: a removed key that somebody brings back with an older backup. A backup here is a copy of the database, byte for byte as a dump
 * would have it, taken before the removal. That a removed key is refused by the next call and its streams end is in
 * packages/worker/src/freshness and the journeys.
 */
const CLI = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));

let directory: string;
let file: string;
let database: TestDatabase;
let backup: string;
let removed: StoredKey;
let kept: StoredKey;

async function as<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const at = (url: string, name: string): string => {
  const moved = new URL(url);
  moved.pathname = `/${name}`;
  return moved.href;
};
const workerOf = (name: string): string => at(database.workerUrl, name);
const copyDatabase = (from: string, to: string) =>
  as(at(database.superuserUrl, 'postgres'), (client) =>
    client.query(`CREATE DATABASE ${to} TEMPLATE ${from} OWNER ownkey_owner`),
  );

const startCustodian = async (
  name: string,
  folder = directory,
  everyMs = 20,
): Promise<{ custodian: Custodian; said: string[] }> => {
  const said: string[] = [];
  const custodian = new Custodian({
    workerUrl: () => workerOf(name),
    dataDirectory: folder,
    say: (line) => said.push(line),
    rotate: () => Promise.resolve(0),
    everyMs,
  });
  await custodian.start();
  return { custodian, said };
};

async function onWorker<T>(name: string, kek: string, use: (worker: OpeningWorker) => Promise<T>): Promise<T> {
  const worker = await startOpeningWorker(workerOf(name), kek, 'opening');
  try {
    return await use(worker);
  } finally {
    await worker.close();
  }
}

/** As far as a worker checks its master key. */
async function check(name: string, kek: string): Promise<void> {
  const pool = createPool({ connectionString: workerOf(name), name: 'check', connectionsMax: 1, log: quiet });
  try {
    await checkMasterKeys(pool, ringOf(await loadKeks(kek, null)), 'file');
  } finally {
    await pool.end();
  }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ownkey-removed-'));
  file = join(directory, 'kek');
  createKekFile(file);
  database = await createTestDatabase();
  backup = `${database.name}_backup`;
  await check(database.name, file);
  const ring = ringOf(await loadKeks(file, null));
  await as(database.superuserUrl, async (client) => {
    const [first, second] = await storeMany(client, ring, await seedCompany(client), 2);
    if (!first || !second) throw new Error('nothing was stored');
    [removed, kept] = [first, second];
  });
  await copyDatabase(database.name, backup);
  copyFileSync(file, `${file}.of-the-backup`);
  const { custodian } = await startCustodian(database.name);
  await as(database.ownerUrl, (client) => client.query('DELETE FROM ownkey.keys WHERE id = $1', [removed.ref.id]));
  const list = join(directory, REMOVED_KEYS_FILE);
  await until(() => existsSync(list) && readFileSync(list, 'latin1').includes(removed.ref.id));
  await custodian.stop();
});
afterAll(async () => {
  await as(at(database.superuserUrl, 'postgres'), async (client) => {
    for (const name of ['backup', 'one', 'two', 'three', 'four']) {
      await client.query(`DROP DATABASE IF EXISTS ${database.name}_${name} WITH (FORCE)`);
    }
  });
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

test('the list outside the database names the removed key and nothing that helps to use it', () => {
  const text = readFileSync(join(directory, REMOVED_KEYS_FILE), 'latin1');
  expect(text).toMatch(new RegExp(`^${removed.ref.id} \\d{4}-[^ ]+\\n$`));
});

test('an older backup alone would bring the key back: what these tests are about can happen', async () => {
  await copyDatabase(backup, `${database.name}_one`);
  await check(`${database.name}_one`, file);
  expect(await onWorker(`${database.name}_one`, file, (worker) => opens(worker, removed))).toBe(true);
});

test('restored beside the list, the removed key is dead before a worker starts, the others live, and the audit says so', async () => {
  const name = `${database.name}_two`;
  await copyDatabase(backup, name);
  const { custodian, said } = await startCustodian(name);
  await custodian.stop();
  expect(said.join()).toContain('1 key(s) that were removed since were removed again');
  await onWorker(name, file, async (worker) => {
    await expect(opens(worker, removed)).rejects.toMatchObject({ code: 'key.removed' });
    expect(await opens(worker, kept)).toBe(true);
  });
  await as(at(database.superuserUrl, name), async (client) => {
    const { rows } = await client.query(
      "SELECT key_id FROM ownkey.audit_events WHERE kind = 'key.removed' AND actor = 'system'",
    );
    expect(rows).toEqual([{ key_id: removed.ref.id }]);
    expect((await client.query('SELECT 1 FROM ownkey.envelopes WHERE key_id = $1', [removed.ref.id])).rowCount).toBe(0);
  });
});

test('a lost list is written again from the database', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'ownkey-removed-'));
  const { custodian } = await startCustodian(database.name, elsewhere);
  await custodian.stop();
  expect(readFileSync(join(elsewhere, REMOVED_KEYS_FILE), 'latin1')).toContain(removed.ref.id);
  rmSync(elsewhere, { recursive: true });
});

test('a key removed a moment before the stop is in the list: a backup put back before the next start does not revive it', async () => {
  const name = `${database.name}_four`;
  await copyDatabase(backup, name);
  const elsewhere = mkdtempSync(join(tmpdir(), 'ownkey-removed-'));
  // It never looks by itself here.
  const { custodian } = await startCustodian(name, elsewhere, 3_600_000);
  await as(at(database.ownerUrl, name), (client) =>
    client.query('DELETE FROM ownkey.keys WHERE id = $1', [kept.ref.id]),
  );
  await custodian.stop();
  expect(readFileSync(join(elsewhere, REMOVED_KEYS_FILE), 'latin1')).toContain(kept.ref.id);
  rmSync(elsewhere, { recursive: true });
});

test('after the master key of its time was replaced and destroyed, no backup opens the key, with or without the list', async () => {
  const name = `${database.name}_three`;
  expect(
    (await runRotateChild('rotate', { databaseUrl: database.workerUrl, file, point: '' })).result?.damaged,
  ).toEqual([]);
  await copyDatabase(backup, name);
  // Before it is destroyed the file still opens the backup: it is kept for that.
  await check(name, file);
  await runRotateChild('destroy', { databaseUrl: database.workerUrl, file, point: '' });
  await expect(check(name, file)).rejects.toThrow(removed.ref.id);
  await onWorker(name, file, async (worker) => {
    await expect(opens(worker, removed)).rejects.toMatchObject({ code: 'key.undecryptable' });
  });
  expect(await onWorker(database.name, file, (worker) => opens(worker, kept))).toBe(true);
  // What is said in the docs: whoever kept the old file opens the backup, so it has to go too.
  expect(await onWorker(name, `${file}.of-the-backup`, (worker) => opens(worker, removed))).toBe(true);
});

test('the drill: `ownkey doctor` opens every row of a restored database, and names what a wrong master key does not open', async () => {
  const drill = (name: string, kek: string) =>
    spawnSync(process.execPath, [CLI, 'doctor'], {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        OWNKEY_DATA_DIR: directory,
        OWNKEY_KEK_FILE: kek,
        OWNKEY_CONTROL_DATABASE_URL: database.controlUrl,
        OWNKEY_WORKER_DATABASE_URL: workerOf(name),
        OWNKEY_PORT: '0',
        OWNKEY_GATEWAY_PORT: '0',
        OWNKEY_SANDBOX_PORT: '0',
      },
    });
  const right = drill(`${database.name}_two`, `${file}.of-the-backup`);
  expect(right.stdout).toContain('The master key opens all 1 rows.');
  const wrong = drill(`${database.name}_two`, file);
  expect(wrong.stdout).toContain('PROBLEM');
  expect(wrong.stdout).toContain(kept.ref.id);
  expect(wrong.status).toBe(1);
});

test('the drill on an embedded database that does not run: `ownkey doctor` says that it opened no row, and what does', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ownkey-drill-'));
  mkdirSync(join(folder, 'pg'));
  writeFileSync(join(folder, 'pg', 'PG_VERSION'), '18\n');
  createKekFile(join(folder, 'kek'));
  const { stdout } = spawnSync(process.execPath, [CLI, 'doctor'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, OWNKEY_DATA_DIR: folder },
  });
  expect(stdout).toContain('no row was opened. `ownkey kek rotate --dry-run` opens all of them.');
  rmSync(folder, { recursive: true });
});
