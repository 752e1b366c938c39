import type { Client, Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { testRing } from '../../../../tests/kit/egress.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { quiet } from '../../../../tests/kit/quiet-log.ts';
import { seedKey } from '../../../../tests/kit/worker-rows.ts';
import { createPool } from '../database.ts';
import { WrongMasterKeyError } from '../kek/check.ts';
import { loadSealingKeys } from './sealing-keys.ts';

const database = useTestDatabase();
let owner: Client;
let pool: Pool;

beforeAll(async () => {
  owner = await database.connect('owner');
  pool = createPool({ connectionString: database.workerUrl, name: 'seal', connectionsMax: 8, log: quiet });
});
afterAll(() => pool.end());
beforeEach(() => owner.query('TRUNCATE ownkey.sealing_keys, ownkey.keys CASCADE'));

const rows = async () => (await owner.query('SELECT * FROM ownkey.sealing_keys')).rows;

test('workers that start at once make one sealing key together, and all open with it', async () => {
  const ring = testRing();
  const loaded = await Promise.all(Array.from({ length: 6 }, () => loadSealingKeys(pool, ring)));
  const [row, ...others] = await rows();
  expect(others).toEqual([]);
  expect(row.public_key).toHaveLength(65);
  expect(row.fingerprint).toMatch(/^(?:[0-9A-F]{4}-){7}[0-9A-F]{4}$/);
  for (const keys of loaded) expect((await keys.find(row.kid))?.kid).toBe(row.kid);
  expect(await loaded[0]?.find('seal_unknown')).toBeNull();
});

test('a wrong master key refuses to start and names what it does not open', async () => {
  await loadSealingKeys(pool, testRing());
  const [row] = await rows();
  const key = await seedKey(owner, { provider: 'openai' });
  await owner.query(
    `INSERT INTO ownkey.envelopes (key_id, version, kek_id, wrapped_dek, commitment, body)
     VALUES ($1, 1, 'kek_lost00000000', '\\x00', '\\x00', '\\x00')`,
    [key],
  );
  const start = loadSealingKeys(pool, testRing());
  await expect(start).rejects.toBeInstanceOf(WrongMasterKeyError);
  await expect(start).rejects.toThrow(row.kid);
  await expect(start).rejects.toThrow('1 stored key(s) were wrapped by kek_lost00000000');
});

test('a wrong master key makes no sealing key of its own beside stored keys it cannot open', async () => {
  const key = await seedKey(owner, { provider: 'openai' });
  await owner.query(
    `INSERT INTO ownkey.envelopes (key_id, version, kek_id, wrapped_dek, commitment, body)
     VALUES ($1, 1, 'kek_lost00000000', '\\x00', '\\x00', '\\x00')`,
    [key],
  );
  await expect(loadSealingKeys(pool, testRing())).rejects.toBeInstanceOf(WrongMasterKeyError);
  expect(await rows()).toEqual([]);
});

test('a public key exchanged in the database is noticed at start', async () => {
  const ring = testRing();
  await loadSealingKeys(pool, ring);
  await owner.query(
    'UPDATE ownkey.sealing_keys SET public_key = set_byte(public_key, 10, get_byte(public_key, 10) # 1)',
  );
  await expect(loadSealingKeys(pool, ring)).rejects.toBeInstanceOf(WrongMasterKeyError);
});
