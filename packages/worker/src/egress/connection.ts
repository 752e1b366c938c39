/** One connection to one place for one key: never shared, one call at a time. undici speaks HTTP on it; connecting is ours. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { BaseUrl } from '@ownkey/guard/base-url';
import { isListed } from '@ownkey/guard/egress-policy';
import { ConnectError, type ConnectRules, connectPinned } from '@ownkey/guard/pinned-connect';
import { Client } from 'undici';
import type { Injector } from './late-injection.ts';

/** Everything a key's connections share: the place they lead to, and TLS sessions to open the next one faster. */
export interface Place {
  readonly name: string;
  readonly keyId: string;
  readonly keyVersion: number;
  readonly target: BaseUrl;
  session: Buffer | null;
}

export interface ConnectionParts {
  readonly rules: ConnectRules;
  readonly injector: Injector;
  readonly idleMs: number;
  readonly headerBytesMax: number;
  /** Called when the connection's socket is gone while no call runs on it. */
  readonly lost: (connection: Connection) => void;
  readonly sockets: Set<Socket>;
}

export class Connection {
  readonly place: Place;
  readonly client: Client;
  /** Whether a call was answered on the present socket: only then may the other side have closed it in between. */
  reused = false;
  /** Of the call whose answer is arriving: lets through what back-pressure holds. */
  flush: (() => void) | null = null;
  #socket: Socket | null = null;
  readonly #cancel = new AbortController();

  constructor(place: Place, parts: ConnectionParts) {
    this.place = place;
    const { target } = place;
    this.client = new Client(target.origin, {
      connect: (_options, callback) => {
        connectPinned(target, parts.rules, this.#cancel.signal, place.session).then(
          (socket) => {
            this.#adopt(socket, parts);
            callback(null, socket);
          },
          (error: unknown) =>
            callback(error instanceof ConnectError ? error : new ConnectError('failed', { cause: error }), null),
        );
      },
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: parts.idleMs,
      keepAliveMaxTimeout: parts.idleMs,
      maxHeaderSize: parts.headerBytesMax,
      headersTimeout: 0, // the call's own clock also covers the time before, and does not start again at every interim answer
    });
    this.client.on('disconnect', () => {
      this.#socket = null;
      this.reused = false;
      parts.lost(this);
    });
  }

  /** Whether another call may run on it: connected, and nothing of the last request still waits to be written. */
  get reusable(): boolean {
    const socket = this.#socket;
    return socket !== null && !socket.destroyed && socket.writableLength === 0 && !this.client.destroyed;
  }

  get connected(): boolean {
    return this.#socket !== null;
  }

  /** Ends it at once, whatever runs on it. */
  destroy(): void {
    this.#cancel.abort();
    this.#socket?.destroy(new ConnectError('ended by us'));
    // Later in this turn: the client may be in the middle of a write, and loses count of its requests when destroyed there.
    queueMicrotask(() => this.client.destroy(null, () => {}));
  }

  /**
   * undici 7 ends the process when a connection that is not kept alive ends while back-pressure holds its parser (nodejs/undici
   * issue 5360; mended in 8, which needs a newer Node): at its end, at a reset, and when it is destroyed without a reason. These
   * listeners stand before its own: what is held goes through first, and a reset is an error like any other.
   */
  #endGently(socket: Socket): void {
    socket.on('end', () => this.flush?.());
    socket.on('error', (error) => {
      const reset = 'code' in error && error.code === 'ECONNRESET';
      if (reset && this.flush !== null) Object.assign(error, { code: 'UND_ERR_SOCKET' });
    });
  }

  #adopt(socket: Socket, parts: ConnectionParts): void {
    const { place } = this;
    this.#socket = socket;
    parts.sockets.add(socket);
    socket.once('close', () => parts.sockets.delete(socket));
    this.#endGently(socket);
    if (socket instanceof TLSSocket) {
      socket.on('session', (session) => {
        place.session = session;
      });
    }
    parts.injector.hook(socket, place, isListed(parts.rules.policy, place.target.host, place.target.port));
  }
}
