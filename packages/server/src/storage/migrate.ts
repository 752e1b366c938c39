import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';

const DIRECTORY = fileURLToPath(new URL('../../migrations/', import.meta.url));
/** One lock for all migrators of a database; the loser waits and finds nothing left to do. */
const LOCK = 7_246_551_943;
export const ROLES = { control: 'ownkey_control', worker: 'ownkey_worker' } as const;

export interface Migration {
  number: number;
  name: string;
  sql: string;
  hash: string;
}

export interface MigrateOptions {
  /** Password to give to the control role; unchanged when absent. */
  controlPassword?: string;
  workerPassword?: string;
  onApplied?: (name: string) => void;
}

/** Reads the numbered migrations of this build, in order. */
export async function listMigrations(directory = DIRECTORY): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(`${directory}/${name}`, 'utf8');
      return { number: Number(name.slice(0, 4)), name, sql, hash: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/**
 * Brings the database of `client` (an owner connection) to this build's schema: creates the two roles where they are missing,
 * then applies each missing migration in a transaction of its own. Safe to run from several processes at once (advisory lock)
 * and to run again. Refuses when an applied migration was edited since, or when the database is newer than this build.
 * Returns the names applied now.
 */
export async function migrate(client: pg.Client | pg.PoolClient, options: MigrateOptions = {}): Promise<string[]> {
  const migrations = await listMigrations();
  await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
  try {
    await ensureRole(client, ROLES.control, options.controlPassword);
    await ensureRole(client, ROLES.worker, options.workerPassword);
    await client.query(`CREATE TABLE IF NOT EXISTS public.ownkey_migrations (
      number int PRIMARY KEY, name text NOT NULL, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
    const applied = await client.query<{ number: number; name: string; hash: string }>(
      'SELECT number, name, hash FROM public.ownkey_migrations ORDER BY number',
    );
    checkApplied(applied.rows, migrations);
    const done = new Set(applied.rows.map((row) => row.number));
    const fresh = migrations.filter((migration) => !done.has(migration.number));
    for (const migration of fresh) {
      await applyOne(client, migration);
      options.onApplied?.(migration.name);
    }
    return fresh.map((migration) => migration.name);
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [LOCK]);
  }
}

function checkApplied(applied: { number: number; name: string; hash: string }[], migrations: Migration[]): void {
  const byNumber = new Map(migrations.map((migration) => [migration.number, migration]));
  for (const row of applied) {
    const known = byNumber.get(row.number);
    if (!known)
      throw new Error(
        `The database has migration ${row.name}, which this build does not know: it is newer. Use a newer build.`,
      );
    if (known.hash !== row.hash)
      throw new Error(`Migration ${row.name} was changed after it was applied. Migrations are frozen; add a new one.`);
  }
}

async function applyOne(client: pg.Client | pg.PoolClient, migration: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(migration.sql);
    await client.query('INSERT INTO public.ownkey_migrations (number, name, hash) VALUES ($1, $2, $3)', [
      migration.number,
      migration.name,
      migration.hash,
    ]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw new Error(`Migration ${migration.name} failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Roles belong to the cluster, not the database: another database's migrator may create the same one at the same time. */
async function ensureRole(
  client: pg.Client | pg.PoolClient,
  role: string,
  password: string | undefined,
): Promise<void> {
  await client.query(
    `DO $$ BEGIN CREATE ROLE ${role} LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
  );
  const { rows } = await client.query<{ settings: string[] | null }>(
    'SELECT rolconfig AS settings FROM pg_roles WHERE rolname = $1',
    [role],
  );
  if (!rows[0]?.settings?.includes('search_path=ownkey'))
    await client.query(`ALTER ROLE ${role} SET search_path = ownkey`);
  if (password !== undefined) await client.query(`ALTER ROLE ${role} PASSWORD ${client.escapeLiteral(password)}`);
}
