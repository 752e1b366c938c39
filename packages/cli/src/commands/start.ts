import { masterKeyProblem } from '../supervisor/master-key.ts';
import { type Command, isRoot, UsageError } from './command.ts';
import { holdInstallation } from './hold.ts';

export const start: Command = {
  summary: 'Run both planes for production: no sandbox, no demo data.',
  switches: ['allow-root'],
  help: `Usage: ownkey start [--allow-root]

Starts server and worker (OWNKEY_WORKERS of them), on the embedded PostgreSQL or on the database named by
OWNKEY_CONTROL_DATABASE_URL and OWNKEY_WORKER_DATABASE_URL. Run \`ownkey init\` once before. Without a master key it
refuses to start. --allow-root permits running as root.`,
  run: async ({ settings: read, switches, say }) => {
    const settings = read();
    refuseRoot(switches);
    const problem = masterKeyProblem(settings.kekFile);
    if (problem !== null) throw new Error(problem);
    return holdInstallation({
      command: 'start',
      mode: 'production',
      settings,
      say,
      prepare: () => {},
      started: (installation) => {
        say(`Console ${installation.consoleUrl}, gateway ${installation.gatewayUrl}`);
        if (installation.fingerprint !== null) say(`Keys are sealed for the vault ${installation.fingerprint}`);
      },
      changed: () => {},
      stopping: () => {},
    });
  },
};

/** In production root has to be asked for: a flaw in any part would own the machine. */
export function refuseRoot(switches: ReadonlySet<string>): void {
  if (isRoot() && !switches.has('allow-root')) {
    throw new UsageError('Ownkey does not run as root in production. Use an ordinary user, or add --allow-root.');
  }
}
