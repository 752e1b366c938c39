import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT_DIRECTORY } from './binaries.ts';
import { canEnter, type DatabaseUser } from './user.ts';

/** Where the embedded cluster of a data directory lies and who owns it. */
export interface ClusterPlace {
  /** The data directory, absolute, links resolved. */
  readonly dataDirectory: string;
  /** The folder the cluster's own folder is in; scratch folders of initdb are made here, so that a rename stays on one file system. */
  readonly parent: string;
  /** PostgreSQL's data folder. It exists only once initdb has finished. */
  readonly cluster: string;
  readonly user: DatabaseUser | null;
}

/** File in the data directory that names the cluster when it lies elsewhere; `doctor` and backups follow it. */
export const PATH_FILE = 'pg.path';

/**
 * Creates the data directory and decides where the cluster lies. As root the data directory is 0711, so that the database
 * user can pass through it to its own 0700 folder; where a parent of it bars that user (root's home, a 0700 temporary
 * folder), the cluster lies under /var/lib/ownkey and `pg.path` names it.
 */
export function preparePlace(directory: string, user: DatabaseUser | null): ClusterPlace {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const dataDirectory = realpathSync(directory);
  chmodSync(dataDirectory, user === null ? 0o700 : 0o711);
  const pathFile = join(dataDirectory, PATH_FILE);
  if (user === null || canEnter(user, dataDirectory)) {
    rmSync(pathFile, { force: true });
    return { dataDirectory, parent: dataDirectory, cluster: join(dataDirectory, 'pg'), user };
  }
  const parent = join(ROOT_DIRECTORY, createHash('sha256').update(dataDirectory).digest('hex').slice(0, 16));
  mkdirSync(parent, { recursive: true, mode: 0o711 });
  if (!canEnter(user, parent)) {
    throw new Error(
      `The database user ${user.name} can enter neither ${dataDirectory} nor ${parent}. Run Ownkey as an ordinary user.`,
    );
  }
  const cluster = join(parent, 'pg');
  if (!existsSync(pathFile)) {
    // A cluster without its `pg.path` belonged to a data directory that was deleted, KEK and passwords with it: put it aside.
    if (existsSync(cluster)) {
      rmSync(`${cluster}.left-behind`, { recursive: true, force: true });
      renameSync(cluster, `${cluster}.left-behind`);
    }
    writeFileSync(pathFile, `${cluster}\n`, { mode: 0o600 });
  }
  return { dataDirectory, parent, cluster, user };
}

/** The cluster folder of a data directory as it is now, for `doctor` and backups; null when there is none. Changes nothing. */
export function findCluster(dataDirectory: string): string | null {
  const pathFile = join(dataDirectory, PATH_FILE);
  const cluster = existsSync(pathFile) ? readFileSync(pathFile, 'utf8').trim() : join(dataDirectory, 'pg');
  return existsSync(cluster) ? cluster : null;
}

/** Makes a new folder of mode 0700 that belongs to the database user. */
export function makeUserDirectory(path: string, user: DatabaseUser | null): void {
  mkdirSync(path, { mode: 0o700 });
  if (user !== null) chownSync(path, user.uid, user.gid);
}

/** The major version of the server that made this cluster, or null when the folder is not a cluster. */
export function clusterVersion(cluster: string): string | null {
  const file = join(cluster, 'PG_VERSION');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}

/** Fails when the cluster's folder is not the database user's own (a changed user, a restored backup). */
export function assertClusterOwner(place: ClusterPlace): void {
  const owner = statSync(place.cluster).uid;
  const expected = place.user?.uid ?? process.getuid?.();
  if (expected !== undefined && owner !== expected) {
    throw new Error(
      `${place.cluster} belongs to user id ${owner}, but PostgreSQL would run as user id ${expected}. ` +
        `Start Ownkey as the user that made ${dirname(place.cluster)}, or change the owner of that folder.`,
    );
  }
}
