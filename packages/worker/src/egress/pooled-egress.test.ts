import diagnostics from 'node:diagnostics_channel';
import { afterEach, describe, expect, test } from 'vitest';
import {
  callTo,
  canaryKey,
  catalogueKey,
  collector,
  customKey,
  type EgressKit,
  egressKit,
  send,
  until,
} from '../../../../tests/kit/egress.ts';
import { answer, type Behaviour, type ProviderServer, startProvider } from '../../../../tests/kit/provider-server.ts';
import type { PooledEgressOptions } from './pooled-egress.ts';

const started: (ProviderServer | EgressKit)[] = [];
afterEach(async () => {
  for (const part of started.splice(0).toReversed()) await ('egress' in part ? part.egress.close() : part.close());
});

async function provider(behaviour: Behaviour, host?: string): Promise<ProviderServer> {
  const server = await startProvider(behaviour, host);
  started.push(server);
  return server;
}

function kit(listed: string, options: Parameters<typeof egressKit>[1] = {}): EgressKit {
  const made = egressKit(listed, options);
  started.push(made);
  return made;
}

/** Server, egress that may call it, and a stored key bound to it. */
async function connected(behaviour: Behaviour, options: Partial<PooledEgressOptions> = {}) {
  const server = await provider(behaviour);
  const { egress, store } = kit(server.listed, options);
  const key = customKey(server.origin);
  const clearKey = canaryKey();
  store(key, clearKey);
  return { server, egress, store, key, clearKey, call: callTo(server.origin, key) };
}

const ok: Behaviour = (socket) => socket.write(answer('{"ok":1}'));

describe('the key', () => {
  test.each([10, 8_192, 8_193, 300_000])('arrives with a body of %i bytes', async (length) => {
    const { server, egress, key, clearKey } = await connected(ok);
    const body = Buffer.alloc(length, 'x');
    const request = { method: 'POST' as const, path: '/v1/x', headers: { 'x-beta': 'b' }, body };
    const outcome = await send(egress, callTo(`${server.origin}/base`, key, { request }));
    expect(outcome).toMatchObject({ status: 200, body: '{"ok":1}', error: null });
    const [arrived] = server.arrived;
    expect(arrived?.head).toContain(`authorization: Bearer ${clearKey.toString('latin1')}\r\n`);
    expect(arrived?.head).toMatch(/^POST \/base\/v1\/x HTTP\/1\.1\r\n/);
    expect(arrived?.head).toContain('x-beta: b');
    expect(arrived?.head).toContain('accept-encoding: identity');
    expect(arrived?.body).toBe(body.toString());
    expect(egress.counts.armed).toBe(0);
  });

  test('is a placeholder to everybody who listens to the HTTP client', async () => {
    const seen: string[] = [];
    const names = ['undici:request:create', 'undici:client:sendHeaders', 'undici:request:headers'];
    const listen = (message: unknown): void => {
      const { request, headers } = Object(message);
      seen.push(JSON.stringify(request?.headers ?? null), String(headers));
    };
    for (const name of names) diagnostics.subscribe(name, listen);
    const { server, egress, call, clearKey } = await connected(ok);
    await send(egress, call);
    for (const name of names) diagnostics.unsubscribe(name, listen);
    expect(server.arrived[0]?.head).toContain(clearKey.toString('latin1'));
    expect(seen.join()).toContain('ownkey-placeholder-');
    expect(seen.join()).not.toContain(clearKey.toString('latin1').slice(0, 16));
  });

  test('goes into the header the provider wants, and credentials of the caller are not forwarded', async () => {
    const { server, egress, call, clearKey } = await connected(ok);
    const headers = { Authorization: 'Bearer sdk-placeholder', 'X-Api-Key': 'x', cookie: 'c=1', 'x-version': '2' };
    await send(egress, {
      ...call,
      auth: { header: 'x-goog-api-key', prefix: '' },
      request: { ...call.request, headers },
    });
    const head = server.arrived[0]?.head ?? '';
    expect(head).toContain(`x-goog-api-key: ${clearKey.toString('latin1')}`);
    expect(head).not.toMatch(/sdk-placeholder|x-api-key|cookie/i);
    expect(head).toContain('x-version: 2');
  });

  test.each([
    ['a line break', 'abcdefgh\r\nx-evil: 1'],
    ['a zero byte', 'abcdefgh\0ijkl'],
    ['a letter beyond ASCII', 'abcdefghé'],
    ['a blank', 'abcd efgh'],
  ])('with %s is never written', async (_, text) => {
    const { server, egress, store, key, call } = await connected(ok);
    store(key, Buffer.from(text, 'latin1'));
    const outcome = await send(egress, call);
    expect(outcome.error?.code).toBe('key.undecryptable');
    expect(server.arrived).toEqual([]);
  });

  test.each([
    ['company', { owner: 'co_b' }],
    ['provider', { provider: 'other', destination: 'catalogue:other' }],
    ['version', { version: 2 }],
  ])('does not open for another %s, and nothing is sent', async (_, change) => {
    const server = await provider(ok);
    const { egress, store } = kit(server.listed, { baseUrls: { one: server.origin, other: server.origin } });
    const key = catalogueKey('one');
    store(key, canaryKey());
    expect((await send(egress, callTo(server.origin, key))).status).toBe(200);
    const outcome = await send(egress, callTo(server.origin, { ...key, ...change }));
    expect(outcome.error).toMatchObject({ code: 'key.undecryptable', afterSend: false });
    expect(server.arrived).toHaveLength(1);
  });

  test('is not sent at all to an endpoint without one', async () => {
    const { server, egress, key, call } = await connected(ok);
    expect(await send(egress, { ...call, key: { ...key, keyless: true } })).toMatchObject({ status: 200 });
    expect(server.arrived[0]?.head).not.toMatch(/authorization|placeholder/i);
  });
});

