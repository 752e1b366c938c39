import { Client } from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase, useTestDatabase } from './postgres.ts';

const database = useTestDatabase();

test('each role of a test database connects as itself, and the owner is no superuser', async () => {
  for (const role of ['superuser', 'owner', 'control', 'worker'] as const) {
    const client = await database.connect(role);
    const { rows } = await client.query(
      'SELECT current_user AS name, current_database() AS database, rolsuper FROM pg_roles WHERE rolname = current_user',
    );
    expect(rows).toEqual([
      {
        name: role === 'superuser' ? 'postgres' : `ownkey_${role}`,
        database: database.name,
        rolsuper: role === 'superuser',
      },
    ]);
  }
});

test('what one test database holds is not in another', async () => {
  const owner = await database.connect('owner');
  await owner.query('CREATE TABLE only_here (n int)');
  const other = await createTestDatabase();
  const client = await other.connect('owner');
  const { rows } = await client.query("SELECT to_regclass('only_here') AS found");
  expect(rows).toEqual([{ found: null }]);
  await other.drop();
});

test('dropping a test database fails when a connection was left open', async () => {
  const other = await createTestDatabase();
  const leaked = new Client({ connectionString: other.ownerUrl });
  leaked.on('error', () => {});
  await leaked.connect();
  await expect(other.drop()).rejects.toThrow('left connections open: ownkey_owner');
});
