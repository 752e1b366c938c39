/** Servers that behave as told, byte by byte, and record what reached them. */
import net from 'node:net';
import tls from 'node:tls';
import { selfSigned } from './certificate.ts';

/** One request as it arrived. */
export interface Arrived {
  head: string;
  body: string;
  /** Which connection, counted from 1. */
  connection: number;
  /** Which request of that connection, counted from 1. */
  nth: number;
}

/** Called for every complete request. */
export type Behaviour = (socket: net.Socket, request: Arrived) => void;

export interface ProviderServer {
  readonly port: number;
  /** With the name `host` for TLS servers, 127.0.0.1 else. */
  readonly origin: string;
  /** `host:port` as the operator's list takes it. */
  readonly listed: string;
  readonly arrived: Arrived[];
  readonly connections: number;
  readonly open: number;
  /** PEM of the authority; null without TLS. */
  readonly ca: string | null;
  close(): Promise<void>;
}

/** Starts a server on a free loopback port. With `host` it speaks TLS under that name. */
export async function startProvider(behaviour: Behaviour, host?: string): Promise<ProviderServer> {
  const arrived: Arrived[] = [];
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const onConnection = (socket: net.Socket): void => {
    const connection = ++connections;
    let nth = 0;
    let buffered = Buffer.alloc(0);
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      for (;;) {
        const end = buffered.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = buffered.toString('latin1', 0, end);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (buffered.length < end + 4 + length) return;
        const body = buffered.toString('utf8', end + 4, end + 4 + length);
        buffered = buffered.subarray(end + 4 + length);
        const request = { head, body, connection, nth: ++nth };
        arrived.push(request);
        behaviour(socket, request);
      }
    });
  };
  const pair = host === undefined ? null : selfSigned([host]);
  const server = pair ? tls.createServer({ ...pair }, onConnection) : net.createServer(onConnection);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  return {
    port,
    origin: host === undefined ? `http://127.0.0.1:${port}` : `https://${host}:${port}`,
    listed: `${host ?? '127.0.0.1'}:${port}`,
    arrived,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    ca: pair?.cert ?? null,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A plain answer of HTTP/1.1. */
export function answer(body: string, status = '200 OK', headers: readonly string[] = []): string {
  const lines = [`HTTP/1.1 ${status}`, 'content-type: application/json', `content-length: ${Buffer.byteLength(body)}`];
  return `${[...lines, ...headers].join('\r\n')}\r\n\r\n${body}`;
}
