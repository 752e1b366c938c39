import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open, startGateway } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { quiet } from '../../../../tests/kit/quiet-log.ts';
import { seedCompany, seedKey, seedPrice, seedToken } from '../../../../tests/kit/worker-rows.ts';
import { Listener, type ListenerEvents } from './listener.ts';

const database = useTestDatabase();
let owner: Client;
let line: Line;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  line = await openLine(database.workerUrl);
});
afterAll(() => line.close());

/** A line to the database that can fall silent without closing. */
interface Line {
  url: string;
  silence(): void;
  restore(): void;
  close(): void;
}

async function openLine(databaseUrl: string): Promise<Line> {
  const target = new URL(databaseUrl);
  const sockets = new Set<net.Socket>();
  let silent = false;
  const server = net.createServer((near) => {
    const far = net.connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    near.on('data', (bytes) => silent || far.write(bytes));
    far.on('data', (bytes) => silent || near.write(bytes));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    url: url.href,
    silence: () => {
      silent = true;
    },
    restore: () => {
      silent = false;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const DEAF: ListenerEvents = { configChanged() {}, keyGone() {}, companyGone() {}, jobQueued() {}, unsure() {} };

test('a notification reaches its handler with what it says', async () => {
  const heard: string[] = [];
  const listener = new Listener({
    connectionString: database.workerUrl,
    workerId: 'a1',
    log: quiet,
    events: {
      ...DEAF,
      configChanged: (companyId) => heard.push(`config ${companyId}`),
      keyGone: (keyId, version) => heard.push(`gone ${keyId} ${version}`),
      jobQueued: () => heard.push('job'),
    },
  });
  listener.start();
  await expect.poll(() => listener.isSure).toBe(true);
  // What went before the connection stood was not heard, so everything is looked at once.
  expect(heard).toEqual(['config *', 'job']);
  const companyId = await seedCompany(owner);
  const keyId = await seedKey(owner, { companyId, provider: 'openai' });
  await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
  await owner.query(`INSERT INTO worker_jobs (id, kind) VALUES ('job_1', 'key.test')`);
  await expect.poll(() => heard).toEqual(expect.arrayContaining([`config ${companyId}`, `gone ${keyId} 1`]));
  await expect.poll(() => heard.filter((event) => event === 'job')).toHaveLength(2);
  await listener.stop();
});

test('a connection that falls silent is noticed by its heartbeat, and replaced when the line is back', async () => {
  let unsure = 0;
  const listener = new Listener({
    connectionString: line.url,
    workerId: 'a2',
    log: quiet,
    heartbeatMs: 20,
    silenceMs: 80,
    events: { ...DEAF, unsure: () => (unsure += 1) },
  });
  listener.start();
  await expect.poll(() => listener.isSure).toBe(true);
  unsure = 0;
  line.silence();
  await expect.poll(() => listener.isSure).toBe(false);
  await expect.poll(() => unsure).toBeGreaterThan(1);
  line.restore();
  await expect.poll(() => listener.isSure, { timeout: 10_000 }).toBe(true);
  await listener.stop();
});

test('a stream on a key that is removed while notifications are silent ends all the same', async () => {
  const gateway = await startGateway(database.workerUrl, { listenDatabaseUrl: line.url });
  await expect.poll(() => gateway.gateway.listener.isSure).toBe(true);
  const companyId = await seedCompany(owner);
  const { token } = await seedToken(owner, companyId, ['inference']);
  const keyId = await seedKey(owner, { companyId, provider: 'openai' });
  const called = gateway.egress.next();
  const request = open('POST', `${gateway.url}/v1/chat/completions`, {
    token,
    body: { model: 'openai/m', stream: true },
  });
  const upstream = await called;
  upstream.head(200, { 'content-type': 'text/event-stream' });
  upstream.data('data: one\n\n');
  const response = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
  line.silence();
  await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
  let text = '';
  for await (const piece of response) text += piece;
  expect(text).toContain('"code":"key.removed"');
  line.restore();
  await gateway.close();
});

test.each([
  ['at once', false],
  ['while notifications are silent', true],
])('a stream on the shared key ends when its company is erased: %s', async (_, silent) => {
  const gateway = await startGateway(database.workerUrl, { listenDatabaseUrl: line.url });
  await expect.poll(() => gateway.gateway.listener.isSure).toBe(true);
  const companyId = await seedCompany(owner);
  const other = await seedCompany(owner);
  const [{ token }, { token: otherToken }] = [
    await seedToken(owner, companyId, ['inference']),
    await seedToken(owner, other, ['inference']),
  ];
  const keyId = await seedKey(owner, { provider: 'mistral' });
  await seedPrice(owner, { slug: 'mistral', model: 'm' });
  const stream = async (of: string) => {
    const called = gateway.egress.next();
    const request = open('POST', `${gateway.url}/v1/chat/completions`, {
      token: of,
      body: { model: 'mistral/m', stream: true, max_tokens: 1, messages: [] },
    });
    const upstream = await called;
    upstream.head(200, { 'content-type': 'text/event-stream' });
    upstream.data('data: one\n\n');
    const response = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    return { upstream, response };
  };
  const mine = await stream(token);
  const theirs = await stream(otherToken);
  if (silent) line.silence();
  await owner.query("SELECT ownkey.erase_company($1, 'op_test')", [companyId]);
  let text = '';
  for await (const piece of mine.response) text += piece;
  expect(text).toContain('"code":"key.removed"');
  line.restore();
  // Nobody else's call on that key is touched.
  theirs.upstream.end();
  let rest = '';
  for await (const piece of theirs.response) rest += piece;
  expect(rest).not.toContain('key.removed');
  await expect.poll(() => gateway.gateway.ledger.unsettled).toBe(0);
  const { rowCount } = await owner.query('SELECT 1 FROM requests WHERE company_id = $1', [companyId]);
  expect(rowCount).toBe(0);
  await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
  await gateway.close();
});
