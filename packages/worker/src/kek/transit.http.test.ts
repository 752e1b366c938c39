import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listKekFile, loadKeks } from '@ownkey/vault/kek-file';
import { draftFirstKekFile, newKekBlock, publishFirstKekFile } from '@ownkey/vault/kek-write';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { selfSigned } from '../../../../tests/kit/certificate.ts';
import { answerAsTransit, portOf, type TransitCall as Seen } from '../../../../tests/kit/transit-stand-in.ts';
import { readTransit } from '../config-transit.ts';
import { ringOf } from './load-keks.ts';
import { Transit, type TransitOptions } from './transit.ts';

/**
 * The contract with Transit's HTTP API, against a stand-in on loopback: what HashiCorp's and OpenBao's documentation say of
 * `encrypt` and `decrypt`, as far as it is used. Neither of them was run.
 */
type Behave = (seen: Seen, nth: number) => { status: number; body: string | Buffer } | null;

const wrapped = new Map<string, string>();
const transit: Behave = (call) => answerAsTransit(wrapped, call);

let behave: Behave = transit;
const seen: Seen[] = [];
let server: http.Server;
let url: string;
let directory: string;
let tokenFile: string;

const serve: http.RequestListener = async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const call = { path: request.url ?? '', headers: request.headers, body };
  seen.push(call);
  const answer = behave(call, seen.length);
  if (answer === null) request.socket.destroy();
  else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ownkey-transit-'));
  tokenFile = join(directory, 'token');
  server = http.createServer(serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${portOf(server)}`;
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  behave = transit;
  seen.length = 0;
  writeFileSync(tokenFile, 'hvs.the-token\n', { mode: 0o600 });
});

const client = (more: Partial<TransitOptions> = {}): Transit =>
  new Transit({
    url,
    mount: 'transit',
    key: 'ownkey',
    tokenFile,
    namespace: null,
    ca: null,
    timeoutMs: 500,
    waitsMs: [1, 1],
    ...more,
  });

const CIPHERTEXT = `vault:v1:${'A'.repeat(64)}`;

describe('against a loopback stand-in for its HTTP API', () => {
  test('what was wrapped comes back byte for byte, for every length of base64 padding the key could meet', async () => {
    for (let n = 0; n < 20; n++) {
      const raw = randomBytes(32);
      const text = await client().wrap(raw);
      expect(wrapped.get(text)).toBe(raw.toString('base64'));
      expect((await client().unwrap(text)).equals(raw)).toBe(true);
    }
  });

  test('sends token, namespace and the header that makes it a request of an API to the paths of the mount', async () => {
    await client({ mount: 'team/transit', namespace: 'eu/ownkey' }).wrap(randomBytes(32));
    expect(seen[0]?.path).toBe('/v1/team/transit/encrypt/ownkey');
    expect(seen[0]?.headers).toMatchObject({
      'x-vault-token': 'hvs.the-token',
      'x-vault-namespace': 'eu/ownkey',
      'x-vault-request': 'true',
    });
  });

  test('a renewed token is used without a new start', async () => {
    const kms = client();
    const text = await kms.wrap(randomBytes(32));
    writeFileSync(tokenFile, 'hvs.renewed', { mode: 0o600 });
    await kms.unwrap(text);
    expect(seen.map(({ headers }) => headers['x-vault-token'])).toEqual(['hvs.the-token', 'hvs.renewed']);
  });

  test('a master key file that it wraps opens with it, holds no key, and not without it', async () => {
    const path = join(directory, 'kek');
    const { kek, block } = await newKekBlock(client());
    draftFirstKekFile(path, block);
    publishFirstKekFile(path);
    const [listed] = listKekFile(path);
    expect(listed).toMatchObject({ id: kek.id, wrapped: expect.stringMatching(/^vault:v1:/) });
    expect(ringOf(await loadKeks(path, client())).checkValueOf(kek.id)).toBe(kek.checkValue);
    await expect(loadKeks(path, null)).rejects.toThrow('OWNKEY_KEK_SOURCE=transit');
    const clear = Buffer.from(wrapped.get(listed?.wrapped ?? '') ?? '', 'base64');
    expect(clear).toHaveLength(32);
    for (const form of ['hex', 'base64'] as const)
      expect(readFileSync(path, 'latin1')).not.toContain(clear.toString(form));
  });

  test('another key than the one that was wrapped is noticed', async () => {
    const path = join(directory, 'other');
    const { block } = await newKekBlock(client());
    draftFirstKekFile(path, block);
    publishFirstKekFile(path);
    behave = () => ({ status: 200, body: JSON.stringify({ data: { plaintext: randomBytes(32).toString('base64') } }) });
    await expect(loadKeks(path, client())).rejects.toMatchObject({ problem: 'check' });
  });

  test.each([
    [403, 'renew or replace the token'],
    [404, 'OWNKEY_TRANSIT_MOUNT'],
    [400, 'put back the master key file'],
    [301, 'OWNKEY_TRANSIT_URL'],
  ])('%i is said with what to do, at once, and nothing of the answer is repeated', async (status, what) => {
    behave = () => ({ status, body: '{"errors":["echo hvs.the-token"]}' });
    const refused = client().unwrap(CIPHERTEXT);
    await expect(refused).rejects.toThrow(what);
    await expect(refused).rejects.not.toThrow('hvs.the-token');
    expect(seen).toHaveLength(1);
  });

  test.each([
    ['sealed', () => ({ status: 503, body: '{}' }), 'unseal it'],
    ['at its limit', () => ({ status: 429, body: '{}' }), 'answers 429'],
    ['broken', () => ({ status: 500, body: '{}' }), 'answers 500'],
    ['gone in the middle', () => null, 'cannot be reached'],
  ])(
    'one that is %s is tried again, and said when it stays so',
    async (_name, answer: () => { status: number; body: string } | null, what) => {
      behave = answer;
      await expect(client().unwrap(CIPHERTEXT)).rejects.toThrow(what);
      expect(seen).toHaveLength(3);
      seen.length = 0;
      const raw = randomBytes(32);
      behave = transit;
      const text = await client().wrap(raw);
      behave = (call, nth) => (nth < 4 ? answer() : transit(call, nth));
      expect((await client({ waitsMs: [1, 1, 1] }).unwrap(text)).equals(raw)).toBe(true);
    },
  );

  test('one that does not answer is given up after its limit', async () => {
    const silent: http.Server = http.createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const at: string = `http://127.0.0.1:${portOf(silent)}`;
    await expect(client({ url: at, timeoutMs: 50, waitsMs: [] }).unwrap(CIPHERTEXT)).rejects.toThrow(
      'cannot be reached',
    );
    silent.closeAllConnections();
    silent.close();
    await expect(client({ url: at, waitsMs: [] }).unwrap(CIPHERTEXT)).rejects.toThrow('ECONNREFUSED');
  });

  const key = Buffer.alloc(32, 7).toString('base64');
  test.each([
    ['no JSON', 'hello'],
    ['no plaintext', '{"data":{}}'],
    ['two of them', `{"data":{"plaintext":"${key}"},"plaintext":"${key}"}`],
    ['a number', '{"data":{"plaintext":7}}'],
    ['escapes', `{"data":{"plaintext":"\\u0041${key.slice(1)}"}}`],
    ['31 bytes', `{"data":{"plaintext":"${Buffer.alloc(31).toString('base64')}"}}`],
    ['33 bytes', `{"data":{"plaintext":"${Buffer.alloc(33).toString('base64')}"}}`],
    ['no base64', `{"data":{"plaintext":"${'!'.repeat(44)}"}}`],
    ['an endless text', `{"data":{"plaintext":"${'A'.repeat(200_000)}`],
  ])('an answer with %s is refused', async (_name, body) => {
    behave = () => ({ status: 200, body });
    await expect(client().unwrap(CIPHERTEXT)).rejects.toMatchObject({ problem: 'source' });
  });

  test('an answer to encrypt that is no ciphertext of Transit is not written anywhere', async () => {
    behave = () => ({ status: 200, body: '{"data":{"ciphertext":"not wrapped"}}' });
    await expect(newKekBlock(client())).rejects.toThrow("not Transit's");
  });

  test('a token that others can read, that is missing or that is no token is refused before anything is sent', async () => {
    chmodSync(tokenFile, 0o644);
    await expect(client().unwrap(CIPHERTEXT)).rejects.toThrow(`chmod 600 ${tokenFile}`);
    await expect(client({ tokenFile: `${tokenFile}.none` }).unwrap(CIPHERTEXT)).rejects.toThrow(
      'OWNKEY_TRANSIT_TOKEN_FILE',
    );
    chmodSync(tokenFile, 0o600);
    writeFileSync(tokenFile, 'two tokens');
    await expect(client().unwrap(CIPHERTEXT)).rejects.toThrow('does not hold one token');
    expect(seen).toEqual([]);
  });

  test('over TLS it is asked only where its certificate is trusted', async () => {
    const { cert, key: privateKey } = selfSigned(['localhost']);
    const secure: https.Server = https.createServer({ cert, key: privateKey }, serve).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const at: string = `https://localhost:${portOf(secure)}`;
    await expect(client({ url: at, waitsMs: [] }).unwrap(CIPHERTEXT)).rejects.toThrow('cannot be reached');
    expect(seen).toEqual([]);
    const raw = randomBytes(32);
    const trusting = client({ url: at, ca: cert });
    expect((await trusting.unwrap(await trusting.wrap(raw))).equals(raw)).toBe(true);
    secure.closeAllConnections();
    secure.close();
  });
});

