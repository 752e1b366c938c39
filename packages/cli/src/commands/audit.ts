import { spawn } from 'node:child_process';
import type { Settings } from '../settings.ts';
import { workerEnvironment, workerFlagsOf } from '../supervisor/environment.ts';
import { localUrl } from '../supervisor/local-url.ts';
import { masterKeyProblem } from '../supervisor/master-key.ts';
import { programPath } from '../supervisor/programs.ts';
import type { Command } from './command.ts';
import { withEmbeddedDatabase } from './migrate.ts';

export const auditVerify: Command = {
  summary: 'Check the audit chain of every company and name the first changed row.',
  help: `Usage: ownkey audit verify

Reads every company's audit chain and checks each row's hash and the head's authentication, which needs the master key.
Exit code 0: unchanged; 1: a row was changed, removed or added (it is named). Uses OWNKEY_WORKER_DATABASE_URL, or the
embedded database of the data folder, which must not be running.`,
  run: async ({ settings: read, say }) => {
    const settings = read();
    const problem = masterKeyProblem(settings.kekFile);
    if (problem !== null) throw new Error(problem);
    if (settings.workerUrl !== null) return verify(settings, settings.workerUrl);
    return withEmbeddedDatabase(settings, 'audit verify', say, (databases) => verify(settings, databases.workerUrl()));
  },
};

/** Runs the check in a process with the worker's walls: it alone may hold the master key. */
function verify(settings: Settings, workerUrl: string): Promise<number> {
  const where = {
    mode: 'production',
    serverPort: settings.port,
    gatewayPort: settings.gatewayPort,
    consoleUrl: localUrl(settings.host, settings.port),
    gatewayUrl: localUrl(settings.host, settings.gatewayPort),
    sandbox: null,
  } as const;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...workerFlagsOf(settings), programPath('auditVerify')], {
      env: workerEnvironment(settings, where, workerUrl),
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
