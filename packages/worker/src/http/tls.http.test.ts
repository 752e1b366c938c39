import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import type { Client } from 'pg';
import { Agent, fetch as undiciFetch } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { selfSigned } from '../../../../tests/kit/certificate.ts';
import { type GatewayUnderTest, startGateway } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { quiet } from '../../../../tests/kit/quiet-log.ts';
import { seedCompany, seedKey, seedToken } from '../../../../tests/kit/worker-rows.ts';
import { createServer } from './server.ts';
import { keepTlsFresh } from './tls.ts';

const database = useTestDatabase();
const pair = selfSigned(['127.0.0.1', 'localhost']);
let gateway: GatewayUnderTest;
let token: string;
let agent: Agent;

beforeAll(async () => {
  const owner: Client = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  gateway = await startGateway(database.workerUrl, {
    tls: { cert: Buffer.from(pair.cert), key: Buffer.from(pair.key) },
  });
  gateway.egress.respond = (call) => call.answer(200, ANSWER);
  const company = await seedCompany(owner);
  await seedKey(owner, { companyId: company, provider: 'openai' });
  ({ token } = await seedToken(owner, company, ['inference']));
  agent = new Agent({ connect: { ca: pair.cert } });
});
afterAll(async () => {
  await agent.close();
  await gateway.close();
});

const ANSWER = { id: 'x', choices: [{ index: 0, message: { role: 'assistant', content: 'over TLS' } }] };
/** The client's own fetch, with the authority of the test. */
const trusting = ((input: string, init: object) =>
  undiciFetch(input, { ...init, dispatcher: agent })) as unknown as typeof fetch;

test('official clients speak to a gateway that ends TLS itself', async () => {
  const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: token, fetch: trusting, maxRetries: 0 });
  const answer = await openai.chat.completions.create({
    model: 'openai/m',
    messages: [{ role: 'user', content: 'Hi' }],
  });
  expect(answer.choices[0]?.message.content).toBe('over TLS');
  const anthropic = new Anthropic({ baseURL: gateway.url, apiKey: token, fetch: trusting, maxRetries: 0 });
  const asked = { model: 'openai/m', max_tokens: 5, messages: [{ role: 'user' as const, content: 'Hi' }] };
  await anthropic.messages.create(asked);
  expect(gateway.egress.calls).toHaveLength(2);
});

test('a client that does not trust the certificate sends nothing', async () => {
  const before = gateway.egress.calls.length;
  const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: token, maxRetries: 0 });
  await expect(openai.chat.completions.create({ model: 'openai/m', messages: [] })).rejects.toThrow();
  expect(gateway.egress.calls).toHaveLength(before);
});

test.each([
  ['TLSv1.1', 'TLSv1.1', null],
  ['TLSv1.2', 'TLSv1.2', 'TLSv1.2'],
  ['TLSv1.3', 'TLSv1.3', 'TLSv1.3'],
] as const)('a handshake of %s', async (_, version, spoken) => {
  const { port } = new URL(gateway.url);
  const socket = tls.connect({
    host: '127.0.0.1',
    port: Number(port),
    ca: pair.cert,
    minVersion: version,
    maxVersion: version,
    // Lets the client offer what is too old; the server has to refuse it.
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  const got = await Promise.race([
    once(socket, 'secureConnect').then(() => socket.getProtocol()),
    once(socket, 'error').then(() => null),
  ]).catch(() => null);
  socket.destroy();
  expect(got).toBe(spoken);
});

test('plain http is answered by nobody', async () => {
  await expect(fetch(gateway.url.replace('https', 'http'))).rejects.toThrow();
});

test('where clear keys are off, their route is not there', async () => {
  const answer = await undiciFetch(`${gateway.url}/keys`, { method: 'POST', body: '{}', dispatcher: agent });
  expect([answer.status, JSON.parse(await answer.text()).error.code]).toEqual([404, 'clear_keys.off']);
});

test('a renewed certificate is taken without a restart, and one that cannot be used is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ownkey-tls-'));
  const [certPath, keyPath] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const write = ({ cert, key }: { cert: string; key: string }): void => {
    writeFileSync(certPath, cert);
    writeFileSync(keyPath, key, { mode: 0o600 });
  };
  const [old, renewed] = [selfSigned(['localhost']), selfSigned(['localhost'])];
  write(old);
  const files = { cert: Buffer.from(old.cert), key: Buffer.from(old.key), certPath, keyPath };
  const server = createServer((_, response) => response.end('ok'), files);
  if (!(server instanceof https.Server)) throw new Error('no https server');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const keeping = keepTlsFresh(server, files, quiet, 10);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const fitsTo = async (ca: string): Promise<boolean> => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ca });
    const fits = await Promise.race([
      once(socket, 'secureConnect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    return fits;
  };
  expect(await fitsTo(old.cert)).toBe(true);
  write({ cert: renewed.cert, key: old.key });
  expect(await fitsTo(old.cert)).toBe(true);
  write(renewed);
  await expect.poll(() => fitsTo(renewed.cert)).toBe(true);
  expect(await fitsTo(old.cert)).toBe(false);
  keeping.stop();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
