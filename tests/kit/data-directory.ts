import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ROOT_DIRECTORY } from '../../packages/cli/src/postgres/binaries.ts';
import { findCluster } from '../../packages/cli/src/postgres/place.ts';

/** Removes a data directory whose database has stopped, with the cluster where it lies elsewhere (`pg.path`). */
export function removeDataDirectory(directory: string): void {
  const cluster = findCluster(directory);
  if (cluster !== null && dirname(dirname(cluster)) === ROOT_DIRECTORY) {
    rmSync(dirname(cluster), { recursive: true, force: true });
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
