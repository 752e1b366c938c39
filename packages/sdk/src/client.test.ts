import { describe, expect, it } from 'vitest';
import { ConnectionError, toApiError } from './api-error.ts';
import { createClient } from './client.ts';

/** A client whose calls are kept and answered with `reply`. */
function recording(reply: () => Response, options: Parameters<typeof createClient>[0] = {}) {
  const calls: { url: string; init: RequestInit }[] = [];
  const client = createClient({
    baseUrl: 'https://keys.example.com',
    ...options,
    fetch: async (url, init) => {
      calls.push({ url: String(url), init: init ?? {} });
      return reply();
    },
  });
  return { client, calls };
}

describe('the client', () => {
  it('sends a token without cookies, and cookies of its own origin without a token', async () => {
    const withToken = recording(() => Response.json({}), { token: 'oky_test', company: 'ext_42' });
    await withToken.client.call('GET', '/api/keys');
    const { init } = withToken.calls[0] ?? {};
    expect(new Headers(init?.headers).get('authorization')).toBe('Bearer oky_test');
    expect(new Headers(init?.headers).get('x-ownkey-company')).toBe('ext_42');
    expect(init?.credentials).toBe('omit');

    const withCookie = recording(() => Response.json({}));
    await withCookie.client.call('GET', '/api/keys');
    expect(withCookie.calls[0]?.init.credentials).toBe('same-origin');
    expect(new Headers(withCookie.calls[0]?.init.headers).has('authorization')).toBe(false);
  });

  it('leaves empty query values out and escapes the rest', async () => {
    const { client, calls } = recording(() => Response.json({}));
    await client.call('GET', '/api/audit', {
      query: { q: 'a&b', cursor: null, limit: 100, kind: undefined, user: '' },
    });
    expect(calls[0]?.url).toBe('https://keys.example.com/api/audit?q=a%26b&limit=100');
  });

  it('reads an empty answer as null and keeps the ETag', async () => {
    const { client } = recording(() => new Response(null, { status: 204, headers: { etag: '"3"' } }));
    expect(await client.call('DELETE', '/api/keys/key_1')).toEqual({ data: null, etag: '"3"', status: 204 });
  });

  it('turns an error answer into its code, facts and request id', async () => {
    const { client } = recording(() =>
      Response.json({ title: 'Too many.', code: 'probe.limited', request_id: 'req_1', seconds: 42 }, { status: 429 }),
    );
    await expect(client.call('POST', '/api/keys')).rejects.toMatchObject({
      status: 429,
      code: 'probe.limited',
      requestId: 'req_1',
      problem: { title: 'Too many.', facts: { seconds: 42 } },
    });
  });

  it('does not take a page of a proxy for an answer of ours', async () => {
    const { client } = recording(() => new Response('<html>Bad gateway</html>', { status: 502 }));
    await expect(client.call('GET', '/api/keys')).rejects.toMatchObject({ status: 502, code: 'internal' });
  });

  it('tells no answer from an abort of the caller', async () => {
    const down = createClient({ fetch: () => Promise.reject(new TypeError('fetch failed')) });
    await expect(down.call('GET', '/api/keys')).rejects.toBeInstanceOf(ConnectionError);
    const controller = new AbortController();
    controller.abort();
    await expect(down.call('GET', '/api/keys', { signal: controller.signal })).rejects.not.toBeInstanceOf(
      ConnectionError,
    );
  });
});

it('reads errors of any shape', () => {
  expect(toApiError(404, null, null).code).toBe('not_found');
  expect(toApiError(500, ['x'], 'req_9')).toMatchObject({ code: 'internal', requestId: 'req_9' });
});
