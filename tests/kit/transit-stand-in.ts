/** What Transit's HTTP API answers to `encrypt` and `decrypt`, by HashiCorp's and OpenBao's documentation. Not the real thing. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { Server } from 'node:net';

export interface TransitCall {
  path: string;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** Base64 in, `vault:v1:…` out, and back; `wrapped` keeps what belongs to which ciphertext. */
export function answerAsTransit(
  wrapped: Map<string, string>,
  { path, body }: TransitCall,
): { status: number; body: string } {
  const given = JSON.parse(body);
  if (path.includes('/encrypt/')) {
    const ciphertext = `vault:v1:${randomBytes(48).toString('base64')}`;
    wrapped.set(ciphertext, given.plaintext);
    return { status: 200, body: JSON.stringify({ request_id: 'x', data: { ciphertext, key_version: 1 } }) };
  }
  const plaintext = wrapped.get(given.ciphertext);
  if (plaintext === undefined) return { status: 400, body: '{"errors":["invalid ciphertext"]}' };
  return { status: 200, body: JSON.stringify({ request_id: 'x', lease_id: '', data: { plaintext } }, null, 2) };
}

export interface TransitStandIn {
  readonly url: string;
  readonly calls: TransitCall[];
  close(): void;
}

/** On a free port of loopback, plain http. */
export async function startTransitStandIn(): Promise<TransitStandIn> {
  const wrapped = new Map<string, string>();
  const calls: TransitCall[] = [];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const call = { path: request.url ?? '', headers: request.headers, body };
    calls.push(call);
    const answer = answerAsTransit(wrapped, call);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    calls,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}
