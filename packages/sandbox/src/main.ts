/** The sandbox process: simulated providers for development and for hosts' tests. */
import { onStop, reportReady } from '@ownkey/guard/child-control';
import { readConfig } from './config.ts';
import { type Sandbox, startSandbox } from './start.ts';

let sandbox: Sandbox | null = null;
onStop(() => sandbox?.close());
try {
  sandbox = await startSandbox(readConfig());
  reportReady({ port: sandbox.port, providers: sandbox.keys.providers });
} catch (error) {
  // Messages of our own loaders and of `listen`; no key exists yet.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  process.exit();
}