describe('the destination', () => {
  test('of a custom endpoint is the origin its key is bound to: another gets no connection', async () => {
    const { server, egress, key } = await connected(ok);
    const other = await provider(ok);
    const outcome = await send(egress, callTo(other.origin, key));
    expect(outcome.error).toMatchObject({ code: 'key.destination_changed', afterSend: false });
    expect(other.connections + server.connections).toBe(0);
  });

  test("of a catalogue key is what the worker's own configuration says, whatever the call says", async () => {
    const server = await provider(ok);
    const other = await provider(ok);
    const { egress, store } = kit(`${server.listed},${other.listed}`, { baseUrls: { one: server.origin } });
    const key = catalogueKey('one');
    store(key, canaryKey());
    expect((await send(egress, callTo(other.origin, key))).error?.code).toBe('key.destination_changed');
    expect((await send(egress, callTo(server.origin, { ...key, destination: other.origin }))).error?.code).toBe(
      'key.destination_changed',
    );
    expect(other.connections + server.connections).toBe(0);
  });

  test('may be private only where the operator listed host and port', async () => {
    const server = await provider(ok);
    const { egress, store } = kit('');
    for (const origin of [
      server.origin,
      `https://127.0.0.1:${server.port}`,
      `http://localhost:${server.port}`,
      `https://127.1:${server.port}`,
      `https://2130706433:${server.port}`,
      `https://[::ffff:127.0.0.1]:${server.port}`,
      `https://0.0.0.0:${server.port}`,
    ]) {
      const key = customKey(new URL(origin).origin);
      store(key, canaryKey());
      const outcome = await send(egress, callTo(origin, key));
      expect([origin, outcome.error?.code]).not.toEqual([origin, undefined]);
    }
    expect(server.connections).toBe(0);
  });

  test.each([
    ['private', ['127.0.0.1']],
    ['public and private', ['93.184.216.34', '127.0.0.1']],
    ['mapped', ['::ffff:127.0.0.1']],
    ['NAT64', ['64:ff9b::7f00:1']],
    ['metadata', ['169.254.169.254']],
  ])('is refused when its name leads to a %s address', async (_, addresses) => {
    const { egress, store } = kit('', { lookup: async () => addresses.map((address) => ({ address })) });
    const key = customKey('https://api.provider.dev');
    store(key, canaryKey());
    const outcome = await send(egress, callTo('https://api.provider.dev', key));
    expect(outcome.error).toMatchObject({ code: 'provider.unreachable', afterSend: false });
    expect(egress.counts.sockets).toBe(0);
  });

  test('is looked up once a connection: an answer that changes afterwards changes nothing', async () => {
    const host = 'api.provider.dev';
    const server = await provider(ok, host);
    const other = await provider(ok);
    let asked = 0;
    const { egress, store } = kit(server.listed, {
      extraCa: server.ca,
      lookup: async () => [{ address: asked++ === 0 ? '127.0.0.1' : '10.255.255.1' }],
    });
    const key = customKey(server.origin);
    store(key, canaryKey());
    for (let i = 0; i < 3; i++) expect((await send(egress, callTo(server.origin, key))).status).toBe(200);
    expect([asked, server.connections, other.connections]).toEqual([1, 1, 0]);
  });
});

describe('TLS', () => {
  const host = 'api.provider.dev';
  const lookup = async () => [{ address: '127.0.0.1' }];

  test('with a trusted certificate carries the key', async () => {
    const server = await provider(ok, host);
    const { egress, store } = kit(server.listed, { extraCa: server.ca, lookup });
    const key = customKey(server.origin);
    const clearKey = canaryKey();
    store(key, clearKey);
    for (let i = 0; i < 2; i++) expect((await send(egress, callTo(server.origin, key))).status).toBe(200);
    expect(server.arrived.map(({ head }) => head.includes(clearKey.toString('latin1')))).toEqual([true, true]);
  });

  test.each([
    ['of an unknown authority', host, null],
    ['of another name', 'other.provider.dev', 'own'],
  ])('with a certificate %s gets nothing', async (_, certificateFor, trust) => {
    const server = await provider(ok, certificateFor);
    const origin = `https://${host}:${server.port}`;
    const { egress, store } = kit(`${host}:${server.port}`, { extraCa: trust && server.ca, lookup });
    const key = customKey(origin);
    store(key, canaryKey());
    const outcome = await send(egress, callTo(origin, key));
    expect(outcome.error).toMatchObject({ code: 'provider.unreachable', afterSend: false });
    expect(server.arrived).toEqual([]);
  });
});

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
