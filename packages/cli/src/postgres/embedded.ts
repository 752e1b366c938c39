import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { readOrCreateSecret } from '../secret-file.ts';
import { type PostgresBinaries, preparePostgresBinaries } from './binaries.ts';
import { initialiseCluster, isInitialised, POSTGRES_ENVIRONMENT, SUPERUSER } from './initialise.ts';
import { assertClusterOwner, type ClusterPlace, clusterVersion, preparePlace } from './place.ts';
import { type StopLimits, stopLeftOver } from './postmaster.ts';
import { type ServerOptions, type ServerProcess, startServer } from './server-process.ts';
import { databaseUser, runAs } from './user.ts';

/** The roles a connection of the embedded database can have. The last two exist once migrations have run. */
export type Role = 'superuser' | 'owner' | 'control' | 'worker';

/** The embedded database, running. */
export interface EmbeddedPostgres {
  readonly pid: number;
  readonly port: number;
  readonly cluster: string;
  /** What had to be done to get here (initialised, an orphan stopped); sentences for the operator. */
  readonly notes: readonly string[];
  /** Resolves when the server has ended, asked or not, with a sentence that says how. Never rejects. */
  readonly ended: Promise<string>;
  /** The passwords `migrate` gives to the two product roles. */
  readonly controlPassword: string;
  readonly workerPassword: string;
  url(role: Role, database?: string): string;
  stop(limits?: StopLimits): Promise<void>;
}

export interface EmbeddedOptions extends ServerOptions {
  /** Waits for the disk, as money needs; tests may turn it off for initdb. */
  readonly sync?: boolean;
}

/** The database inside the cluster and the role that owns it: no superuser, as on a hosted PostgreSQL. */
export const DATABASE = 'ownkey';
const ROLE_NAMES: Record<Role, string> = {
  superuser: SUPERUSER,
  owner: 'ownkey_owner',
  control: 'ownkey_control',
  worker: 'ownkey_worker',
};

/**
 * Starts the PostgreSQL of a data directory: makes the cluster if there is none, ends a server that a killed supervisor left
 * behind, starts, and makes sure the owner role and the database exist. The caller holds the lock of the data directory.
 * @throws Error in words for the operator.
 */
export async function startEmbeddedPostgres(
  directory: string,
  options: EmbeddedOptions = {},
): Promise<EmbeddedPostgres> {
  const user = databaseUser();
  const place = preparePlace(directory, user);
  const binaries = preparePostgresBinaries(place.dataDirectory, user);
  const notes: string[] = [];
  const secret = (name: string): string => join(place.dataDirectory, name);
  const passwordKept = existsSync(secret('pg.password'));
  const passwords: Record<Role, string> = {
    superuser: readOrCreateSecret(secret('pg.password')),
    owner: readOrCreateSecret(secret('pg.owner.password')),
    control: readOrCreateSecret(secret('pg.control.password')),
    worker: readOrCreateSecret(secret('pg.worker.password')),
  };
  if (isInitialised(place)) {
    assertClusterOwner(place);
    assertSameMajor(place, binaries);
    const orphan = await stopLeftOver(place.cluster);
    if (orphan !== null) notes.push(`Stopped the database (process ${orphan}) that an earlier run left behind.`);
    if (!passwordKept) setSuperuserPassword(binaries, place, passwords.superuser);
  } else {
    await initialiseCluster(binaries, place, passwords.superuser, { sync: options.sync ?? true });
    notes.push(`Made a new database in ${place.cluster}.`);
  }
  const server = await startServer(binaries, place, options);
  try {
    return await openDatabase(server, place, passwords, notes);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function openDatabase(
  server: ServerProcess,
  place: ClusterPlace,
  passwords: Record<Role, string>,
  notes: string[],
): Promise<EmbeddedPostgres> {
  const url = (role: Role, database = DATABASE): string =>
    `postgres://${ROLE_NAMES[role]}:${passwords[role]}@127.0.0.1:${server.port}/${database}`;
  const client = new Client({ connectionString: url('superuser', 'postgres') });
  await client.connect();
  try {
    await ensureOwner(client, passwords.owner);
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} OWNER ${ROLE_NAMES.owner}`);
  } finally {
    await client.end();
  }
  return {
    pid: server.pid,
    port: server.port,
    cluster: place.cluster,
    notes,
    ended: server.ended,
    controlPassword: passwords.control,
    workerPassword: passwords.worker,
    url,
    stop: (limits) => server.stop(limits),
  };
}

/** CREATEROLE, because migrations make the two product roles. Passwords are ours (base64url), so they can be written into the statement. */
async function ensureOwner(client: Client, password: string): Promise<void> {
  const name = ROLE_NAMES.owner;
  const found = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name]);
  if (found.rowCount === 0) await client.query(`CREATE ROLE ${name} LOGIN CREATEROLE NOSUPERUSER`);
  await client.query(`ALTER ROLE ${name} PASSWORD ${client.escapeLiteral(password)}`);
}

function assertSameMajor(place: ClusterPlace, binaries: PostgresBinaries): void {
  const made = clusterVersion(place.cluster);
  const have = binaries.version.split('.')[0];
  if (made !== have) {
    throw new Error(
      `${place.cluster} was made by PostgreSQL ${made}; the installed binaries are ${have}. ` +
        'Export the data with the old version, or use a PostgreSQL of your own by its address.',
    );
  }
}

/** Gives the superuser a new password where the file that kept it is lost: in single-user mode no password is asked. */
function setSuperuserPassword(binaries: PostgresBinaries, place: ClusterPlace, password: string): void {
  const result = spawnSync(join(binaries.directory, 'bin', 'postgres'), ['--single', '-D', place.cluster, 'postgres'], {
    cwd: binaries.directory,
    env: { ...POSTGRES_ENVIRONMENT },
    input: `ALTER ROLE ${SUPERUSER} PASSWORD '${password}';\n`,
    encoding: 'utf8',
    ...runAs(place.user),
  });
  if (result.status !== 0)
    throw new Error(`The database's password is lost and could not be set anew:\n${result.stderr}`);
}
