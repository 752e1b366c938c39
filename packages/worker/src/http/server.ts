import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { TLS_RULES } from './tls.ts';

export interface ServerLimits {
  /** All headers of a request together. */
  headerBytesMax: number;
  headersTimeoutMs: number;
  /** The whole request, body included. */
  requestTimeoutMs: number;
  /** An idle connection is kept this long. */
  keepAliveMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headerBytesMax: 32_768,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 300_000,
  // Longer than the usual 60 s of load balancers, so that they are the ones who close.
  keepAliveMs: 65_000,
};

export type Serve = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => void;

/** The gateway's listener: plain node:http, or https where the worker ends TLS itself. Not listening yet. */
export function createServer(
  serve: Serve,
  tls: { cert: Buffer; key: Buffer } | null,
  limits: ServerLimits = SERVER_LIMITS,
): Server {
  const options = {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: 5_000,
    noDelay: true,
  };
  const server =
    tls === null
      ? http.createServer(options)
      : https.createServer({ ...options, ...TLS_RULES, cert: tls.cert, key: tls.key });
  server.maxHeadersCount = 200;
  server.on('request', (request, response) => serve(request, response, false));
  server.on('checkContinue', (request, response) => serve(request, response, true));
  server.on('clientError', answerBadRequest);
  return server;
}

/**
 * Ends every connection of a server that no longer listens: idle ones at once, the others as soon as their answer is out, at the
 * latest after `limitMs`. Resolves when none is left.
 */
export async function closeConnections(server: Server, limitMs: number): Promise<void> {
  const open = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((error, count) => resolve(error ? 0 : count)));
  const end = performance.now() + limitMs;
  while ((await open()) > 0 && performance.now() < end) {
    server.closeIdleConnections();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  server.closeAllConnections();
}

/** What is no HTTP request gets one constant answer; its bytes are never repeated. */
function answerBadRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'The headers are too large.']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'The request did not arrive in time.']
        : ['400 Bad Request', 'This is not a valid HTTP request.'];
  const body = JSON.stringify({
    error: { message, type: 'invalid_request_error', code: 'request.invalid', param: null },
  });
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
