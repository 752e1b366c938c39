import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { OwnkeyError } from '@ownkey/contract/errors';
import { createScrubber } from '@ownkey/guard/scrub';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { composeGateway, type Gateway, type GatewayOptions } from '@ownkey/worker/compose-gateway';
import { createPool, sqlOf } from '@ownkey/worker/database';
import { createTargets } from '@ownkey/worker/gateway/targets';
import { createServer } from '@ownkey/worker/http/server';
import { FakeEgress } from './fake-egress.ts';
import { plainExchange } from './plain-exchange.ts';
import { quiet } from './quiet-log.ts';

export const CATALOGUE = loadCatalogue(fileURLToPath(new URL('../../catalogue', import.meta.url)));

/** A gateway in this process, with a provider the test plays. */
export interface GatewayUnderTest {
  url: string;
  egress: FakeEgress;
  gateway: Gateway;
  close(): Promise<void>;
}

/** Starts it on a free port. Notifications of the database are listened to. */
export async function startGateway(
  workerUrl: string,
  more: Partial<GatewayOptions> & {
    baseUrls?: ReadonlyMap<string, string>;
    tls?: { cert: Buffer; key: Buffer };
  } = {},
): Promise<GatewayUnderTest> {
  const egress = new FakeEgress();
  const pools = ['general', 'ledger'].map((name) =>
    createPool({ connectionString: workerUrl, name, connectionsMax: 3, log: quiet }),
  );
  const [general, ledger] = pools;
  if (!general || !ledger) throw new Error('no pools');
  const gateway = composeGateway({
    targets: createTargets(CATALOGUE, more.baseUrls ?? new Map()),
    prepareExchange: plainExchange,
    writeError: (_, { status, type, message }) => Buffer.from(JSON.stringify({ error: { status, type, message } })),
    readModelList: (_, body) => {
      const { data } = JSON.parse(body.toString());
      if (!Array.isArray(data)) throw new Error('no list');
      return data;
    },
    egress,
    sql: sqlOf(general),
    ledgerSql: sqlOf(ledger),
    listenDatabaseUrl: workerUrl,
    workerId: randomBytes(6).toString('hex'),
    trustedProxies: [],
    bodyBytesMax: 100_000,
    headersTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    scrubber: createScrubber(),
    log: quiet,
    field: () => Promise.reject(new OwnkeyError('not_found')),
    keys: () => ({ clearKeyRoute: null, jobs: { start() {}, wake() {}, stop: () => Promise.resolve() } }),
    ...more,
  });
  const server = createServer(gateway.serve, more.tls ?? null);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  gateway.start();
  const { port } = addressOf(server.address());
  return {
    url: `${more.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    egress,
    gateway,
    async close() {
      server.closeAllConnections();
      server.close();
      await gateway.close();
      for (const pool of pools) await pool.end();
    },
  };
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address;
}

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  /** Parsed body; null when it is no JSON. */
  json: Record<string, never> | null;
}

/** One request, whole: no connection is shared, whatever the status is it resolves. */
export function send(
  method: string,
  url: string,
  options: { token?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = open(method, url, options);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) });
      });
    });
    request.on('error', reject);
  });
}

/** One request whose answer the test reads itself. */
export function open(
  method: string,
  url: string,
  options: { token?: string; headers?: Record<string, string>; body?: unknown } = {},
): http.ClientRequest {
  const { token, headers = {}, body } = options;
  const bytes = body === undefined ? null : bytesOf(body);
  const request = http.request(url, {
    method,
    agent: false,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(bytes === null ? {} : { 'content-type': 'application/json' }),
      ...(bytes === null || 'transfer-encoding' in headers ? {} : { 'content-length': bytes.length }),
      ...headers,
    },
  });
  if (headers.expect === undefined) request.end(bytes ?? undefined);
  else request.once('continue', () => request.end(bytes ?? undefined));
  return request;
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function parse(text: string): Answer['json'] {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
