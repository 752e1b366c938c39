/** The sandbox process: simulated providers for development and for hosts' tests. */
import { onStop, reportReady } from '@ownkey/guard/child-control';
import { readConfig } from './config.ts';
import { type Sandbox, startSandbox } from './start.ts';

let sandbox: Sandbox | null = null;
onStop(() => sandbox?.close());
try {
  sandbox = await startSandbox(readConfig());
  // Only the port: whoever wants the keys asks for `/_keys`.
  reportReady({ port: sandbox.port });
} catch (error) {
  // Messages of our own loaders and of `listen`; no key exists yet.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  process.exit();
}
