import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE } from '../postgres/embedded.ts';
import { findCluster } from '../postgres/place.ts';
import { readPostmasterFile } from '../postgres/postmaster.ts';
import type { Settings } from '../settings.ts';
import { dataDirectoryOwner } from './lock.ts';

/**
 * The worker's address of the embedded database of a data folder that an Ownkey runs on; null when none does.
 * @throws Error when it runs but its database does not (it is starting or restarting)
 */
export function runningWorkerUrl(settings: Settings): string | null {
  if (dataDirectoryOwner(settings.dataDirectory) === null) return null;
  const cluster = findCluster(settings.dataDirectory);
  const running = cluster === null ? null : readPostmasterFile(cluster);
  if (running === null || running.port === null || !running.ready) {
    throw new Error(`The database of ${settings.dataDirectory} is not up yet; try again in a few seconds.`);
  }
  const password = readFileSync(join(settings.dataDirectory, 'pg.worker.password'), 'utf8').trim();
  return `postgres://ownkey_worker:${password}@127.0.0.1:${running.port}/${DATABASE}`;
}
