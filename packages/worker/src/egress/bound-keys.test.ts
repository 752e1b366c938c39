import diagnostics from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { callTo, canaryKey, catalogueKey, customKey, send } from '../../../../tests/kit/egress.ts';
import { ok, useEgress } from '../../../../tests/kit/use-egress.ts';

const { provider, kit, connected } = useEgress();

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
