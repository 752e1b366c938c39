import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../packages/cli/src/postgres/embedded.ts';
import { findCluster } from '../../packages/cli/src/postgres/place.ts';
import { stopLeftOver } from '../../packages/cli/src/postgres/postmaster.ts';
import { processIdentity } from '../../packages/cli/src/process-table.ts';

import { removeDataDirectory } from './data-directory.ts';

// Relative imports: vitest loads this file in its own process, without the `source` condition of the test files.

/** What the run hands to its test files (`inject('postgres')`). Plain data: it crosses a process border. */
export interface ProvidedPostgres {
  readonly port: number;
  readonly superuserUrl: string;
  readonly ownerUrl: string;
  readonly controlUrl: string;
  readonly workerUrl: string;
  /** The migrated database that test databases are cloned from. */
  readonly template: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: ProvidedPostgres;
  }
}

const PREFIX = 'ownkey-test-pg-';
const OWNER_FILE = 'run.owner';

/**
 * Vitest's global setup: starts ONE embedded PostgreSQL in a temporary folder, migrates its database once and gives the
 * addresses to the test files. Disk waits are off: tests end processes, never the machine.
 * Clusters of runs that were killed are ended and removed first.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeDeadRuns();
  const directory = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(join(directory, OWNER_FILE), `${process.pid} ${processIdentity(process.pid)}`);
  const postgres = await startEmbeddedPostgres(directory, {
    sync: false,
    settings: { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', max_connections: '300' },
  });
  await migrateTemplate(postgres.url('owner'), postgres.controlPassword, postgres.workerPassword);
  await closeTemplate(postgres.url('superuser', 'postgres'));
  project.provide('postgres', {
    port: postgres.port,
    superuserUrl: postgres.url('superuser'),
    ownerUrl: postgres.url('owner'),
    controlUrl: postgres.url('control'),
    workerUrl: postgres.url('worker'),
    template: 'ownkey',
  });
  return async () => {
    await postgres.stop({ fastMs: 2000, immediateMs: 1000 });
    removeDataDirectory(directory);
  };
}

async function migrateTemplate(ownerUrl: string, controlPassword: string, workerPassword: string): Promise<void> {
  const { migrate } = await import('../../packages/server/src/storage/migrate.ts');
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await migrate(client, { controlPassword, workerPassword });
  } finally {
    await client.end();
  }
}

/** PostgreSQL clones a database only while nobody is connected to it. */
async function closeTemplate(superuserUrl: string): Promise<void> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  await client.query('ALTER DATABASE ownkey ALLOW_CONNECTIONS false');
  await client.end();
}

async function removeDeadRuns(): Promise<void> {
  for (const entry of readdirSync(tmpdir())) {
    const directory = join(tmpdir(), entry);
    const ownerFile = join(directory, OWNER_FILE);
    if (!entry.startsWith(PREFIX) || !existsSync(ownerFile)) continue;
    const [pid, identity] = readFileSync(ownerFile, 'utf8').split(' ');
    if (processIdentity(Number(pid)) === identity) continue;
    const cluster = findCluster(directory);
    if (cluster !== null) await stopLeftOver(cluster, { fastMs: 200, immediateMs: 1000 });
    removeDataDirectory(directory);
  }
}
