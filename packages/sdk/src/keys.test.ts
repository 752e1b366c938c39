import { decodeContext, parseSealedKey } from '@ownkey/vault/context';
import { fingerprintOf } from '@ownkey/vault/seal';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiError, ConnectionError } from './api-error.ts';
import { createClient } from './client.ts';
import { connectKey, replaceKey } from './keys.ts';
import { testKey } from './sealed-keys.ts';

interface Call {
  method: string;
  path: string;
  headers: Headers;
  body: Record<string, unknown> | null;
}
type Reply = { status?: number; json: unknown } | Error;

const CLEAR = 'sk-acme-0123456789abcdefghijklmnop';
const clearKey = () => new TextEncoder().encode(CLEAR);
let publicKey = '';

beforeAll(async () => {
  const pair = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  publicKey = btoa(String.fromCharCode(...raw))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
});

/** An API that answers the sealing key and then `replies` in order, and keeps what reached it. */
function fakeApi(...replies: Reply[]) {
  return pinnedApi({}, ...replies);
}

function pinnedApi(pin: { sealingFingerprint?: string }, ...replies: Reply[]) {
  const calls: Call[] = [];
  const client = createClient({
    ...pin,
    baseUrl: 'https://keys.example.com',
    fetch: async (url, init) => {
      const { pathname, search } = new URL(String(url));
      const call: Call = {
        method: init?.method ?? 'GET',
        path: pathname + search,
        headers: new Headers(init?.headers),
        body: typeof init?.body === 'string' ? JSON.parse(init.body) : null,
      };
      calls.push(call);
      const reply: Reply = pathname.endsWith('/sealing-key')
        ? {
            json: {
              kid: 'seal_1',
              public_key: publicKey,
              fingerprint: '4F2A-91CC',
              server_time: 1_000_000,
              company: 'co_1',
              user: 'usr_1',
            },
          }
        : (replies.shift() ?? new Error('no reply left'));
      if (reply instanceof Error) throw reply;
      return Response.json(reply.json, { status: reply.status ?? 200 });
    },
  });
  return { client, calls };
}

const tested = { id: 'key_x', status: 'valid', stored: true, steps: [{ step: 'list', state: 'done' }] };
const job = (change: Record<string, unknown>) => ({
  id: 'job_1',
  state: 'running',
  steps: [],
  result: null,
  error: null,
  ...change,
});

describe('connecting a key', () => {
  it('sends the key sealed for this company, provider and destination, and nothing of it in clear', async () => {
    const { client, calls } = fakeApi({ status: 201, json: tested });
    const bytes = clearKey();
    let sealedId = '';
    await connectKey(client, {
      provider: 'acme',
      scope: 'company',
      clearKey: bytes,
      label: 'Production',
      onSealed: ({ keyId }) => {
        sealedId = keyId;
        expect(calls).toHaveLength(1);
      },
    });
    const [, sent] = calls;
    const sealed = parseSealedKey(String(sent?.body?.sealed_key));
    expect(decodeContext(sealed.ctxBytes)).toMatchObject({
      company: 'co_1',
      user: null,
      provider: 'acme',
      key_id: sealedId,
      version: 1,
      destination: 'catalogue:acme',
      exp: 1_000_300,
    });
    expect(sent?.headers.get('idempotency-key')).toBe(sealedId);
    expect(sent?.body).toMatchObject({ provider: 'acme', label: 'Production', scope: 'company' });
    const wire = JSON.stringify(calls.map((call) => [call.path, call.body, [...call.headers]]));
    for (let at = 0; at + 8 <= CLEAR.length; at++) expect(wire).not.toContain(CLEAR.slice(at, at + 8));
    expect(new TextDecoder().decode(bytes), 'the caller erases its own bytes').toBe(CLEAR);
  });

  it('binds a personal key to its person and a custom endpoint to its origin', async () => {
    const { client, calls } = fakeApi({ json: tested });
    await connectKey(client, {
      provider: 'custom',
      scope: 'user',
      clearKey: clearKey(),
      slug: 'lab',
      base_url: 'https://Lab.example:8443/v1?x',
    });
    const { context } = parseSealedKey(String(calls[1]?.body?.sealed_key));
    expect(context).toMatchObject({ user: 'usr_1', destination: 'https://lab.example:8443' });
  });

  it('seals nothing for an endpoint without a key but names it', async () => {
    const { client, calls } = fakeApi({ json: tested });
    await connectKey(client, {
      provider: 'custom',
      scope: 'company',
      clearKey: null,
      base_url: 'http://127.0.0.1:1/v1',
    });
    expect(calls).toHaveLength(1);
    expect(calls[0]?.body).toMatchObject({ key_id: expect.stringMatching(/^key_/) });
    expect(calls[0]?.body).not.toHaveProperty('sealed_key');
  });

  it('follows the test as a job until its result', async () => {
    const steps = [{ step: 'shape', state: 'done' }];
    const { client, calls } = fakeApi(
      { status: 202, json: { job: job({}) } },
      { json: job({ steps }) },
      { json: job({ state: 'done', steps, result: tested }) },
    );
    const seen: number[] = [];
    const result = await connectKey(client, {
      provider: 'acme',
      scope: 'company',
      clearKey: clearKey(),
      onSteps: (reported) => seen.push(reported.length),
    });
    expect(result).toMatchObject({ status: 'valid' });
    expect(seen).toEqual([0, 1, 1]);
    expect(calls[1]?.headers.get('prefer')).toBe('respond-async');
    expect(calls.slice(2).map((call) => call.path)).toEqual(['/api/jobs/job_1', '/api/jobs/job_1']);
  });

  it("throws the provider's refusal from the job with its facts", async () => {
    const error = {
      status: 422,
      code: 'key.rejected',
      title: 'rejected',
      request_id: 'req_1',
      provider_message: 'Wrong',
    };
    const { client } = fakeApi({ status: 202, json: { job: job({ state: 'failed', error }) } });
    const failed = connectKey(client, { provider: 'acme', scope: 'company', clearKey: clearKey(), onSteps: () => {} });
    await expect(failed).rejects.toMatchObject({
      name: 'ApiError',
      code: 'key.rejected',
      requestId: 'req_1',
      problem: { facts: { provider_message: 'Wrong' } },
    });
  });

  it('tells a lost answer from a refusal', async () => {
    const lost = fakeApi(new TypeError('fetch failed'));
    const input = { provider: 'acme', scope: 'company', clearKey: clearKey() } as const;
    await expect(connectKey(lost.client, input)).rejects.toBeInstanceOf(ConnectionError);
    const refused = fakeApi({ status: 402, json: { code: 'plan.upgrade_required', title: 'x' } });
    await expect(connectKey(refused.client, input)).rejects.toBeInstanceOf(ApiError);
  });
});

