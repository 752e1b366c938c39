import './platform/close-threads.ts';
import { onStop, reportReady } from '@ownkey/guard/child-control';
import { endOnDefect } from '@ownkey/guard/end-on-defect';
import { scrubForms } from '@ownkey/guard/scrub-facts';
import { composeServer, type Server } from './compose.ts';
import { ConfigError, readConfig } from './config.ts';

let server: Server | null = null;
onStop(async () => {
  await server?.close();
});

try {
  const config = readConfig();
  server = await composeServer(config);
  const { log } = server;
  endOnDefect((error) => log.fatal({ err: error }, 'the server ends because of a defect'));
  await server.app.listen({ host: config.host, port: config.port });
  const address = server.app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  log.info({ host: config.host, port }, 'serving');
  reportReady({ port });
} catch (error) {
  const text =
    error instanceof ConfigError ? error.message : error instanceof Error ? (error.stack ?? error.message) : 'unknown';
  process.stderr.write(`${scrubForms(text)}\n`);
  process.exit(1);
}
