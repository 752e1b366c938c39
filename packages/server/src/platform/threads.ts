import { syncBuiltinESMExports } from 'node:module';
import type { Worker } from 'node:worker_threads';

/**
 * The only way to a thread in the server. Node's permission model lets a thread out of the wall around files when it is started
 * with flags of its own (decision 0002), so after `closeThreads` nothing else in the process can start one.
 */
const builtin = process.getBuiltinModule('node:worker_threads');
const OpenWorker = builtin.Worker;

/** Starts a thread behind the same wall as the process: no flags, no variables of its own. */
export function startThread(file: URL): Worker {
  return new OpenWorker(file, { env: {}, stdin: false, stdout: false, stderr: false });
}

/** Takes the class away from everybody who has not read it yet: to be called before any library is loaded. */
export function closeThreads(): void {
  Reflect.set(builtin, 'Worker', ClosedWorker);
  syncBuiltinESMExports();
}

function ClosedWorker(): never {
  throw new Error('The server starts no threads but its own.');
}
