/**
 * Connections to an address that somebody else chose, of both planes: one look-up, every answer checked, connected to a checked
 * address and not to the name, the other end and (with TLS) the certificate checked again before anything is written. HTTP/1.1 only.
 */
import net from 'node:net';
import tls from 'node:tls';
import { addressFamily } from './address.ts';
import type { BaseUrl } from './base-url.ts';
import type { EgressPolicy } from './egress-policy.ts';
import { AddressRefusedError, assertPinnedPeer, type Lookup, type PinnedAddress, resolvePinned } from './resolve.ts';

export interface ConnectRules {
  readonly lookup: Lookup;
  readonly policy: EgressPolicy;
  readonly secureContext: tls.SecureContext;
  /** Limit of the whole: look-up, every address tried, TLS. */
  readonly timeoutMs: number;
}

/** No connection came to be. To a tenant all of these look alike; `message` is for the operator's log. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly code = 'OWNKEY_CONNECT';
}

/** One address that does not answer leaves time for the next. */
const ATTEMPT_SHARE = 2;
const ATTEMPTS_MAX = 4;

/** Trusts the public authorities and, where given, further ones (PEM). TLS 1.2 and up. */
export function trustedContext(extraCa: string | null): tls.SecureContext {
  const ca = extraCa === null ? undefined : [...tls.rootCertificates, extraCa];
  return tls.createSecureContext({ minVersion: 'TLSv1.2', ...(ca && { ca }) });
}

/**
 * A connected socket. `session` is a TLS session of an earlier connection to the same place for the same key, where there is one.
 * @throws ConnectError
 */
export async function connectPinned(
  target: BaseUrl,
  rules: ConnectRules,
  signal: AbortSignal,
  session: Buffer | null = null,
): Promise<net.Socket> {
  const deadline = performance.now() + rules.timeoutMs;
  const left = () => deadline - performance.now();
  const addresses = await within(resolve(target, rules), left(), signal);
  let failure = new ConnectError('no address');
  for (const [i, pinned] of addresses.slice(0, ATTEMPTS_MAX).entries()) {
    const limit = i === Math.min(addresses.length, ATTEMPTS_MAX) - 1 ? left() : left() / ATTEMPT_SHARE;
    if (limit <= 0 || signal.aborted) break;
    try {
      return await attempt(target, pinned, rules, limit, signal, session);
    } catch (error) {
      failure = error instanceof ConnectError ? error : new ConnectError('failed', { cause: error });
    }
  }
  throw failure;
}

async function resolve(target: BaseUrl, rules: ConnectRules): Promise<readonly PinnedAddress[]> {
  try {
    return await resolvePinned(target.host, target.port, rules);
  } catch (error) {
    throw new ConnectError(error instanceof AddressRefusedError ? `address: ${error.reason}` : 'look-up failed');
  }
}

function attempt(
  target: BaseUrl,
  pinned: PinnedAddress,
  rules: ConnectRules,
  limitMs: number,
  signal: AbortSignal,
  session: Buffer | null,
): Promise<net.Socket> {
  return new Promise((resolvePromise, reject) => {
    const encrypted = target.protocol === 'https:';
    const common = { host: pinned.address, port: target.port, family: pinned.family, noDelay: true, keepAlive: true };
    const socket = encrypted
      ? tls.connect({
          ...common,
          // The name is what the certificate must be for; an address stands for itself (no SNI, RFC 6066 section 3).
          ...(addressFamily(target.host) === 0 && { servername: target.host }),
          ALPNProtocols: ['http/1.1'],
          rejectUnauthorized: true,
          secureContext: rules.secureContext,
          ...(session && { session }),
        })
      : net.connect(common);
    const settle = (error: ConnectError | null): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      socket.off('close', onClose);
      socket.off(encrypted ? 'secureConnect' : 'connect', onConnect);
      socket.on('error', () => {}); // an error before the next owner listens must not end the process
      if (error === null) {
        resolvePromise(socket);
      } else {
        socket.destroy();
        reject(error);
      }
    };
    const onError = (error: Error): void => settle(new ConnectError(`connect: ${codeOf(error)}`));
    const onClose = (): void => settle(new ConnectError('connect: closed'));
    const onAbort = (): void => settle(new ConnectError('connect: cancelled'));
    const onConnect = (): void => settle(problemOf(socket, pinned));
    const timer = setTimeout(() => settle(new ConnectError('connect: time-out')), limitMs);
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once(encrypted ? 'secureConnect' : 'connect', onConnect);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

function problemOf(socket: net.Socket, pinned: PinnedAddress): ConnectError | null {
  try {
    assertPinnedPeer(socket.remoteAddress, pinned);
  } catch {
    return new ConnectError('connect: another peer answered');
  }
  if (socket instanceof tls.TLSSocket) {
    if (!socket.authorized) return new ConnectError('connect: certificate not trusted');
    if (socket.alpnProtocol && socket.alpnProtocol !== 'http/1.1') return new ConnectError('connect: not HTTP/1.1');
  }
  return null;
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function within<T>(work: Promise<T>, limitMs: number, signal: AbortSignal): Promise<T> {
  return new Promise((resolvePromise, reject) => {
    const onAbort = (): void => reject(new ConnectError('connect: cancelled'));
    const timer = setTimeout(() => reject(new ConnectError('look-up: time-out')), limitMs);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolvePromise, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    });
  });
}
