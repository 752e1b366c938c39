import { checkBaseUrl } from '@ownkey/guard/base-url';
import { parseEgressAllow } from '@ownkey/guard/egress-policy';
import { trustedContext } from '@ownkey/guard/pinned-connect';
import { afterEach, describe, expect, test } from 'vitest';
import { answer, type Behaviour, type ProviderServer, startProvider } from '../../../../tests/kit/provider-server.ts';
import { postPinned } from './pinned-post.ts';

const servers: ProviderServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function start(behaviour: Behaviour, host?: string): Promise<ProviderServer> {
  const server = await startProvider(behaviour, host);
  servers.push(server);
  return server;
}

function post(
  server: ProviderServer,
  options: { timeoutMs?: number; signal?: AbortSignal; addresses?: string[]; ca?: string } = {},
): Promise<number> {
  const { policy } = parseEgressAllow(server.listed);
  const checked = checkBaseUrl(server.origin, policy);
  if (!checked.ok) throw new Error(checked.hint);
  const lookup = async () => (options.addresses ?? ['127.0.0.1']).map((address) => ({ address }));
  return postPinned(
    { target: checked.url, path: '/hook?a=1', headers: { 'x-test': 'yes' }, body: '{"café":1}' },
    {
      lookup,
      policy,
      timeoutMs: options.timeoutMs ?? 10_000,
      signal: options.signal ?? new AbortController().signal,
      secureContext: trustedContext(options.ca ?? null),
    },
  );
}

describe('a post to a pinned address', () => {
  test('sends head and body as told and gives the status', async () => {
    const server = await start((socket) => socket.end(answer('{}', '202 Accepted')));
    expect(await post(server)).toBe(202);
    const [arrived] = server.arrived;
    expect(arrived?.body).toBe('{"café":1}');
    expect(arrived?.head).toMatch(/^POST \/hook\?a=1 HTTP\/1\.1\r\n/);
    expect(arrived?.head).toContain(`host: ${server.listed}`);
    expect(arrived?.head).toContain('x-test: yes');
  });

  test('follows no redirect', async () => {
    const server = await start((socket) => socket.end(answer('', '307 Temporary Redirect', ['location: /other'])));
    expect(await post(server)).toBe(307);
    expect(server.arrived).toHaveLength(1);
  });

  test('stops reading an answer that does not end, and still has its status', async () => {
    const server = await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n');
      const more = (): void => {
        while (socket.writable && socket.write('x'.repeat(65_536)));
      };
      socket.on('drain', more);
      more();
    });
    expect(await post(server)).toBe(200);
  });

  test('gives up on an answer that does not come', async () => {
    const server = await start(() => {});
    await expect(post(server, { timeoutMs: 50 })).rejects.toThrow('time-out');
  });

  test('ends when it is told to', async () => {
    const stop = new AbortController();
    const server = await start(() => stop.abort());
    await expect(post(server, { signal: stop.signal })).rejects.toThrow('time-out');
  });

  test('fails when the other end hangs up', async () => {
    const server = await start((socket) => socket.destroy());
    await expect(post(server)).rejects.toThrow();
  });

  test('tries the next address when one does not answer', async () => {
    const server = await start((socket) => socket.end(answer('{}')), 'hooks.example.com');
    expect(await post(server, { addresses: ['127.0.0.9', '127.0.0.1'], ca: server.ca ?? '' })).toBe(200);
  });
});

describe('TLS', () => {
  test('needs a certificate for the name, not for the address', async () => {
    const server = await start((socket) => socket.end(answer('{}')), 'hooks.example.com');
    expect(await post(server, { ca: server.ca ?? '' })).toBe(200);
  });

  test('of an authority that is not trusted: nothing is sent', async () => {
    const server = await start((socket) => socket.end(answer('{}')), 'hooks.example.com');
    await expect(post(server)).rejects.toThrow();
    expect(server.arrived).toEqual([]);
  });
});
