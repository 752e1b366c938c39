import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findCluster } from './place.ts';
import { readPostmasterFile } from './postmaster.ts';

/** The address, as ownkey_worker, of the embedded database that another process keeps running; null when it cannot be told. */
export function runningWorkerUrl(dataDirectory: string): string | null {
  const cluster = findCluster(dataDirectory);
  const passwordFile = join(dataDirectory, 'pg.worker.password');
  const port = cluster === null ? undefined : readPostmasterFile(cluster)?.port;
  if (port === undefined || !existsSync(passwordFile)) return null;
  return `postgres://ownkey_worker:${readFileSync(passwordFile, 'utf8').trim()}@127.0.0.1:${port}/ownkey`;
}
