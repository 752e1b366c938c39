import { type ClientRequest, request } from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { addressFamily } from '@ownkey/guard/address';
import type { BaseUrl } from '@ownkey/guard/base-url';
import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import { assertPinnedPeer, type Lookup, type PinnedAddress, resolvePinned } from '@ownkey/guard/resolve';

/**
 * A POST to an address that a customer gave: one look-up, every answer checked, connected to a checked address and not to the
 * name, the other end checked before a byte is written. Redirects are answers like any other: nothing is followed.
 */
export interface PinnedPost {
  readonly target: BaseUrl;
  /** Path with query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostRules {
  readonly lookup: Lookup;
  readonly policy: EgressPolicy;
  /** Limit of the whole: look-up, connection, answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Authority (PEM) that is trusted alone, in place of those of Node. */
  readonly ca?: string;
}

const ANSWER_BYTES_MAX = 64 * 1024;
const ADDRESSES_MAX = 3;

/**
 * The answer's status; of its text at most 64 KiB are read, and none is kept.
 * @throws Error no answer came. To a tenant every reason looks alike; the message is for the operator.
 */
export async function postPinned(post: PinnedPost, rules: PostRules): Promise<number> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const timer = setTimeout(end, rules.timeoutMs);
  rules.signal.addEventListener('abort', end, { once: true });
  if (rules.signal.aborted) end();
  try {
    const socket = await connectTo(post.target, rules, ended.signal);
    return await exchange(socket, post, ended.signal);
  } finally {
    clearTimeout(timer);
    rules.signal.removeEventListener('abort', end);
  }
}

async function connectTo(target: BaseUrl, rules: PostRules, ended: AbortSignal): Promise<net.Socket> {
  const addresses = await orEnded(resolvePinned(target.host, target.port, rules), ended);
  let failure: unknown = new Error('no address');
  for (const pinned of addresses.slice(0, ADDRESSES_MAX)) {
    try {
      return await connectOne(target, pinned, rules.ca, ended);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function connectOne(
  target: BaseUrl,
  pinned: PinnedAddress,
  ca: string | undefined,
  ended: AbortSignal,
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const encrypted = target.protocol === 'https:';
    const place = { host: pinned.address, port: target.port, family: pinned.family };
    const socket = encrypted
      ? tls.connect({
          ...place,
          // The name is what the certificate must be for; an address stands for itself.
          ...(addressFamily(target.host) === 0 && { servername: target.host }),
          ALPNProtocols: ['http/1.1'],
          minVersion: 'TLSv1.2',
          ...(ca !== undefined && { ca }),
        })
      : net.connect(place);
    const fail = (error: Error): void => {
      ended.removeEventListener('abort', onEnd);
      socket.destroy();
      reject(error);
    };
    const onEnd = (): void => fail(new Error('time-out'));
    ended.addEventListener('abort', onEnd, { once: true });
    socket.on('error', fail); // stays: an error before the next owner listens must not end the process
    socket.once('close', () => fail(new Error('closed')));
    socket.once(encrypted ? 'secureConnect' : 'connect', () => {
      try {
        assertPinnedPeer(socket.remoteAddress, pinned);
        ended.removeEventListener('abort', onEnd);
        resolve(socket);
      } catch {
        fail(new Error('another peer answered'));
      }
    });
    if (ended.aborted) onEnd();
  });
}

function exchange(socket: net.Socket, post: PinnedPost, ended: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    let status: number | null = null;
    const sent: ClientRequest = request({
      method: 'POST',
      path: post.path,
      headers: {
        ...post.headers,
        host: new URL(post.target.origin).host,
        'content-length': Buffer.byteLength(post.body),
        connection: 'close',
      },
      setHost: false,
      createConnection: () => socket,
    });
    const finish = (error: Error | null): void => {
      ended.removeEventListener('abort', onEnd);
      if (status !== null) resolve(status);
      else reject(error ?? new Error('no answer'));
      sent.destroy();
      socket.destroy();
    };
    const onEnd = (): void => finish(new Error('time-out'));
    ended.addEventListener('abort', onEnd, { once: true });
    sent.on('error', finish);
    sent.once('response', (answer) => {
      status = answer.statusCode ?? 0;
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) finish(null);
      });
      answer.on('end', () => finish(null));
      answer.on('error', finish);
    });
    if (ended.aborted) return onEnd();
    sent.end(post.body);
  });
}

function orEnded<T>(work: Promise<T>, ended: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onEnd = (): void => reject(new Error('time-out'));
    ended.addEventListener('abort', onEnd, { once: true });
    work.then(resolve, reject).finally(() => ended.removeEventListener('abort', onEnd));
  });
}
