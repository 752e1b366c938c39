import { mkdirSync } from 'node:fs';
import type { Settings } from '../settings.ts';
import { type SupervisedChild, startChild } from '../supervisor/child.ts';
import {
  serverEnvironment,
  serverFlagsOf,
  type Whereabouts,
  workerEnvironment,
  workerFlagsOf,
} from '../supervisor/environment.ts';
import { startCustodian } from '../supervisor/keep-custody.ts';
import { assertPortFree, bindSharedListener } from '../supervisor/listener.ts';
import { localUrl } from '../supervisor/local-url.ts';
import { masterKeyProblem } from '../supervisor/master-key.ts';
import { programPath } from '../supervisor/programs.ts';
import type { Command, Given } from './command.ts';
import { refuseRoot } from './start.ts';

export const server: Command = {
  summary: 'Run the control plane alone (console and API).',
  switches: ['allow-root'],
  help: `Usage: ownkey server [--allow-root]

Runs one server process on OWNKEY_CONTROL_DATABASE_URL. It needs OWNKEY_AUTH_SECRET (the same on every server) and
OWNKEY_GATEWAY_URL, and never the master key. Any number of servers may share one database.`,
  run: async (given) => {
    const settings = given.settings();
    refuseRoot(given.switches);
    const controlUrl = need(settings.controlUrl, 'OWNKEY_CONTROL_DATABASE_URL');
    const authSecret = need(settings.givenTo('server').OWNKEY_AUTH_SECRET, 'OWNKEY_AUTH_SECRET');
    need(settings.gatewayUrl, 'OWNKEY_GATEWAY_URL');
    await assertPortFree(settings.host, settings.port, 'OWNKEY_PORT');
    return runUntilStopped(given, async (aborted) => [
      await startChild({
        name: 'server',
        program: programPath('server'),
        flags: () => serverFlagsOf(settings),
        environment: () => serverEnvironment(settings, alone(settings, settings.gatewayPort), controlUrl, authSecret),
        log: 'inherit',
        aborted,
        report: (event) => {
          if (event.type === 'died') given.say(`The server ended (${event.how}); starting it again.`);
        },
      }),
    ]);
  },
};

export const worker: Command = {
  summary: 'Run the data plane alone (the gateway).',
  switches: ['allow-root'],
  help: `Usage: ownkey worker [--allow-root]

Runs OWNKEY_WORKERS worker processes on one port, on OWNKEY_WORKER_DATABASE_URL and the master key
(OWNKEY_KEK_FILE, by default \`kek\` in the data folder). Any number of machines may share one database and key.`,
  run: async (given) => {
    const settings = given.settings();
    refuseRoot(given.switches);
    const workerUrl = need(settings.workerUrl, 'OWNKEY_WORKER_DATABASE_URL');
    const problem = masterKeyProblem(settings.kekFile);
    if (problem !== null) throw new Error(problem);
    const listener = await bindSharedListener(settings.host, settings.gatewayPort, 'OWNKEY_GATEWAY_PORT');
    mkdirSync(settings.dataDirectory, { recursive: true, mode: 0o700 });
    const custodian = await startCustodian(settings, () => workerUrl, given.say);
    try {
      return await runUntilStopped(given, (aborted) =>
        Promise.all(
          Array.from({ length: settings.workers }, (_, index) =>
            startChild({
              name: `worker ${index + 1}`,
              program: programPath('worker'),
              flags: () => workerFlagsOf(settings),
              environment: () => workerEnvironment(settings, alone(settings, listener.port), workerUrl),
              log: 'inherit',
              listener,
              aborted,
              report: (event) => {
                if (event.type === 'died') given.say(`Worker ${index + 1} ended (${event.how}); starting it again.`);
              },
            }),
          ),
        ),
      );
    } finally {
      await custodian.stop();
      listener.close();
    }
  },
};

/** One plane cannot know where the other runs: what was not set is taken to be on this machine. */
function alone(settings: Settings, gatewayPort: number): Whereabouts {
  return {
    mode: 'production',
    serverPort: settings.port,
    gatewayPort,
    consoleUrl: settings.consoleUrl ?? localUrl(settings.host, settings.port),
    gatewayUrl: settings.gatewayUrl ?? localUrl(settings.host, gatewayPort),
    sandbox: null,
  };
}

const STOP_LIMIT_MS = 8000;

async function runUntilStopped(
  given: Given,
  begin: (aborted: AbortSignal) => Promise<SupervisedChild[]>,
): Promise<number> {
  const abort = new AbortController();
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        abort.abort();
        resolve();
      });
    }
  });
  process.on('SIGUSR1', () => {});
  let children: SupervisedChild[];
  try {
    children = await begin(abort.signal);
  } catch (error) {
    if (abort.signal.aborted) return 0;
    throw error;
  }
  given.say(`Running: ${children.map((child) => `${child.name} on port ${child.info()?.port}`).join(', ')}`);
  await asked;
  await Promise.all(children.map((child) => child.stop(STOP_LIMIT_MS)));
  return 0;
}

function need(value: string | null | undefined, name: string): string {
  if (value === null || value === undefined)
    throw new Error(`${name} is not set. One plane alone needs it; \`ownkey start\` runs both.`);
  return value;
}
