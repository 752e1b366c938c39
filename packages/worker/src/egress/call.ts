/** One call on its way: tells its handler head, data…, and exactly one of end or error; ends its connection unless all went well. */

import { ConnectError } from '@ownkey/guard/pinned-connect';
import type { Dispatcher } from 'undici';
import { readHead } from './answer-head.ts';
import type { Connection, Place } from './connection.ts';
import { type EgressCall, EgressError, type EgressHandler, type EgressStream } from './egress.ts';
import type { ArmedKey, Injector } from './late-injection.ts';
import type { Pools } from './pools.ts';

/** Interim answers (1xx) before the real one. */
const INTERIM_MAX = 16;

export interface CallParts {
  readonly pools: Pools;
  readonly injector: Injector;
  /** Limit of the whole call. */
  readonly totalMs: number;
  /** For ids in the head of the answer. */
  readonly scrub: (text: string) => string;
  readonly ended: (call: RunningCall) => void;
}

export class RunningCall implements EgressStream, Dispatcher.DispatchHandler {
  readonly call: EgressCall;
  readonly #handler: EgressHandler;
  readonly #parts: CallParts;
  #timer: NodeJS.Timeout;
  #connection: Connection | null = null;
  #send: { place: Place; openKey: (() => Buffer) | null; path: string; headers: string[] } | null = null;
  #placeholder: string | null = null;
  #done = false;
  /** The provider may have seen the request. */
  #sent = false;
  #headSeen = false;
  #onReusedSocket = false;
  #retried = false;
  #interim = 0;
  /** Nothing more will come: what came is handed on, whoever is slow. */
  #flushing = false;
  #resume: (() => void) | null = null;

  constructor(call: EgressCall, handler: EgressHandler, parts: CallParts) {
    this.call = call;
    this.#handler = handler;
    this.#parts = parts;
    this.#timer = setTimeout(() => this.#headTimedOut(), call.headTimeoutMs);
  }

  get done(): boolean {
    return this.#done;
  }

  abort(): void {
    this.#finish();
  }

  resume(): void {
    this.#resume?.();
  }

