import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listKekFile, loadKeks } from '@ownkey/vault/kek-file';
import { createKekFile } from '@ownkey/vault/kek-write';
import { AuditSealer } from '@ownkey/worker/audit/sealer';
import { verifyCompany } from '@ownkey/worker/audit/verify';
import { createPool, sqlOf } from '@ownkey/worker/database';
import { checkMasterKeys } from '@ownkey/worker/kek/check';
import { giveUpLost } from '@ownkey/worker/kek/destroy';
import { ringOf } from '@ownkey/worker/kek/load-keks';
import { loadSealingKeys } from '@ownkey/worker/keys/sealing-keys';
import type { Client, Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { opens, replace, type StoredKey, startOpeningWorker, storeMany } from '../kit/kek-load.ts';
import { type Ended, runRotateChild } from '../kit/kek-process.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { quiet } from '../kit/quiet-log.ts';
import { seedCompany } from '../kit/worker-rows.ts';

/** Threat 24: what a worker does at its start with a master key that is not the right one, and with a row that is not. */
const KEYS = 25;

const database = useTestDatabase();
let directory: string;
let file: string;
let superuser: Client;
let pool: Pool;
let keys: StoredKey[];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ownkey-kek-start-'));
  file = join(directory, 'kek');
  createKekFile(file);
  superuser = await database.connect('superuser');
  pool = createPool({ connectionString: database.workerUrl, name: 'start', connectionsMax: 2, log: quiet });
  const ring = ringOf(await loadKeks(file, null));
  await checkMasterKeys(pool, ring, 'file');
  await loadSealingKeys(pool, ring);
  keys = await storeMany(superuser, ring, await seedCompany(superuser), KEYS);
});
afterAll(async () => {
  await pool.end();
  rmSync(directory, { recursive: true, force: true });
});

const run = (what: 'rotate' | 'destroy'): Promise<Ended> =>
  runRotateChild(what, { databaseUrl: database.workerUrl, file, point: '' });
const current = (): string => listKekFile(file).at(-1)?.id ?? '';

/** As far as a worker checks its master key. */
const start = async (path: string): Promise<void> => {
  await checkMasterKeys(pool, ringOf(await loadKeks(path, null)), 'file');
};

test('a worker that slept through a rotation writes nothing under the old key, and loads the new one for the first key it opens', async () => {
  const asleep = await startOpeningWorker(database.workerUrl, file, 'asleep', 3_600_000);
  try {
    // As if it had been silent for too long to be waited for.
    await superuser.query('DELETE FROM ownkey.kek_holders');
    const old = asleep.ring.currentId;
    const { result } = await run('rotate');
    expect(asleep.ring.currentId).toBe(old);
    const [first, second] = keys;
    if (!first || !second) throw new Error('no keys');
    await expect(replace(asleep, second)).rejects.toMatchObject({ code: '55000' });
    expect(await opens(asleep, first)).toBe(true);
    expect(asleep.ring.currentId).toBe(result?.to);
    keys[1] = await replace(asleep, second);
    expect(await opens(asleep, keys[1])).toBe(true);
    const { rows } = await superuser.query('SELECT DISTINCT kek_id FROM ownkey.envelopes');
    expect(rows).toEqual([{ kek_id: result?.to }]);
  } finally {
    await asleep.close();
  }
});

describe('at start', () => {
  test('another master key is refused, and the keys it does not open are named, ten of them', async () => {
    const other = join(directory, 'other');
    createKekFile(other);
    const refused = start(other);
    await expect(refused).rejects.toThrow(`${KEYS} stored key(s) were wrapped by ${current()}`);
    await expect(refused).rejects.toThrow(`and ${KEYS - 10} more`);
    await expect(refused).rejects.toThrow('ownkey kek give-up');
    const text = await refused.then(
      () => '',
      (error: Error) => error.message,
    );
    expect(text.match(/key_[0-9a-z]{26}/g)).toHaveLength(10);
    for (const { clearKey } of keys) expect(text).not.toContain(clearKey);
  });

  test('another key under the same id is refused', async () => {
    const other = join(directory, 'same-id');
    const made = createKekFile(other);
    const text = readFileSync(other, 'latin1');
    await superuser.query(
      `INSERT INTO ownkey.keks (id, check_value, source, state) VALUES ($1, 'another', 'file', 'old')`,
      [made.id],
    );
    const both = join(directory, 'both');
    writeFileSync(both, readFileSync(file, 'latin1') + text, { mode: 0o600 });
    await expect(start(both)).rejects.toThrow(`another key under the id ${made.id}`);
    await superuser.query('DELETE FROM ownkey.keks WHERE id = $1', [made.id]);
  });

  test('one damaged row does not keep the right master key from starting', async () => {
    await superuser.query(
      'UPDATE ownkey.envelopes SET wrapped_dek = set_byte(wrapped_dek, 20, get_byte(wrapped_dek, 20) # 1) WHERE key_id = $1',
      [keys[KEYS - 1]?.ref.id],
    );
    await start(file);
  });

  test('the next rotation names the damaged row, marks it and is not held up by it', async () => {
    const { result } = await run('rotate');
    expect(result?.damaged).toEqual([keys[KEYS - 1]?.ref.id]);
    const { rows } = await superuser.query("SELECT id FROM ownkey.keys WHERE status = 'undecryptable'");
    expect(rows).toEqual([{ id: keys[KEYS - 1]?.ref.id }]);
  });
});

