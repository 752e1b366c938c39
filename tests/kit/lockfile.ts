import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What package-lock.json says of one installed package. */
export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const FILE = fileURLToPath(new URL('../../package-lock.json', import.meta.url));

/** Installed packages by their place: `node_modules/pg`, `packages/worker`. */
export function readLockfile(): Readonly<Record<string, LockedPackage>> {
  return JSON.parse(readFileSync(FILE, 'utf8')).packages;
}

/** Everything of others that `workspace` (`packages/worker`) loads or could load, by place: what it names, what that names, and so on. */
export function packagesBelow(workspace: string): ReadonlyMap<string, LockedPackage> {
  const lock = readLockfile();
  const found = new Map<string, LockedPackage>();
  const visited = new Set<string>();
  const visit = (place: string): void => {
    if (visited.has(place)) return;
    visited.add(place);
    const { dependencies, optionalDependencies } = lock[place] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const at = placeOf(lock, place, name);
      if (at === null) continue;
      const entry = lock[at];
      if (entry?.link === true) visit(entry.resolved ?? '');
      else if (entry) {
        found.set(at, entry);
        visit(at);
      }
    }
  };
  visit(workspace);
  return found;
}

/** Where Node finds `name` from `from`: the nearest `node_modules` upwards. */
function placeOf(lock: Readonly<Record<string, LockedPackage>>, from: string, name: string): string | null {
  for (let folder = from; ; folder = folder.replace(/(?:^|\/)(?:node_modules\/(?:@[^/]+\/)?|packages\/)[^/]+$/, '')) {
    const place = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (lock[place]) return place;
    if (folder === '') return null;
  }
}

/** The name of the package at a place. */
export function nameAt(place: string): string {
  return place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