  /** Ends the call with an error of ours. */
  fail(code: EgressError['code'], message: string): void {
    if (this.#done) return;
    const error = new EgressError(code, message, this.#sent);
    this.#finish();
    this.#handler.error(error);
  }

  /** Puts the call on a connection to `place`. `openKey` is called in the very write of the head; null = no key is sent. */
  start(place: Place, openKey: (() => Buffer) | null): void {
    if (this.#done) return;
    const { request } = this.call;
    const base = place.target.href.slice(place.target.origin.length);
    this.#send = { place, openKey, path: base + request.path, headers: plainHeaders(request.headers) };
    this.#dispatch(this.#parts.pools.take(place));
  }

  #dispatch(connection: Connection): void {
    const send = this.#send;
    if (!send) return;
    this.#connection = connection;
    this.#onReusedSocket = connection.reused;
    const { request, auth, idleTimeoutMs } = this.call;
    const headers = [...send.headers];
    if (send.openKey !== null) {
      this.#placeholder = this.#parts.injector.arm(this.#armed(send.place, send.openKey));
      headers.push(auth.header, auth.prefix + this.#placeholder);
    }
    connection.client.dispatch(
      {
        method: request.method,
        path: send.path,
        headers,
        body: request.body.length === 0 ? null : request.body,
        bodyTimeout: idleTimeoutMs,
      },
      this,
    );
    if (send.openKey === null) this.#sent = connection.connected;
  }

  #armed(place: Place, openKey: () => Buffer): ArmedKey {
    return {
      place,
      open: openKey,
      sent: () => {
        this.#sent = true;
      },
      notSent: () => {
        if (!this.#headSeen) this.#sent = false;
      },
      refused: (error) => this.fail(error.code, error.message),
    };
  }

  onConnect(abort: (error?: Error) => void): void {
    if (this.#done) abort();
    else if (this.#send?.openKey === null) this.#sent = true;
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void): boolean {
    if (this.#done) return true;
    if (status < 200) {
      this.#interim++;
      if (this.#interim > INTERIM_MAX) this.fail('provider.unreadable', 'too many interim answers');
      return true;
    }
    const headers = readHead(rawHeaders, this.#parts.scrub);
    const coding = headers['content-encoding'];
    if (status < 400 && status >= 300) this.fail('provider.unreadable', `answered with a redirect (${status})`);
    else if (coding !== undefined && coding !== 'identity') this.fail('provider.unreadable', 'answer is compressed');
    if (this.#done) return true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.fail('provider.time_out', 'the call took too long'), this.#parts.totalMs);
    this.#headSeen = true;
    this.#resume = resume;
    if (this.#connection) {
      this.#connection.flush = () => {
        this.#flushing = true;
        resume();
      };
    }
    this.#handler.head(status, headers);
    return true;
  }

  onData(chunk: Buffer): boolean {
    return this.#done || this.#handler.data(chunk) || this.#flushing;
  }

  onComplete(): void {
    if (this.#done) return;
    const connection = this.#connection;
    this.#connection = null;
    this.#finish();
    if (connection) {
      connection.flush = null;
      this.#parts.pools.release(connection);
    }
    this.#handler.end();
  }

  onError(cause: Error): void {
    if (this.#done) return;
    if (this.#mayRetry(cause)) {
      this.#retried = true;
      this.#leave();
      const { place } = this.#connectionPlace();
      this.#dispatch(this.#parts.pools.takeFresh(place));
      return;
    }
    const error = explain(cause, this.#headSeen, this.#sent);
    this.#finish();
    this.#handler.error(error);
  }

  #connectionPlace(): { place: Place } {
    if (!this.#send) throw new Error('not started');
    return this.#send;
  }

  /**
   * Once, when a connection that had lain idle turned out to be closed by the other side. A POST only when its bytes were not taken:
   * one that was sent may have been carried out (RFC 9110 section 9.2.2).
   */
  #mayRetry(cause: Error): boolean {
    const lost = ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(cause));
    if (!lost || this.#retried || this.#headSeen || !this.#onReusedSocket) return false;
    return this.call.request.method === 'GET' || !this.#sent;
  }

  #headTimedOut(): void {
    if (this.#send === null) this.fail('ledger.unavailable', 'the stored key could not be read in time');
    else if (this.#connection?.connected) this.fail('provider.time_out', 'no answer in time');
    else this.fail('provider.unreachable', 'no connection in time');
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#timer);
    this.#leave();
    this.#parts.ended(this);
  }

  /** Takes back the placeholder and ends the connection, where there still are some. */
  #leave(): void {
    if (this.#placeholder !== null) this.#parts.injector.disarm(this.#placeholder);
    this.#placeholder = null;
    const connection = this.#connection;
    this.#connection = null;
    if (connection) this.#parts.pools.drop(connection);
  }
}

/** Never taken from a caller: framing, hops and credentials are this file's. */
const OURS = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
  'x-goog-api-key',
]);

function plainHeaders(headers: Readonly<Record<string, string>>): string[] {
  const plain = ['accept-encoding', 'identity'];
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !OURS.has(name.toLowerCase())) plain.push(name, value);
  }
  return plain;
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function explain(cause: Error, headSeen: boolean, sent: boolean): EgressError {
  const code = codeOf(cause);
  if (cause instanceof EgressError) return cause;
  if (cause instanceof ConnectError) return new EgressError('provider.unreachable', cause.message, false, { cause });
  if (code === 'UND_ERR_BODY_TIMEOUT') return new EgressError('provider.time_out', 'silence within the answer', true);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return new EgressError('provider.unreadable', 'header too large', sent);
  if (cause.name === 'HTTPParserError') return new EgressError('provider.unreadable', `not HTTP/1.1: ${code}`, sent);
  if (cause.message === 'bad upgrade') return new EgressError('provider.unreadable', 'upgrade nobody asked for', sent);
  if (headSeen) return new EgressError('provider.cut', code || cause.name, true, { cause });
  // Of two lengths the first one was wrong.
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return new EgressError('provider.unreadable', code, sent);
  return new EgressError('provider.unreachable', code || cause.name, sent, { cause });
}
