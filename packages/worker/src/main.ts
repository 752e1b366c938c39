import { onStop, reportReady, takeListener } from '@ownkey/guard/child-control';
import { scrubForms } from '@ownkey/guard/scrub-facts';
import { startWorker, type Worker } from './compose.ts';
import { ConfigError, readConfig } from './config.ts';

/** The worker process: reads its settings, serves until it is told to stop. */
let worker: Worker | null = null;
onStop(() => worker?.stop());

try {
  const config = readConfig();
  worker = await startWorker(config, await takeListener());
  reportReady({ port: worker.port });
} catch (error) {
  const text = error instanceof ConfigError ? error.message : `The worker did not start: ${describe(error)}`;
  process.stderr.write(`${scrubForms(text)}\n`);
  process.exitCode = 1;
  await worker?.stop();
  process.exit(1);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
