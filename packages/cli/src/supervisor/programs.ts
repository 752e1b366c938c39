import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The checkout or installation this command belongs to: the folder with `packages`, `catalogue` and `node_modules`. */
export const INSTALLATION = dirname(dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))));

/** Processes and modules of other packages, started or loaded by path: this package depends on none of them. */
export const PROGRAMS = {
  server: join(INSTALLATION, 'packages/server/dist/main.js'),
  worker: join(INSTALLATION, 'packages/worker/dist/main.js'),
  sandbox: join(INSTALLATION, 'packages/sandbox/dist/main.js'),
  seedDev: join(INSTALLATION, 'packages/server/dist/seed/dev.js'),
  seedInit: join(INSTALLATION, 'packages/server/dist/seed/init.js'),
  migrate: join(INSTALLATION, 'packages/server/dist/storage/migrate.js'),
  auditVerify: join(INSTALLATION, 'packages/worker/dist/audit-verify.js'),
  importer: join(INSTALLATION, 'packages/importer/dist/main.js'),
  kek: join(INSTALLATION, 'packages/worker/dist/kek.js'),
  kekFile: join(INSTALLATION, 'packages/vault/dist/kek-write.js'),
} as const;

export type ProgramName = keyof typeof PROGRAMS;

/** @throws Error that tells to build when the program is not there. */
export function programPath(name: ProgramName): string {
  const path = PROGRAMS[name];
  if (!existsSync(path)) throw new Error(`${path} is missing. Run \`npm run build\`.`);
  return path;
}

/** Loads one function of another package's built module. */
export async function loadFunction(name: ProgramName, exported: string): Promise<(...words: never[]) => unknown> {
  const loaded: unknown = await import(pathToFileURL(programPath(name)).href);
  const value: unknown = typeof loaded === 'object' && loaded !== null ? Reflect.get(loaded, exported) : undefined;
  if (!isFunction(value)) throw new Error(`${PROGRAMS[name]} does not export ${exported}`);
  return value;
}

function isFunction(value: unknown): value is (...words: never[]) => unknown {
  return typeof value === 'function';
}

/**
 * What a process of ours must be able to read to run its code: the built files and package.json of `packages`, the installed
 * modules, and `extra` folders (ending in a slash) or files. Never the installation folder itself: the data folder lies in it.
 */
export function readablePaths(packages: readonly string[], extra: readonly string[]): string[] {
  const own = packages.flatMap((name) => [
    join(INSTALLATION, 'packages', name, 'dist/'),
    join(INSTALLATION, 'packages', name, 'package.json'),
    // Where npm could not hoist a version, it lies in the package's own folder.
    join(INSTALLATION, 'packages', name, 'node_modules/'),
  ]);
  return [...own.filter((path) => existsSync(path)), join(INSTALLATION, 'node_modules/'), ...extra];
}

/** All packages of the installation. */
export function packageNames(): string[] {
  return readdirSync(join(INSTALLATION, 'packages'));
}
