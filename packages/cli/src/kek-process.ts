import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import type { Settings } from './settings.ts';
import { kekFlagsOf, workerEnvironment } from './supervisor/environment.ts';
import { localUrl } from './supervisor/local-url.ts';
import { loadFunction, programPath } from './supervisor/programs.ts';

/** Exit code of a process that found another one changing master keys. */
export const KEK_BUSY = 3;

export interface KekProcessOptions {
  /** Where its words go: this process's own output, or back to the caller. */
  readonly output: 'inherit' | 'collect';
  /** The changed file is put in place with this; by default over the old one. */
  readonly publish?: (file: string) => void;
  /** Hears the process id. */
  readonly started?: (pid: number) => void;
}

export interface KekProcessEnd {
  readonly code: number;
  /** What it printed, where it was collected. */
  readonly output: string;
}

/**
 * Runs the process that may hold master keys, behind the worker's walls, and puts changed files in place for it: this process reads none.
 * Resolves when it has ended.
 */
export async function runKekProcess(
  settings: Settings,
  workerUrl: string,
  words: readonly string[],
  options: KekProcessOptions,
): Promise<KekProcessEnd> {
  const file = existsSync(settings.kekFile) ? realpathSync(settings.kekFile) : settings.kekFile;
  const put: (...given: never[]) => unknown = await loadFunction('kekFile', 'publishKekFile');
  const publish = options.publish ?? ((path: string) => void Reflect.apply(put, undefined, [path]));
  const where = {
    mode: 'production',
    serverPort: settings.port,
    gatewayPort: settings.gatewayPort,
    consoleUrl: localUrl(settings.host, settings.port),
    gatewayUrl: localUrl(settings.host, settings.gatewayPort),
    sandbox: null,
  } as const;
  const sink = options.output === 'inherit' ? 'inherit' : 'pipe';
  const child = spawn(process.execPath, [...kekFlagsOf(settings, file), programPath('kek'), ...words], {
    env: { ...workerEnvironment(settings, where, workerUrl), OWNKEY_KEK_FILE: file },
    stdio: ['ignore', sink, sink, 'ipc'],
  });
  if (child.pid !== undefined) options.started?.(child.pid);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      output += text;
    });
  }
  child.on('message', (message: unknown) => {
    if (typeof message !== 'object' || message === null || !('type' in message) || message.type !== 'publish') return;
    let problem: string | null = null;
    try {
      publish(file);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      problem = `The master key file ${file} could not be changed: ${why}. Run this where the file can be written, then copy it to the other machines.`;
    }
    if (child.connected) child.send({ type: 'published', problem });
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
