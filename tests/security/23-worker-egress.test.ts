import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { expect, test } from 'vitest';
import { watchSockets } from '../kit/socket-watch.ts';

/**
 * Threats 10 and 23: where the worker connects. 01-canary-sweep watches a whole run from outside; here is what makes that watch worth
 * something, and the few places in the code that could open a connection at all.
 */

test('the watch sees a connection to an address nobody listed, and tells it from those that were accepted', async () => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const watch = watchSockets([process.pid], 1);
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const looks = watch.looks;
  while (watch.looks < looks + 2) await new Promise((resolve) => setTimeout(resolve, 1));
  watch.stop();
  expect(watch.seen).toContain(`127.0.0.1:${port}`);
  expect(watch.seen).not.toContain(`127.0.0.1:${socket.localPort}`);
  socket.destroy();
  server.close();
});

const NETWORK =
  /from '(?:node:(?:net|tls|http|https|http2|dgram|dns|dns\/promises)|undici|pg)'|\bfetch\(|\bWebSocket\b/;
const TYPES_ALONE = /^import type .*$/gm;

test('few files of the worker and what it imports can open a connection: another one is a decision to be made here', () => {
  const found: string[] = [];
  for (const name of ['contract', 'guard', 'policy', 'providers', 'vault', 'worker']) {
    const folder = new URL(`../../packages/${name}/src/`, import.meta.url);
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || /\.test(?:-kit)?\.ts$/.test(file)) continue;
      const code = readFileSync(new URL(file, folder), 'utf8').replaceAll(TYPES_ALONE, '');
      if (NETWORK.test(code)) found.push(`${name}/${file}`);
    }
  }
  expect(found.sort()).toEqual([
    'guard/pinned-connect.ts', // the guarded connect: to the one address that was looked up and checked
    'worker/compose.ts', // tells its own server with TLS from one without
    'worker/database.ts', // Postgres
    'worker/egress/connection.ts', // to providers, by the guarded connect alone
    'worker/egress/late-injection.ts', // writes to those
    'worker/egress/pooled-egress.ts', // looks names up, for the guard
    'worker/freshness/listener.ts', // Postgres
    'worker/http/server.ts', // is connected to
    'worker/kek/lock.ts', // Postgres
    'worker/kek/transit.ts', // the KMS, where one is named, at start
  ]);
});
