import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { workerFlags } from '@ownkey/cli/supervisor/worker-flags';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { type Envelope, wrapKey } from '@ownkey/vault/envelope';
import { KekRing, kekFromBytes } from '@ownkey/vault/kek';
import { newKeyId, newNonce } from '@ownkey/vault/mint';
import { sealKey } from '@ownkey/vault/seal';
import { createSealingKey } from '@ownkey/vault/sealing-key';
import type { EgressCall, KeyRef } from '@ownkey/worker/egress/egress';
import { bindingOf } from '@ownkey/worker/egress/pooled-egress';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CATALOGUE_DIRECTORY } from '../kit/catalogue-directory.ts';
import { callTo, canaryKey, customKey } from '../kit/egress.ts';
import { answer, type Behaviour, type ProviderServer, startProvider } from '../kit/provider-server.ts';
import { sweepMemory } from '../kit/sweep.ts';

/**
 * Threat 9: after a call no copy of its key is left in the worker's memory. The child runs under the worker's flags and gets wrapped
 * keys alone; this process knows them and reads all its writable memory. The naive sender must be found, or the search is broken.
 */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CHILD = fileURLToPath(new URL('./fixtures/memory-child.mjs', import.meta.url));
const HOST = 'api.provider.dev';

/** Paths of each dialect's calls. */
const PATHS: Record<string, string[]> = {
  'openai-chat': ['/v1/chat/completions'],
  'openai-responses': ['/v1/responses'],
  'anthropic-messages': ['/v1/messages'],
};
/** Every header and prefix that a provider of the catalogue takes a key in, and the paths of the dialects that use it. */
const AUTHS = [...loadCatalogue(CATALOGUE_DIRECTORY).entries.values()].reduce<
  { header: string; prefix: string; paths: string[] }[]
>((found, { auth, dialect }) => {
  const known = found.find(({ header, prefix }) => header === auth.header && prefix === auth.prefix);
  const paths = [...(PATHS[dialect] ?? []), ...(dialect === 'openai-chat' ? (PATHS['openai-responses'] ?? []) : [])];
  if (known) known.paths = [...new Set([...known.paths, ...paths])];
  else found.push({ ...auth, paths });
  return found;
}, []);

