import type { UpstreamRequest } from '@ownkey/contract/dialect';

/** Names the stored key a call runs on. The clear key itself is never part of any interface. */
export interface KeyRef {
  id: string;
  version: number;
  /** Company id, or PLATFORM_OWNER for the operator's keys: part of the envelope's binding and of the pool's name. */
  owner: string;
  provider: string;
  /** What the key is bound to: 'catalogue:<id>' or the origin of a custom endpoint. */
  destination: string;
  /** Custom endpoint without a key: no header is sent. */
  keyless: boolean;
}

export interface EgressCall {
  key: KeyRef;
  /** Where the worker's own configuration says the destination is; scheme, host, port and base path, no trailing slash. */
  baseUrl: string;
  /** Header the key goes into and the text before it. */
  auth: { header: string; prefix: string };
  request: UpstreamRequest;
  /** Limit until the answer's head. */
  headTimeoutMs: number;
  /** Limit between two chunks of the body. */
  idleTimeoutMs: number;
}

/** What the provider's side of a call reports. Called in order: head, data…, then exactly one of end or error. */
export interface EgressHandler {
  head(status: number, headers: Record<string, string>): void;
  /** false = pause until EgressStream.resume(). */
  data(chunk: Buffer): boolean;
  end(): void;
  error(error: EgressError): void;
}

export interface EgressStream {
  /** Ends the call; the connection is destroyed, never reused. No further callback comes. */
  abort(): void;
  resume(): void;
}

export type EgressErrorCode =
  | 'provider.unreachable' // refused, not resolved, TLS failed, address not allowed: one code on purpose
  | 'provider.time_out'
  | 'provider.cut' // connection lost after the head
  | 'provider.unreadable' // not HTTP, headers over the limit, content encoding nobody asked for
  | 'key.undecryptable'
  | 'key.destination_changed'
  | 'key.removed'
  | 'ledger.unavailable'; // the envelope could not be read because the database is down

/** `message` is for the log; `afterSend` = the request may have reached the provider (money may be spent). */
export class EgressError extends Error {
  readonly code: EgressErrorCode;
  readonly afterSend: boolean;
  constructor(code: EgressErrorCode, message: string, afterSend: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EgressError';
    this.code = code;
    this.afterSend = afterSend;
  }
}

/**
 * The one way out to providers. One pool per (owner, key version, destination); HTTP/1.1; the key's envelope is opened inside the
 * socket's write, on a socket whose peer is the bound destination, and zeroed when the bytes are handed to the kernel.
 */
export interface Egress {
  send(call: EgressCall, handler: EgressHandler): EgressStream;
  /** Ends the key's running streams (error 'key.removed') and closes its pools, at once. `version` = only versions up to this one. */
  closeKey(keyId: string, version?: number): void;
  /** Ends everything; resolves when no socket is left. */
  close(): Promise<void>;
}
