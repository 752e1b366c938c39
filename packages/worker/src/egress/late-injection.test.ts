import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../../tests/kit/egress.ts';
import type { EgressError } from './egress.ts';
import { type ArmedKey, Injector } from './late-injection.ts';

let server: net.Server;
let socket: net.Socket;
let received: string;
/** Every buffer handed to the system. */
let written: Buffer[];

beforeEach(async () => {
  received = '';
  written = [];
  server = net.createServer((peer) => peer.on('data', (chunk) => (received += chunk.toString('latin1'))));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  socket = net.connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  const write = socket.write.bind(socket);
  socket.write = (chunk: Uint8Array | string, ...rest: never[]) => {
    if (Buffer.isBuffer(chunk)) written.push(chunk);
    return write(chunk, ...rest);
  };
});
afterEach(async () => {
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const place = {};

function armed(change: Partial<ArmedKey> = {}) {
  const key = Buffer.from('canary-key-0123456789');
  const refusals: EgressError[] = [];
  const seen = { key, refusals, sent: 0 };
  const entry: ArmedKey = {
    place,
    open: () => key,
    sent: () => seen.sent++,
    notSent: () => {},
    refused: (error) => refusals.push(error),
    ...change,
  };
  return { entry, seen };
}

test('the key takes the place of the placeholder, and every buffer that held it is zero afterwards', async () => {
  const injector = new Injector();
  injector.hook(socket, place, true);
  const { entry, seen } = armed();
  const placeholder = injector.arm(entry);
  socket.cork();
  socket.write(`POST / HTTP/1.1\r\nauthorization: Bearer ${placeholder}\r\nx: y\r\n\r\n`, 'latin1');
  socket.write(Buffer.from('body'));
  socket.uncork();
  await until(() => received.endsWith('body'));
  expect(received).toBe('POST / HTTP/1.1\r\nauthorization: Bearer canary-key-0123456789\r\nx: y\r\n\r\nbody');
  await until(() => written.every((buffer) => buffer.every((byte) => byte === 0)));
  expect(written).toHaveLength(1);
  expect(seen.key.every((byte) => byte === 0)).toBe(true);
  expect([seen.sent, injector.armed, socket.writableCorked]).toEqual([1, 0, 0]);
});

test.each<[string, Partial<ArmedKey>, boolean, (injector: Injector, placeholder: string) => void]>([
  ['that is bound to another place', { place: {} }, true, () => {}],
  ['on a connection that is neither encrypted nor listed', {}, false, () => {}],
  ['that was taken back', {}, true, (injector, placeholder) => injector.disarm(placeholder)],
  [
    'whose key does not open',
    {
      open: () => {
        throw new Error('no');
      },
    },
    true,
    () => {},
  ],
])('a placeholder %s destroys the socket: neither it nor the key is sent', async (_, change, plain, before) => {
  const injector = new Injector();
  injector.hook(socket, place, plain);
  const { entry } = armed(change);
  const placeholder = injector.arm(entry);
  before(injector, placeholder);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(`GET / HTTP/1.1\r\nauthorization: Bearer ${placeholder}\r\n\r\n`, 'latin1');
  await closed;
  expect([received, injector.armed]).toEqual(['', 0]);
});

test('a placeholder serves once: the second write of it destroys the socket', async () => {
  const injector = new Injector();
  injector.hook(socket, place, true);
  const { entry } = armed();
  const head = `GET / HTTP/1.1\r\nauthorization: Bearer ${injector.arm(entry)}\r\n\r\n`;
  socket.write(head, 'latin1');
  await until(() => received.includes('canary-key'));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const first = received;
  socket.write(head, 'latin1');
  await closed;
  expect(received).toBe(first);
});

test('a head that is written corked and alone still gets its key', async () => {
  const injector = new Injector();
  injector.hook(socket, place, true);
  const { entry } = armed();
  socket.cork();
  socket.write(`GET / HTTP/1.1\r\nauthorization: Bearer ${injector.arm(entry)}\r\n\r\n`, 'latin1');
  socket.uncork();
  await until(() => received.includes('canary-key-0123456789'));
  expect(received).not.toContain('placeholder');
});

test('the key is erased when the connection breaks before it was written', async () => {
  const injector = new Injector();
  injector.hook(socket, place, true);
  const { entry, seen } = armed();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(`GET / HTTP/1.1\r\nauthorization: Bearer ${injector.arm(entry)}\r\n\r\n`, 'latin1');
  socket.destroy();
  await closed;
  expect(seen.key.every((byte) => byte === 0)).toBe(true);
  expect(written.every((buffer) => buffer.every((byte) => byte === 0))).toBe(true);
});