const behaviour: Behaviour = (socket, { head, nth }) => {
  const path = /^\w+ (?:\/v1[^?]*\?(?=\w))?(\S+)/.exec(head)?.[1]?.replace(/^(?!\/)/, '/');
  if (path === '/silent') return;
  if (path === '/refused') socket.write(answer('{"error":"no"}', '401 Unauthorized'));
  else if (path === '/streamed')
    socket.write(
      'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    );
  else if (path === '/stream') socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`);
  else if (path === '/once' && nth > 1) socket.destroy();
  else socket.write(answer('{"ok":1}'));
};

class Child {
  readonly process: ChildProcess;
  readonly #lines: Interface;
  readonly kek = randomBytes(32);
  readonly ring = new KekRing(kekFromBytes('kek_test00000000', Buffer.from(this.kek)));

  constructor() {
    const readable = [`${ROOT}packages/`, `${ROOT}node_modules/`, CHILD];
    this.process = spawn(process.execPath, [...workerFlags(process.version, readable), CHILD], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {},
    });
    this.#lines = createInterface({ input: this.process.stdout ?? process.stdin });
  }

  async ask(command: string, input: object = {}): Promise<unknown> {
    const answered = once(this.#lines, 'line');
    this.process.stdin?.write(`${JSON.stringify({ command, ...input })}\n`);
    const [line] = await answered;
    return JSON.parse(String(line));
  }

  wrap(clearKey: Buffer, ref: KeyRef): Record<string, string> {
    return pack(wrapKey({ kekRing: this.ring, clearKey, binding: bindingOf(ref) }));
  }

  /** Forms of the key found in the child's memory. */
  found(clearKey: Buffer): string[] {
    const { hits, bytes } = sweepMemory(this.process.pid ?? 0, 'worker', [clearKey.toString('latin1')]);
    expect(bytes).toBeGreaterThan(20_000_000);
    return hits.map(({ form }) => form);
  }
}

function pack({ kek_id, wrapped_dek, commitment, body }: Envelope): Record<string, string> {
  const text = (bytes: Buffer) => bytes.toString('base64');
  return { kek_id, wrapped_dek: text(wrapped_dek), commitment: text(commitment), body: text(body) };
}

function wire(call: EgressCall, path: string, method: 'GET' | 'POST', body: string): object {
  return { ...call, request: { ...call.request, method, path, body } };
}

describe.each([
  ['over TLS', HOST],
  ['without TLS', undefined],
])('%s', (_, host) => {
  let server: ProviderServer;
  let child: Child;

  beforeAll(async () => {
    server = await startProvider(behaviour, host);
    child = new Child();
    expect(await child.ask('start', { kek: child.kek.toString('base64'), listed: server.listed, ca: server.ca })).toBe(
      'started',
    );
  });
  afterAll(async () => {
    child.process.kill();
    await server.close();
  });

  /** Sends calls on a fresh key each, and searches for all of them afterwards. */
  async function run(
    calls: {
      path: string;
      method?: 'GET' | 'POST';
      body?: string;
      more?: object;
      auth?: { header: string; prefix: string };
      expect: RegExp;
    }[],
  ) {
    const clearKey = canaryKey();
    const ref = customKey(server.origin, newKeyId());
    for (const { path, method = 'POST', body = '{"model":"m"}', more, auth, expect: outcome } of calls) {
      const call = callTo(server.origin, ref, { headTimeoutMs: 300, ...(auth && { auth }) });
      const answered = await child.ask('send', {
        call: wire(call, path, method, body),
        envelope: child.wrap(clearKey, ref),
        ...more,
      });
      expect(String(answered)).toMatch(outcome);
    }
    await child.ask('settle');
    const reached = server.arrived.filter(({ head }) => head.includes(clearKey.toString('latin1')));
    expect(reached).toHaveLength(calls.length);
    return child.found(clearKey);
  }

  test.each<[string, Parameters<typeof run>[0]]>([
    ['answers', [{ path: '/ok', expect: /^end/ }]],
    ['answers with a body of 300 KB', [{ path: '/ok', body: 'x'.repeat(300_000), expect: /^end/ }]],
    ['answers to a GET', [{ path: '/ok', method: 'GET', body: '', expect: /^end/ }]],
    ['answers ten calls on one connection', Array.from({ length: 10 }, () => ({ path: '/ok', expect: /^end/ }))],
    ['refuses the key', [{ path: '/refused', expect: /^end/ }]],
    ['never answers', [{ path: '/silent', expect: /^provider.time_out$/ }]],
    ['is aborted within its answer', [{ path: '/stream', more: { abortAfter: 1 }, expect: /^aborted$/ }]],
    ['still holds its answer', [{ path: '/silent', more: { hold: 100 }, expect: /^holding$/ }]],
  ])('no copy of the key is left when the provider %s', async (_name, calls) => {
    expect(await run(calls)).toEqual([]);
  });

  // Each way of the catalogue to carry a key, with the path of its dialect.
  test.each(AUTHS)(
    'no copy is left of a key in $header $prefix, streamed or not, refused or aborted',
    async ({ paths, ...auth }) => {
      expect(paths.length).toBeGreaterThan(0);
      const calls = paths.flatMap((path) => [
        { path: `${path}?ok`, expect: /^end/ },
        { path: `${path}?streamed`, body: '{"model":"m","stream":true}', expect: /^end/ },
        { path: `${path}?refused`, expect: /^end/ },
        { path: `${path}?silent`, expect: /^provider.time_out$/ },
        { path: `${path}?stream`, more: { abortAfter: 1 }, expect: /^aborted$/ },
      ]);
      expect(await run(calls.map((call) => ({ ...call, auth })))).toEqual([]);
    },
  );

  test('no copy is left when a connection closed meanwhile makes it go out twice', async () => {
    const clearKey = canaryKey();
    const ref = customKey(server.origin, newKeyId());
    const call = callTo(server.origin, ref);
    for (const method of ['POST', 'GET'] as const) {
      const input = {
        call: wire(call, '/once', method, method === 'GET' ? '' : '{}'),
        envelope: child.wrap(clearKey, ref),
      };
      expect(String(await child.ask('send', input))).toMatch(/^end/);
    }
    await child.ask('settle');
    expect(server.arrived.filter(({ head }) => head.includes(clearKey.toString('latin1')))).toHaveLength(3);
    expect(child.found(clearKey)).toEqual([]);
  });

  // Up to 64 bytes could lie inside V8's heap, where erasing does not reach every copy.
  test.each([32, 50, 64, 108])(
    'no copy is left of a pasted key of %i bytes that was opened, wrapped, watched and tested',
    async (length) => {
      const clearKey = Buffer.from(randomBytes(length).toString('base64url').slice(0, length), 'latin1');
      const ref = customKey(server.origin, newKeyId());
      const sealingKey = createSealingKey(child.ring);
      const now = Math.floor(Date.now() / 1000);
      const expected = {
        company: ref.owner,
        user: null,
        provider: ref.provider,
        key_id: ref.id,
        version: 1,
        destination: ref.destination,
      };
      const sealed = await sealKey({
        publicKey: sealingKey.public_key,
        kid: sealingKey.kid,
        clearKey: Buffer.from(clearKey),
        context: { ...expected, nonce: newNonce(), exp: now + 60 },
      });
      const call = wire(callTo(server.origin, ref), '/ok', 'POST', '{}');
      const wrapped = { ...sealingKey, wrapped_private: sealingKey.wrapped_private.toString('base64') };
      expect(await child.ask('paste', { sealingKey: wrapped, sealed, expect: expected, ref, call, now })).toBe(
        'pasted',
      );
      await child.ask('settle');
      expect(server.arrived.some(({ head }) => head.includes(clearKey.toString('latin1')))).toBe(true);
      expect(child.found(clearKey)).toEqual([]);
    },
  );

  test('the signal that opens an inspector opens none', async () => {
    const listening = (pid = 0) =>
      [...readFileSync(`/proc/${pid}/net/tcp`, 'latin1').matchAll(/:240D [0-9A-F:]+ 0A /g)].length;
    const before = listening(child.process.pid);
    child.process.kill('SIGUSR1');
    // It lives, and has run since.
    await child.ask('settle');
    expect(child.process.exitCode).toBeNull();
    expect(listening(child.process.pid)).toBe(before);
    if (before > 0) return;
    const plain = spawn(process.execPath, ['-e', 'process.stdout.write("up");setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(plain.stdout, 'data');
    plain.kill('SIGUSR1');
    const [said] = await once(plain.stderr, 'data');
    plain.kill('SIGKILL');
    expect(String(said)).toContain('Debugger listening');
  });

  if (host === undefined) {
    test('the search finds the key of a sender that takes no care', async () => {
      const clearKey = canaryKey();
      const ref = customKey(server.origin, newKeyId());
      const call = wire(callTo(server.origin, ref), '/ok', 'POST', '{}');
      expect(await child.ask('naive', { call, ref, envelope: child.wrap(clearKey, ref) })).toBe('sent');
      const found = child.found(clearKey);
      expect(found.length).toBeGreaterThanOrEqual(3);
      expect(found).toContain('text');
    });
  }
});
