import { fileURLToPath } from 'node:url';
import { type Sandbox, startSandbox } from '@ownkey/sandbox/start';
import { afterAll, beforeAll } from 'vitest';

const CATALOGUE = fileURLToPath(new URL('../../catalogue/providers', import.meta.url));

/** Starts the simulated providers on a free port, in this process; the caller closes them. */
export function openSandbox(): Promise<Sandbox> {
  return startSandbox({ port: 0, catalogueDir: CATALOGUE });
}

/** One sandbox for a test file: started before its tests, closed after them. Calls and settings are the file's to clear. */
export function useSandbox(): () => Sandbox {
  let sandbox: Sandbox | null = null;
  beforeAll(async () => {
    sandbox = await openSandbox();
  });
  afterAll(async () => {
    await sandbox?.close();
  });
  return () => {
    if (!sandbox) throw new Error('The sandbox is started before the first test, not earlier');
    return sandbox;
  };
}
