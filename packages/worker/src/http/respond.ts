import type { ServerResponse } from 'node:http';
import { errorHeaders, wireErrorBody } from '@ownkey/contract/error-shapes';
import { ERRORS, type ErrorCode, type ErrorFacts } from '@ownkey/contract/errors';
import { RESPONSE_HEADERS } from '@ownkey/contract/headers';
import type { Wire } from '@ownkey/contract/provider';
import { scrubFacts } from '@ownkey/guard/scrub-facts';

/** On every answer: nothing here is for caches, frames or sniffing. */
const ALWAYS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** One JSON answer, whole. Does nothing when an answer has begun. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    ...ALWAYS,
    'content-type': 'application/json',
    'content-length': bytes.length,
    ...headers,
  });
  response.end(bytes);
}

/** An error of ours in the shape of the wire the caller speaks. */
export function sendError(
  response: ServerResponse,
  wire: Wire,
  code: ErrorCode,
  facts: ErrorFacts,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendJson(response, ERRORS[code].status, wireErrorBody(wire, code, scrubFacts(facts)), {
    ...headers,
    ...errorHeaders(code, facts),
    [RESPONSE_HEADERS.requestId]: requestId,
  });
}

/** Bytes as they are, with exactly these headers. */
export function sendBytes(
  response: ServerResponse,
  status: number,
  type: string,
  bytes: Buffer,
  headers: Readonly<Record<string, string>>,
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...headers });
  response.end(bytes);
}

export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...ALWAYS, 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
