import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runKekProcess } from '../kek-process.ts';
import type { Settings } from '../settings.ts';
import { loadFunction, programPath } from './programs.ts';

/**
 * Makes the master key file if there is none; true when it made one. A short-lived process of its own makes it, so the key is
 * never in the memory of this one, which lives on.
 * @throws Error in the vault's words.
 */
export function createMasterKey(file: string): boolean {
  if (existsSync(file)) return false;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const module = pathToFileURL(programPath('kekFile')).href;
  const script = `import(${JSON.stringify(module)}).then((vault) => { vault.createKekFile(process.argv[1]); }).catch((error) => { console.error(error.message); process.exitCode = 1; });`;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', script, file], {
    encoding: 'utf8',
    env: {},
  });
  if (result.status !== 0)
    throw new Error(`The master key could not be made: ${result.stderr.trim() || `exit code ${result.status}`}`);
  return true;
}

/**
 * The same where a KMS wraps the master key: made and wrapped in a process behind the worker's walls, and linked into place, so that of two
 * at once one wins.
 * @throws Error in the vault's words.
 */
export async function createWrappedMasterKey(settings: Settings): Promise<boolean> {
  const { kekFile: file } = settings;
  if (existsSync(file)) return false;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const { code, output } = await runKekProcess(settings, 'postgres://not-asked', ['make'], { output: 'collect' });
  if (code !== 0) throw new Error(`The master key could not be made: ${output.trim() || `exit code ${code}`}`);
  const put: (...given: never[]) => unknown = await loadFunction('kekFile', 'publishFirstKekFile');
  Reflect.apply(put, undefined, [file]);
  return true;
}

/** What is wrong with the master key file, with what to do; null when nothing is. Its content is not read. */
export function masterKeyProblem(file: string): string | null {
  if (!existsSync(file))
    return `There is no master key at ${file}. \`ownkey init\` makes one; an installation with stored keys needs its own, from your backup.`;
  const stat = statSync(file);
  if (!stat.isFile()) return `${file} is not a file.`;
  if ((stat.mode & 0o077) !== 0)
    return `${file} can be read by others (mode ${(stat.mode & 0o777).toString(8)}). Run: chmod 600 ${file}`;
  const uid = process.getuid?.();
  if (uid !== undefined && uid !== 0 && stat.uid !== uid) return `${file} belongs to another user.`;
  return null;
}