describe('heads of the audit chains', () => {
  test('are authenticated with the new key after a rotation; one that is not authentic is not made so', async () => {
    const [good, bad] = [await seedCompany(superuser), await seedCompany(superuser)];
    for (const company of [good, bad]) {
      await superuser.query("INSERT INTO ownkey.audit_events (company_id, kind) VALUES ($1, 'test')", [company]);
    }
    const sealer = new AuditSealer({ pool, kekRing: ringOf((await loadKeks(file, null)).toReversed()), log: quiet });
    // Transactions of other tests on this cluster hold back what may be sealed.
    await expect
      .poll(
        async () => {
          await sealer.sealAll();
          const heads = await superuser.query('SELECT 1 FROM ownkey.audit_heads WHERE company_id = ANY($1)', [
            [good, bad],
          ]);
          return heads.rowCount;
        },
        { timeout: 15_000 },
      )
      .toBe(2);
    await superuser.query("UPDATE ownkey.audit_heads SET mac = decode(repeat('00', 32), 'hex') WHERE company_id = $1", [
      bad,
    ]);
    const { result } = await run('rotate');
    expect(result?.damaged).toContain(`audit ${bad}`);
    const ring = ringOf(await loadKeks(file, null));
    const { rows } = await superuser.query('SELECT kek_id FROM ownkey.audit_heads WHERE company_id = $1', [good]);
    expect(rows).toEqual([{ kek_id: result?.to }]);
    expect((await verifyCompany(sqlOf(pool), ring, good)).broken).toBeNull();
    expect((await verifyCompany(sqlOf(pool), ring, bad)).broken?.problem).toContain('not authentic');
  });
});

describe('a sealing key that was altered', () => {
  test('is retired at start and another made, so that nobody seals for whoever put it there', async () => {
    const ring = ringOf(await loadKeks(file, null));
    await checkMasterKeys(pool, ring, 'file');
    const { rows: before } = await superuser.query('SELECT kid FROM ownkey.sealing_keys WHERE retired_at IS NULL');
    await superuser.query(
      'UPDATE ownkey.sealing_keys SET public_key = set_byte(public_key, 10, get_byte(public_key, 10) # 1)',
    );
    const sealing = await loadSealingKeys(pool, ring);
    expect(await sealing.find(before[0]?.kid)).toBeNull();
    const { rows: after } = await superuser.query('SELECT kid FROM ownkey.sealing_keys WHERE retired_at IS NULL');
    expect(after).toHaveLength(1);
    expect(await sealing.find(after[0]?.kid)).not.toBeNull();
  });
});

describe('a master key that is lost for good', () => {
  test('is given up: the worker starts, its keys are shown as ones that cannot be opened, and new ones are stored', async () => {
    const fresh = join(directory, 'fresh');
    const made = createKekFile(fresh);
    const ring = ringOf(await loadKeks(fresh, null));
    expect(await giveUpLost(pool, ring, 'file', 'test')).toMatchObject({ keys: KEYS });
    await start(fresh);
    expect(ring.currentId).toBe(made.id);
    await loadSealingKeys(pool, ring);
    const { rows } = await superuser.query('SELECT DISTINCT status FROM ownkey.keys');
    expect(rows).toEqual([{ status: 'undecryptable' }]);
    const worker = await startOpeningWorker(database.workerUrl, fresh, 'after');
    try {
      const [key] = keys;
      if (key) await expect(opens(worker, key)).rejects.toMatchObject({ code: 'key.undecryptable' });
      const [stored] = await storeMany(superuser, worker.ring, await seedCompany(superuser), 1);
      if (stored) expect(await opens(worker, stored)).toBe(true);
    } finally {
      await worker.close();
    }
  });
});

test('the command says what it does and takes nothing it does not know', () => {
  const cli = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
  const help = spawnSync(process.execPath, [cli, 'kek', 'rotate', '--help'], { encoding: 'utf8' });
  expect(help.stdout).toContain('--destroy-old');
  expect(spawnSync(process.execPath, [cli, 'kek', 'rotate', '--now'], { encoding: 'utf8' }).status).toBe(2);
  const alone = spawnSync(process.execPath, [cli, 'kek'], { encoding: 'utf8' });
  expect(alone.stderr).toContain('`kek status`, `kek rotate`, `kek destroy`, `kek give-up`');
  expect(alone.status).toBe(2);
});
