import type { CallerHead } from '@ownkey/contract/dialect';

type Headers = Readonly<Record<string, string>>;

/** Headers of a provider that the caller may act on; nothing that names an organisation or its limits. */
const PASSED = ['content-type', 'request-id', 'x-request-id', 'retry-after', 'retry-after-ms', 'x-should-retry'];

export function callerHead(status: number, headers: Headers, contentType?: string): CallerHead {
  const kept: Record<string, string> = {};
  for (const name of PASSED) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  if (contentType !== undefined) kept['content-type'] = contentType;
  return { status, headers: kept };
}

export function isEventStream(headers: Headers): boolean {
  return /^text\/event-stream\b/i.test(headers['content-type'] ?? '');
}

/** An answer that is packed although nothing was accepted packed. */
export function isPacked(headers: Headers): boolean {
  return !/^(?:identity)?$/i.test(headers['content-encoding'] ?? '');
}