describe('a pinned sealing key', () => {
  it('is the only one that is sealed for, whatever fingerprint the API claims', async () => {
    const claimed = pinnedApi({ sealingFingerprint: '4F2A-91CC' }, { json: tested });
    const input = { provider: 'acme', scope: 'company', clearKey: clearKey() } as const;
    await expect(connectKey(claimed.client, input)).rejects.toMatchObject({
      name: 'SealError',
      problem: 'fingerprint_mismatch',
    });
    expect(claimed.calls.map((call) => call.path)).toEqual(['/api/sealing-key']);

    const sealingFingerprint = await fingerprintOf(publicKey);
    const pinned = pinnedApi({ sealingFingerprint }, { json: tested });
    let told = '';
    await connectKey(pinned.client, { ...input, onSealed: ({ fingerprint }) => (told = fingerprint) });
    expect([pinned.calls.length, told]).toEqual([2, sealingFingerprint]);
  });
});

describe('replacing a key', () => {
  const key = {
    id: 'key_0123456789',
    version: 3,
    provider: 'acme',
    scope: 'company',
    destination: 'catalogue:acme',
    etag: '"7"',
  } as const;

  it('seals the version after the one it read and names the state it was made on', async () => {
    const { client, calls } = fakeApi({ json: tested });
    await replaceKey(client, key, clearKey());
    expect(calls[1]).toMatchObject({ method: 'PUT', path: '/api/keys/key_0123456789' });
    expect(calls[1]?.headers.get('if-match')).toBe('"7"');
    expect(parseSealedKey(String(calls[1]?.body?.sealed_key)).context).toMatchObject({ version: 4, key_id: key.id });
  });

  it('never uses one idempotency key for two pastes', async () => {
    const { client, calls } = fakeApi({ json: tested }, { json: tested });
    await replaceKey(client, key, clearKey());
    await replaceKey(client, key, clearKey());
    const [first, second] = calls
      .filter((call) => call.method === 'PUT')
      .map((call) => call.headers.get('idempotency-key'));
    expect(first).not.toBe(second);
  });

  it("uses the operator's routes for shared keys", async () => {
    const { client, calls } = fakeApi({ json: tested }, { json: tested });
    await replaceKey(client, { ...key, scope: 'platform' }, clearKey());
    await testKey(client, { id: key.id, scope: 'platform' });
    expect(calls.map((call) => call.path)).toEqual([
      '/api/operator/sealing-key',
      '/api/operator/platform-keys/key_0123456789',
      '/api/operator/platform-keys/key_0123456789/test',
    ]);
  });
});
