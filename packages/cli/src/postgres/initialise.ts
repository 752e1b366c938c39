import { spawn } from 'node:child_process';
import { chownSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { PostgresBinaries } from './binaries.ts';
import { type ClusterPlace, clusterVersion, makeUserDirectory } from './place.ts';
import { runAs } from './user.ts';

/** The name of the cluster's superuser; migrations run as the database's owner, not as this role. */
export const SUPERUSER = 'postgres';

/** What PostgreSQL's programs are given of the environment: nothing of ours. */
export const POSTGRES_ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' } as const;

/** True when the place holds a finished cluster. */
export function isInitialised(place: ClusterPlace): boolean {
  return clusterVersion(place.cluster) !== null;
}

/**
 * Makes the cluster: initdb works in a scratch folder beside it and the result appears by rename, so a cluster is complete
 * or absent. Scratch folders of broken attempts are removed first. The caller holds the lock of the data directory.
 * @throws Error with initdb's own words.
 */
export async function initialiseCluster(
  binaries: PostgresBinaries,
  place: ClusterPlace,
  superuserPassword: string,
  { sync = true }: { sync?: boolean } = {},
): Promise<void> {
  removeScratch(place);
  const scratch = join(place.parent, `${scratchPrefix(place)}${process.pid}`);
  makeUserDirectory(scratch, place.user);
  try {
    const passwordFile = join(scratch, 'password');
    writeFileSync(passwordFile, superuserPassword, { mode: 0o600 });
    if (place.user !== null) chownSync(passwordFile, place.user.uid, place.user.gid);
    await runInitdb(binaries, place, join(scratch, 'cluster'), passwordFile, sync);
    if (existsSync(place.cluster)) putAsideUnfinished(place);
    renameSync(join(scratch, 'cluster'), place.cluster);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function runInitdb(
  binaries: PostgresBinaries,
  place: ClusterPlace,
  target: string,
  passwordFile: string,
  sync: boolean,
): Promise<void> {
  const words = [
    `--pgdata=${target}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // PostgreSQL's own C.UTF-8 sorts alike on every machine, whatever locales its operating system has.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--data-checksums',
    ...(sync ? [] : ['--no-sync']),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(join(binaries.directory, 'bin', 'initdb'), words, {
      cwd: binaries.directory,
      env: { ...POSTGRES_ENVIRONMENT },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...runAs(place.user),
    });
    let said = '';
    const collect = (chunk: Buffer): void => {
      said = (said + chunk.toString('utf8')).slice(-4000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error) => reject(new Error(`initdb could not be run: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`initdb failed (${signal ?? `exit code ${code}`}):\n${said.trim()}`));
    });
  });
}

/** A folder at the cluster's place that is no cluster: removed when it is empty, else kept beside under another name. */
function putAsideUnfinished(place: ClusterPlace): void {
  if (readdirSync(place.cluster).length === 0) {
    rmSync(place.cluster, { recursive: true });
    return;
  }
  const kept = `${place.cluster}.unfinished`;
  rmSync(kept, { recursive: true, force: true });
  renameSync(place.cluster, kept);
}

function scratchPrefix(place: ClusterPlace): string {
  return `${basename(place.cluster)}.init-`;
}

function removeScratch(place: ClusterPlace): void {
  for (const entry of readdirSync(place.parent)) {
    if (entry.startsWith(scratchPrefix(place))) rmSync(join(place.parent, entry), { recursive: true, force: true });
  }
}