describe('its settings', () => {
  const read = (given: Record<string, string>): string[] => {
    const problems: string[] = [];
    const all: Record<string, string> = {
      OWNKEY_KEK_SOURCE: 'transit',
      OWNKEY_TRANSIT_KEY: 'ownkey',
      OWNKEY_TRANSIT_TOKEN_FILE: '/run/token',
      ...given,
    };
    readTransit((name) => all[name] ?? null, problems);
    return problems;
  };

  test('https is taken, plain http only where the address is listed', () => {
    expect(read({ OWNKEY_TRANSIT_URL: 'https://vault.internal:8200' })).toEqual([]);
    expect(read({ OWNKEY_TRANSIT_URL: 'http://127.0.0.1:8200' })).toEqual([expect.stringContaining('must be https')]);
    const listed = { OWNKEY_TRANSIT_URL: 'http://127.0.0.1:8200', OWNKEY_TRANSIT_HTTP_ALLOW: '127.0.0.1:8200' };
    expect(read(listed)).toEqual([]);
    expect(read({ ...listed, OWNKEY_TRANSIT_URL: 'http://127.0.0.1:8201' })).toHaveLength(1);
    expect(read({ ...listed, OWNKEY_TRANSIT_HTTP_ALLOW: '169.254.169.254:80' })).toHaveLength(2);
  });

  test.each([
    ['a user in the address', { OWNKEY_TRANSIT_URL: 'https://u:p@vault.internal' }],
    ['a query in the address', { OWNKEY_TRANSIT_URL: 'https://vault.internal/?a=b' }],
    ['no address', {}],
    ['a key name that is a path', { OWNKEY_TRANSIT_URL: 'https://v', OWNKEY_TRANSIT_KEY: '../sys/seal' }],
    ['a mount that climbs', { OWNKEY_TRANSIT_URL: 'https://v', OWNKEY_TRANSIT_MOUNT: 'a/../../sys' }],
    ['a namespace with a line break', { OWNKEY_TRANSIT_URL: 'https://v', OWNKEY_TRANSIT_NAMESPACE: 'a\r\nx: y' }],
    ['a certificate that is not there', { OWNKEY_TRANSIT_URL: 'https://v', OWNKEY_TRANSIT_CA_FILE: '/none/ca.pem' }],
  ])('%s is refused', (_name, given) => {
    expect(read(given)).not.toEqual([]);
  });
});
