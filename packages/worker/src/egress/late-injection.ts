/**
 * Late injection: the HTTP client, its errors, diagnostics channels and retries see a random placeholder where the key belongs. The
 * key's bytes are put in at `socket.write`, from a buffer, on a socket whose other end was checked; the buffer is overwritten in the
 * write's callback. A clear key never becomes a string, and no buffer with it is ever joined, pooled or left to native code to copy.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { allocateSecret } from '@ownkey/vault/secret-bytes';
import { EgressError } from './egress.ts';

/** Unknown outside this process, so that no forwarded text can be taken for a placeholder. */
const MARKER = `ownkey-placeholder-${randomBytes(8).toString('hex')}-`;
const PLACEHOLDER_LENGTH = MARKER.length + 36;
/** Bodies up to here travel in one write with their head: one system call and one TLS record less. */
const JOINED_BODY_BYTES_MAX = 8192;

/** One call whose key is due, as the socket sees it. */
export interface ArmedKey {
  /** Identity of the place the key is bound to; must be the socket's own. */
  readonly place: object;
  /** The clear key in a buffer of its own; erased here. @throws EgressError */
  open(): Buffer;
  /** The bytes were handed over; from now on the provider may act on them. */
  sent(): void;
  /** The system did not take the bytes: the provider never saw the whole request. */
  notSent(): void;
  /** Nothing was written; the socket is destroyed. */
  refused(error: EgressError): void;
}

type WriteCallback = (error?: Error | null) => void;

interface Head {
  text: string;
  at: number;
}

export class Injector {
  readonly #armed = new Map<string, ArmedKey>();

  /** The text to send in place of the key. Used up by the first write that carries it. */
  arm(key: ArmedKey): string {
    const placeholder = MARKER + randomUUID();
    this.#armed.set(placeholder, key);
    return placeholder;
  }

  disarm(placeholder: string): void {
    this.#armed.delete(placeholder);
  }

  get armed(): number {
    return this.#armed.size;
  }

  /**
   * Makes `socket` replace placeholders of keys bound to `place`. `plainAllowed`: the operator named this host and port, so a key may
   * go there without TLS. A placeholder that is unknown, used or bound elsewhere destroys the socket; nothing of it is sent.
   */
  hook(socket: Socket, place: object, plainAllowed: boolean): void {
    const write = socket.write.bind(socket);
    const uncork = socket.uncork.bind(socket);
    const inFlight = new Set<Buffer>();
    let held: Head | null = null;
    const inject = (head: Head, body: Uint8Array | null, callback?: WriteCallback): boolean => {
      const placeholder = head.text.slice(head.at, head.at + PLACEHOLDER_LENGTH);
      const key = this.#armed.get(placeholder);
      this.#armed.delete(placeholder);
      const trusted = socket instanceof TLSSocket ? socket.authorized : plainAllowed;
      if (!key || key.place !== place || !trusted || socket.destroyed) {
        const error = new EgressError(
          'provider.unreachable',
          'a key was about to go to a place it is not bound to',
          false,
        );
        key?.refused(error);
        socket.destroy(error);
        return false;
      }
      let out: Buffer;
      try {
        out = compose(head, key, body);
      } catch (error) {
        const reason = error instanceof EgressError ? error : new EgressError('key.undecryptable', 'no key', false);
        key.refused(reason);
        socket.destroy(reason);
        return false;
      }
      // Leave the cork: a corked write to TLS is gathered by native code into a copy that nobody erases.
      const corks = socket.writableCorked;
      for (let i = 0; i < corks; i++) uncork();
      inFlight.add(out);
      key.sent();
      const more = write(out, (error) => {
        out.fill(0);
        inFlight.delete(out);
        if (error) key.notSent();
        callback?.(error);
      });
      for (let i = 0; i < corks; i++) socket.cork();
      return more;
    };
    const hooked = (
      chunk: Uint8Array | string,
      encoding?: BufferEncoding | WriteCallback,
      callback?: WriteCallback,
    ): boolean => {
      const done = typeof encoding === 'function' ? encoding : callback;
      if (held !== null) {
        const head = held;
        held = null;
        if (typeof chunk !== 'string' && chunk.length <= JOINED_BODY_BYTES_MAX) return inject(head, chunk, done);
        inject(head, null);
      } else if (typeof chunk === 'string') {
        const at = chunk.indexOf(MARKER);
        if (at >= 0) {
          if (socket.writableCorked === 0) return inject({ text: chunk, at }, null, done);
          held = { text: chunk, at }; // the body follows in the same turn
          return true;
        }
      }
      return typeof encoding === 'string' ? write(chunk, encoding, callback) : write(chunk, done);
    };
    socket.write = hooked;
    socket.uncork = () => {
      if (held !== null) {
        const head = held;
        held = null;
        inject(head, null);
      }
      uncork();
    };
    socket.once('close', () => {
      for (const buffer of inFlight) buffer.fill(0);
      inFlight.clear();
    });
  }
}

/** Head with the key in place of the placeholder, and the body behind it. @throws EgressError */
function compose(head: Head, key: ArmedKey, body: Uint8Array | null): Buffer {
  const clearKey = key.open();
  try {
    // The HTTP client's own check saw the placeholder, so line breaks and the like are refused here.
    for (const byte of clearKey) {
      if (byte < 0x21 || byte > 0x7e) {
        throw new EgressError('key.undecryptable', 'the stored key has a byte that no header may carry', false);
      }
    }
    const { text, at } = head;
    const rest = at + PLACEHOLDER_LENGTH;
    const length = text.length - PLACEHOLDER_LENGTH + clearKey.length;
    const out = allocateSecret(length + (body?.length ?? 0));
    out.write(text.slice(0, at), 0, 'latin1');
    clearKey.copy(out, at);
    out.write(text.slice(rest), at + clearKey.length, 'latin1');
    if (body !== null) out.set(body, length);
    return out;
  } finally {
    clearKey.fill(0);
  }
}
