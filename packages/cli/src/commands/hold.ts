import { mkdirSync } from 'node:fs';
import type { Settings } from '../settings.ts';
import { type Installation, type InstallationOptions, startInstallation } from '../supervisor/installation.ts';
import { lockDataDirectory } from '../supervisor/lock.ts';

/** Processes whose supervisor was killed end by themselves within this time. */
const ORPHAN_LIMIT_MS = 10_000;

/** What a command does with a running installation. */
export interface Hold {
  readonly command: string;
  readonly mode: InstallationOptions['mode'];
  readonly settings: Settings;
  say(line: string): void;
  /** With the data directory locked, before anything starts. */
  prepare(): void | Promise<void>;
  /** Once both planes are ready. */
  started(installation: Installation, aborted: AbortSignal): void | Promise<void>;
  /** A process was restarted. */
  changed(installation: Installation): void;
  /** First thing at a stop. */
  stopping(): void;
}

/**
 * Runs an installation until SIGINT, SIGTERM or SIGHUP, then stops it in order. Repeated signals count as one. Resolves with
 * the exit code: 0 after a stop that was asked for, also while starting. Holds the lock of the data directory all the while.
 */
export async function holdInstallation(hold: Hold): Promise<number> {
  mkdirSync(hold.settings.dataDirectory, { recursive: true, mode: 0o700 });
  const lock = await lockDataDirectory(hold.settings.dataDirectory, hold.command);
  const abort = new AbortController();
  const asked = new Promise<void>((resolve) => {
    const stop = (): void => {
      if (!abort.signal.aborted) hold.say('Stopping…');
      abort.abort();
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  });
  // Node 20 would open the inspector, and with it this process's memory, on this signal.
  process.on('SIGUSR1', () => {});
  let installation: Installation | null = null;
  try {
    await hold.prepare();
    installation = await startInstallation({
      mode: hold.mode,
      settings: hold.settings,
      portPatienceMs: lock.afterKill ? ORPHAN_LIMIT_MS : 0,
      say: hold.say,
      changed: () => {
        if (installation !== null && !abort.signal.aborted) hold.changed(installation);
      },
      aborted: abort.signal,
    });
    await hold.started(installation, abort.signal);
    await asked;
    return 0;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    return 0;
  } finally {
    hold.stopping();
    await installation?.stop();
    lock.release();
    if (abort.signal.aborted) hold.say('Stopped.');
  }
}
