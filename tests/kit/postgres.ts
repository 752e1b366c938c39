import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, inject } from 'vitest';
// The declaration of what `inject` knows comes with this type.
import type { ProvidedPostgres } from './postgres-setup.ts';

/**
 * Databases for tests. Files named `*.db.test.ts` or `*.http.test.ts` (and all of tests/journeys, tests/security,
 * tests/chaos) find one real PostgreSQL running; each file clones the migrated template:
 *
 *     const database = useTestDatabase();
 *     test('…', async () => { const client = await database.connect('owner'); … });
 *
 * Roles: `superuser`, `owner` (no superuser, owns the database), `control`, `worker`.
 */
export interface TestDatabase {
  readonly name: string;
  readonly superuserUrl: string;
  readonly ownerUrl: string;
  readonly controlUrl: string;
  readonly workerUrl: string;
  /** A client of that role, closed when the file ends. */
  connect(role: TestRole): Promise<Client>;
  /** Drops the database. Fails when the tested code left connections open, naming their roles. */
  drop(): Promise<void>;
}

export type TestRole = 'superuser' | 'owner' | 'control' | 'worker';

/** Clones the template: 30 to 100 ms. The caller drops it; `useTestDatabase` does so by itself. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const provided: ProvidedPostgres = inject('postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asSuperuser(provided, (client) =>
    client.query(`CREATE DATABASE ${name} TEMPLATE ${provided.template} OWNER ownkey_owner`),
  );
  const urls: Record<TestRole, string> = {
    superuser: withDatabase(provided.superuserUrl, name),
    owner: withDatabase(provided.ownerUrl, name),
    control: withDatabase(provided.controlUrl, name),
    worker: withDatabase(provided.workerUrl, name),
  };
  const clients: Client[] = [];
  return {
    name,
    superuserUrl: urls.superuser,
    ownerUrl: urls.owner,
    controlUrl: urls.control,
    workerUrl: urls.worker,
    connect: async (role) => {
      const client = new Client({ connectionString: urls[role] });
      await client.connect();
      clients.push(client);
      return client;
    },
    drop: async () => {
      for (const client of clients) await client.end().catch(() => {});
      const left = await asSuperuser(provided, (client) => openConnections(client, name));
      await asSuperuser(provided, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
      if (left.length > 0) throw new Error(`The test left connections open: ${left.join(', ')}`);
    },
  };
}

/** Registers a database for the tests of this file: cloned before the first, dropped after the last. */
export function useTestDatabase(): TestDatabase {
  let made: TestDatabase | null = null;
  beforeAll(async () => {
    made = await createTestDatabase();
  });
  afterAll(async () => {
    await made?.drop();
  });
  const database = (): TestDatabase => {
    if (made === null)
      throw new Error('useTestDatabase(): read it inside a test or hook, the database is not made yet');
    return made;
  };
  return {
    get name() {
      return database().name;
    },
    get superuserUrl() {
      return database().superuserUrl;
    },
    get ownerUrl() {
      return database().ownerUrl;
    },
    get controlUrl() {
      return database().controlUrl;
    },
    get workerUrl() {
      return database().workerUrl;
    },
    connect: (role) => database().connect(role),
    drop: () => database().drop(),
  };
}

/** Roles of the connections still open after two seconds: closing takes a moment on the server's side. */
async function openConnections(client: Client, name: string): Promise<string[]> {
  for (let attempt = 0; ; attempt += 1) {
    const { rows } = await client.query<{ usename: string | null }>(
      "SELECT usename FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'",
      [name],
    );
    if (rows.length === 0 || attempt === 40) return rows.map((row) => row.usename ?? 'unknown');
    await sleep(50);
  }
}

async function asSuperuser<T>(provided: ProvidedPostgres, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: withDatabase(provided.superuserUrl, 'postgres') });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const copy = new URL(url);
  copy.pathname = `/${name}`;
  return copy.href;
}
