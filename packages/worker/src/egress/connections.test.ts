import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { callTo, canaryKey, collector, customKey, send, until } from '../../../../tests/kit/egress.ts';
import { answer, type Behaviour } from '../../../../tests/kit/provider-server.ts';
import { ok, useEgress } from '../../../../tests/kit/use-egress.ts';
import type { PooledEgressOptions } from './pooled-egress.ts';

const { provider, kit, connected } = useEgress();

describe('a provider that', () => {
  const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
  test.each<[string, Behaviour, string, boolean]>([
    [
      'sends a header without end',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1000)}\r\n`.repeat(40)}`),
      'provider.unreadable',
      true,
    ],
    [
      'sends very many headers',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\n${'ab: c\r\n'.repeat(20_000)}`),
      'provider.unreadable',
      true,
    ],
    [
      'redirects',
      (socket) => socket.write('HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n'),
      'provider.unreadable',
      true,
    ],
    [
      'compresses its answer',
      (socket) => socket.write(answer('x', '200 OK', ['content-encoding: gzip'])),
      'provider.unreadable',
      true,
    ],
    ['does not speak HTTP', (socket) => socket.write('220 mail.example ESMTP\r\n'), 'provider.unreadable', true],
    [
      'sends interim answers without end',
      (socket) => socket.write('HTTP/1.1 103 Early Hints\r\nx: 1\r\n\r\n'.repeat(40)),
      'provider.unreadable',
      true,
    ],
    [
      'upgrades',
      (socket) => socket.write('HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
      'provider.unreadable',
      true,
    ],
    ['closes without an answer', (socket) => socket.end(), 'provider.unreachable', true],
    [
      'breaks off its answer',
      (socket) => {
        socket.write(`${head}5\r\nhello\r\n`, () => socket.destroy());
      },
      'provider.cut',
      true,
    ],
    [
      'ends before its stated length',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello'),
      'provider.cut',
      true,
    ],
    ['never answers', () => {}, 'provider.time_out', true],
    ['falls silent within its answer', (socket) => socket.write(`${head}5\r\nhello\r\n`), 'provider.time_out', true],
  ])('%s ends the call with one clear error and its connection with it', async (_, behaviour, code, afterSend) => {
    const { server, egress, call } = await connected(behaviour);
    const outcome = await send(egress, { ...call, headTimeoutMs: 300, idleTimeoutMs: 300 });
    expect(outcome.error).toMatchObject({ code, afterSend });
    await until(() => server.open === 0);
    expect(egress.counts).toEqual({ places: 0, idle: 0, sockets: 0, calls: 0, armed: 0 });
    expect(server.connections).toBe(1);
  });

  test('drips interim answers does not put off the time limit', async () => {
    const { egress, call } = await connected((socket) => {
      const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 40);
      socket.on('close', () => clearInterval(timer));
    });
    const outcome = await send(egress, { ...call, headTimeoutMs: 250 });
    expect(outcome.error?.code).toBe('provider.time_out');
  });

  test('answers twice does not answer the next call', async () => {
    const { server, egress, call } = await connected((socket, { nth, connection }) => {
      const own = `{"connection":${connection},"nth":${nth}}`;
      socket.write(answer(own) + answer('{"stray":true}'));
    });
    const bodies: string[] = [];
    for (let i = 0; i < 4; i++) bodies.push((await send(egress, call)).body);
    expect(bodies).toEqual([1, 2, 3, 4].map((connection) => `{"connection":${connection},"nth":1}`));
    expect(server.connections).toBe(4);
  });

  test('refuses connections is unreachable, and nothing was sent', async () => {
    const { server, egress, call } = await connected(ok);
    await server.close();
    expect((await send(egress, call)).error).toMatchObject({ code: 'provider.unreachable', afterSend: false });
    expect(egress.counts).toEqual({ places: 0, idle: 0, sockets: 0, calls: 0, armed: 0 });
  });
});

describe('a connection', () => {
  test('is used again for the same key and never for another', async () => {
    const { server, egress, store, key, call } = await connected(ok);
    const other = customKey(server.origin, 'key_00000000000000000000000009');
    store(other, canaryKey());
    for (let i = 0; i < 3; i++) await send(egress, call);
    await send(egress, callTo(server.origin, other));
    await send(egress, callTo(server.origin, { ...key, owner: 'co_a', keyless: true }));
    expect(server.arrived.map(({ connection }) => connection)).toEqual([1, 1, 1, 2, 3]);
  });

  test('of an aborted call is destroyed, and nothing more is told', async () => {
    const { server, egress, call } = await connected((socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin'),
    );
    const { handler, outcome } = collector();
    const stream = egress.send(call, handler);
    await until(() => outcome.body === 'begin');
    stream.abort();
    await until(() => server.open === 0);
    expect(outcome.error).toBeNull();
    expect(egress.counts).toEqual({ places: 0, idle: 0, sockets: 0, calls: 0, armed: 0 });
  });

  test('of a call aborted at once is never made', async () => {
    const { server, egress, call } = await connected(ok);
    egress.send(call, collector().handler).abort();
    expect((await send(egress, call)).status).toBe(200);
    expect(server.arrived).toHaveLength(1);
    expect(egress.counts.armed).toBe(0);
  });

  test('that the provider closed meanwhile is replaced for a GET, not for a POST that was sent', async () => {
    const { server, egress, call } = await connected((socket, { nth }) => {
      if (nth === 1) socket.write(answer('{}'));
      else socket.destroy();
    });
    const get = { ...call, request: { ...call.request, method: 'GET' as const, body: Buffer.alloc(0) } };
    expect((await send(egress, call)).status).toBe(200);
    expect((await send(egress, get)).status).toBe(200);
    expect(server.arrived).toHaveLength(3);
    expect((await send(egress, call)).error).toMatchObject({ code: 'provider.unreachable', afterSend: true });
    expect(server.arrived).toHaveLength(4);
  });

  test('holds back a provider whose reader is slow, and goes on when it is asked to', async () => {
    const body = 'x'.repeat(2_000_000);
    const { egress, call } = await connected((socket) => socket.write(answer(body)));
    let allow = false;
    const { handler, outcome, done } = collector(() => allow);
    const stream = egress.send(call, handler);
    await until(() => outcome.body.length > 0);
    expect(outcome.body.length).toBeLessThan(body.length);
    allow = true;
    stream.resume();
    expect((await done).body.length).toBe(body.length);
  });
});

/** Answers that end with their connection: undici 7 would end the process, see connection.ts. */
describe('an answer that ends with its connection, while its reader is slow,', () => {
  const FORMS: [string, string][] = [
    ['without a length', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['with a length', `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${4_000_000}\r\n\r\n`],
    ['small, with a length', `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\n`],
  ];
  const bodyOf = (form: string) => 'x'.repeat(form.startsWith('small') ? 5 : 4_000_000);

  /** A call whose reader has taken one piece and asked for a pause, and the other side's end of it. */
  async function held(form: string, head: string) {
    const sockets: Socket[] = [];
    const { server, egress, call } = await connected((socket) => {
      sockets.push(socket);
      socket.write(head + bodyOf(form));
    });
    let open = false;
    const { handler, outcome, done } = collector(() => open);
    const stream = egress.send(call, handler);
    await until(() => outcome.body.length > 0);
    const resume = (): void => {
      open = true;
      stream.resume();
    };
    const [socket] = sockets;
    if (socket === undefined) throw new Error('no connection');
    return { server, egress, outcome, done, stream, resume, socket };
  }

  test.each(FORMS)('arrives whole: %s', async (form, head) => {
    const { done, resume, egress, socket } = await held(form, head);
    socket.end();
    await new Promise((resolve) => setImmediate(resolve));
    resume();
    const { body, error } = await done;
    expect([body.length, error]).toEqual([bodyOf(form).length, null]);
    await until(() => egress.counts.sockets === 0);
  });

  test.each(FORMS.slice(1, 2))('is cut when the connection is reset: %s', async (form, head) => {
    const { done, resume, egress, socket } = await held(form, head);
    socket.resetAndDestroy();
    resume();
    expect((await done).error?.code).toBe('provider.cut');
    await until(() => egress.counts.sockets === 0);
  });

  test.each(FORMS)('can be aborted: %s', async (form, head) => {
    const { stream, server, egress, outcome } = await held(form, head);
    stream.abort();
    await until(() => server.open === 0 && egress.counts.sockets === 0);
    expect(outcome.error).toBeNull();
  });
});

describe('closeKey', () => {
  const streaming: Behaviour = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin');

  test('ends the running streams of the key at once, those of other keys go on', async () => {
    const { server, egress, store, key, call } = await connected(streaming);
    const other = customKey(server.origin, 'key_00000000000000000000000009');
    store(other, canaryKey());
    const [mine, theirs] = [collector(), collector()];
    egress.send(call, mine.handler);
    egress.send(callTo(server.origin, other), theirs.handler);
    await until(() => mine.outcome.body !== '' && theirs.outcome.body !== '');
    egress.closeKey(key.id);
    expect(mine.outcome.error).toMatchObject({ code: 'key.removed', afterSend: true });
    await until(() => server.open === 1);
    expect(theirs.outcome.error).toBeNull();
  });

  test('up to a version leaves newer versions alone', async () => {
    const { server, egress, store, key } = await connected(streaming);
    const newer = { ...key, version: 2 };
    store(newer, canaryKey());
    const running = collector();
    egress.send(callTo(server.origin, newer), running.handler);
    await until(() => running.outcome.body !== '');
    egress.closeKey(key.id, 1);
    expect(running.outcome.error).toBeNull();
    egress.closeKey(key.id, 2);
    expect(running.outcome.error?.code).toBe('key.removed');
  });

  test('ends idle connections of the key', async () => {
    const { server, egress, key, call } = await connected(ok);
    await send(egress, call);
    expect(egress.counts.idle).toBe(1);
    egress.closeKey(key.id);
    expect(egress.counts).toMatchObject({ places: 0, idle: 0 });
    await until(() => server.open === 0);
  });

  test('ends a call that still waits for its envelope', async () => {
    const server = await provider(ok);
    const { egress } = kit(server.listed, { envelopes: { get: () => new Promise(() => {}), forget: () => {} } });
    const key = customKey(server.origin);
    const waiting = collector();
    egress.send(callTo(server.origin, key), waiting.handler);
    await Promise.resolve();
    egress.closeKey(key.id);
    expect(waiting.outcome.error).toMatchObject({ code: 'key.removed', afterSend: false });
    expect(server.connections).toBe(0);
  });
});

describe('idle connections', () => {
  /** As many calls at once as there are keys, so that each has its own connection. */
  async function idle(limits: PooledEgressOptions['limits'], keys: number, callsEach: number) {
    const waiting: (() => void)[] = [];
    const { server, egress, store } = await connected(
      (socket) => {
        waiting.push(() => socket.write(answer('{}')));
        if (waiting.length === keys * callsEach) for (const go of waiting) go();
      },
      limits ? { limits } : {},
    );
    const calls = Array.from({ length: keys }, (_, i) => {
      const key = customKey(server.origin, `key_0000000000000000000000000${i}`);
      store(key, canaryKey());
      return Array.from({ length: callsEach }, () => send(egress, callTo(server.origin, key)));
    });
    for (const outcome of await Promise.all(calls.flat())) expect(outcome.status).toBe(200);
    return { server, egress };
  }

  test('are kept up to the bound of one key', async () => {
    const { egress } = await idle({ idlePerPlace: 2 }, 2, 4);
    expect(egress.counts).toMatchObject({ places: 2, idle: 4 });
  });

  test('are kept up to the bound of all keys', async () => {
    const { egress } = await idle({ idle: 3 }, 2, 4);
    expect(egress.counts.idle).toBe(3);
  });

  test('are kept for a bounded number of keys', async () => {
    const { egress } = await idle({ places: 3 }, 5, 2);
    expect(egress.counts).toMatchObject({ places: 3, idle: 6 });
  });

  test('end after their time', async () => {
    const { server, egress } = await idle({ idleMs: 50 }, 1, 2);
    await until(() => server.open === 0);
    expect(egress.counts).toMatchObject({ places: 0, idle: 0, sockets: 0 });
  });
});

test('close ends every call and leaves no socket', async () => {
  const { server, egress, call } = await connected((socket) => socket.write('HTTP/1.1 200 OK\r\n'));
  const running = collector();
  egress.send(call, running.handler);
  await until(() => server.arrived.length === 1);
  await egress.close();
  expect(running.outcome.error).not.toBeNull();
  expect(egress.counts).toEqual({ places: 0, idle: 0, sockets: 0, calls: 0, armed: 0 });
  expect((await send(egress, call)).error?.code).toBe('provider.unreachable');
});
