import { once } from 'node:events';
import net from 'node:net';
import { isAddressAllowed } from '@ownkey/guard/address';
import { checkBaseUrl } from '@ownkey/guard/base-url';
import { PUBLIC_ONLY, parseEgressAllow } from '@ownkey/guard/egress-policy';
import { trustedContext } from '@ownkey/guard/pinned-connect';
import type { Lookup } from '@ownkey/guard/resolve';
import { prepareExchange } from '@ownkey/providers/exchange';
import { readModelList } from '@ownkey/providers/models';
import { writeError } from '@ownkey/providers/write-error';
import { createOutbox, type Outbox } from '@ownkey/server/domain/outbox/outbox';
import { postPinned } from '@ownkey/server/platform/pinned-post';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AUTH_SECRET, type TestCompany, useControlPlane } from '../kit/control-plane.ts';
import { type GatewayUnderTest, send, startGateway } from '../kit/gateway.ts';
import { connectPayload, type KeyWorker, runJob, startKeyWorker } from '../kit/key-jobs.ts';
import { answer, type ProviderServer, startProvider } from '../kit/provider-server.ts';
import { useWebhookReceiver } from '../kit/webhook-receiver.ts';
import { seedKey, seedToken } from '../kit/worker-rows.ts';
import { BAD_ADDRESSES, BAD_URLS } from './fixtures/bad-places.ts';

/**
 * Threat 10: no address that a customer gives leads inside, at any place where one is taken or used: saving, rotating, testing,
 * model lists, calls, webhooks. A live listener on loopback counts who comes: a plain fetch does, Ownkey never.
 */
const INSIDE = '127.0.0.77';
const PORT = 8443;
const secureContext = trustedContext(null);
/** A database takes no zero byte. */
const STORABLE = BAD_URLS.filter((url) => !url.includes('\0'));
const NAME = 'endpoint.example.dev';
const ORIGIN = `https://${NAME}:${PORT}`;

/** What the name server says now, and how often it was asked. */
let answers: (asked: number) => readonly string[];
let asked = 0;
const lookup: Lookup = async () => answers(asked++).map((address) => ({ address }));

const receiver = await useWebhookReceiver();
const redirecting = await startProvider((socket) =>
  socket.end(answer('', '307 Temporary Redirect', [`location: http://${INSIDE}:${PORT}/`])),
);
const LISTED = `${redirecting.listed},${receiver.listed}`;
const plane = useControlPlane({ OWNKEY_EGRESS_ALLOW: LISTED }, { lookup });
const { policy } = parseEgressAllow(LISTED);
let hits = 0;
const sockets: net.Socket[] = [];
const listener = net.createServer((socket) => {
  hits += 1;
  sockets.push(socket);
  socket.on('error', () => {});
  socket.end(answer('{"data":[]}'));
});
let owner: Client;
let worker: KeyWorker;
let gateway: GatewayUnderTest;
let outbox: Outbox;
let company: TestCompany;
let token: string;

beforeAll(async () => {
  listener.listen(PORT, INSIDE);
  await once(listener, 'listening');
  owner = await plane.postgres.connect('owner');
  worker = await startKeyWorker(plane.postgres.workerUrl, { listed: LISTED, lookup, unreachableMs: 50 });
  const { egress } = worker;
  const real = { egress, prepareExchange, writeError, readModelList };
  gateway = await startGateway(plane.postgres.workerUrl, real);
  const { database } = plane;
  const webhooks = { database, authSecret: AUTH_SECRET, policy, lookup, version: '1.2.3' };
  outbox = createOutbox({ database, log: plane.server.log, mail: null, webhooks, nameProvider: (slug) => slug });
});
afterAll(async () => {
  await gateway.close();
  await worker.close();
  await redirecting.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => listener.close(resolve));
});
beforeEach(async () => {
  hits = 0;
  asked = 0;
  answers = () => [INSIDE];
  redirecting.arrived.length = 0;
  company = await plane.createCompany();
  ({ token } = await seedToken(owner, company.id, ['inference']));
});

/** A stored endpoint without a key at this address, as if it had been saved when its name still led elsewhere. */
const storedAt = async (baseUrl: string): Promise<string> => {
  const id = await seedKey(owner, { companyId: company.id, provider: 'custom', slug: 'mine', baseUrl });
  await owner.query(`UPDATE ownkey.keys SET keyless = true, preset = 'openai-compatible' WHERE id = $1`, [id]);
  await owner.query(
    `INSERT INTO ownkey.sources (company_id, provider, account, source, on_failure) VALUES ($1, 'mine', '', 'own', 'stop')`,
    [company.id],
  );
  return id;
};

const call = () =>
  send('POST', `${gateway.url}/v1/chat/completions`, {
    token,
    body: { model: 'mine/m', max_tokens: 8, messages: [{ role: 'user', content: 'Hello' }] },
  });
const listModels = () => send('GET', `${gateway.url}/v1/models`, { token });
const testKey = (id: string) => runJob(worker, owner, 'key.test', company.id, { key_id: id });

test('the listener is there for whoever does not look', async () => {
  expect(await (await fetch(`http://${INSIDE}:${PORT}/`)).text()).toBe('{"data":[]}');
  expect(hits).toBe(1);
});

describe('the lists', () => {
  test('are as long as what is known', () => {
    expect(new Set(BAD_URLS).size).toBeGreaterThanOrEqual(138);
    expect(new Set(BAD_ADDRESSES).size).toBeGreaterThanOrEqual(54);
  });

  test('pass nowhere: neither by form, nor as what a name leads to, whatever port the operator named', () => {
    expect(BAD_URLS.filter((url) => checkBaseUrl(url, PUBLIC_ONLY).ok || checkBaseUrl(url, policy).ok)).toEqual([]);
    expect(BAD_ADDRESSES.filter((address) => isAddressAllowed(address, false))).toEqual([]);
  });
});

describe('saving', () => {
  test('an endpoint by the API at each address of the list is refused, and no job is made', async () => {
    for (const base_url of BAD_URLS) {
      const body = { provider: 'custom', slug: 'mine', base_url };
      const { status, body: told } = await plane.call('POST', '/api/keys', company.admin, body);
      expect([base_url, status, told.code]).toEqual([
        base_url,
        400,
        expect.stringMatching(/^(base_url\.refused|request\.invalid)$/),
      ]);
    }
    const { rows } = await owner.query('SELECT 1 FROM ownkey.worker_jobs WHERE company_id = $1', [company.id]);
    expect(rows).toEqual([]);
    expect([hits, asked]).toEqual([0, 0]);
  });

  test('an endpoint by a job that the API never checked is refused by the worker itself', async () => {
    const jobs = await Promise.all(
      STORABLE.map((base_url) => {
        const more = { base_url, slug: 'mine', preset: 'openai-compatible', keyless: true };
        return runJob(worker, owner, 'key.connect', company.id, connectPayload('custom', more));
      }),
    );
    // Longer than any control plane writes it: the job itself is not taken.
    const refusal = (url: string) => (url.length > 2048 ? 'internal' : 'base_url.refused');
    expect(STORABLE.filter((url, i) => jobs[i]?.failure?.code !== refusal(url))).toEqual([]);
    expect([hits, asked]).toEqual([0, 0]);
  });

  test('a webhook, and changing one, is refused at each address of the list', async () => {
    answers = () => ['93.184.215.14'];
    const { body: made } = await plane.call('POST', '/api/webhooks', company.admin, { url: receiver.url });
    for (const url of BAD_URLS.filter((bad) => !/^https:\/\/[^?#]+[?]/.test(bad))) {
      for (const [method, path] of [
        ['POST', '/api/webhooks'],
        ['PATCH', `/api/webhooks/${made.id}`],
      ] as const) {
        const { status, body } = await plane.call(method, path, company.admin, { url });
        expect([url, status]).toEqual([url, 400]);
        expect(body.code).toMatch(/^(webhook\.refused|request\.invalid)$/);
      }
    }
    expect(hits).toBe(0);
  });
});

describe('a name that leads to', () => {
  test.each(BAD_ADDRESSES)('%s is not connected to, alone or beside a public address', async (address) => {
    const checked = checkBaseUrl(ORIGIN, PUBLIC_ONLY);
    if (!checked.ok) throw new Error(checked.hint);
    for (const led of [[address], ['93.184.215.14', address]]) {
      answers = () => led;
      asked = 0;
      await expect(
        postPinned(
          { target: checked.url, path: '/', headers: {}, body: '' },
          {
            lookup,
            policy: PUBLIC_ONLY,
            secureContext,
            timeoutMs: 5_000,
            signal: new AbortController().signal,
          },
        ),
      ).rejects.toThrow('address: address');
      expect(asked).toBe(1);
    }
    expect(hits).toBe(0);
  });
});

describe('an endpoint whose name leads inside since it was saved', () => {
  const uses: Record<string, (id: string) => Promise<void>> = {
    'a test of the key': async (id) => {
      const { result } = await testKey(id);
      expect(result?.probe).toMatchObject({ status: 'unreachable', status_detail: { code: 'provider.unreachable' } });
    },
    'a read of its models': async (id) => {
      const { result } = await runJob(worker, owner, 'models.refresh', company.id, { key_id: id });
      expect(result?.models_count).toBeNull();
    },
    'the list of models': async () => {
      expect((await listModels()).status).toBe(200);
    },
    'a call': async () => {
      const { status, headers } = await call();
      expect([status, headers['x-ownkey-error-code']]).toEqual([502, 'provider.unreachable']);
    },
  };

  test.each(Object.keys(uses))('gets nothing by %s', async (use) => {
    const id = await storedAt(`${ORIGIN}/v1`);
    await uses[use]?.(id);
    expect(asked).toBeGreaterThan(0);
    expect(hits).toBe(0);
  });

  test.each(Object.keys(uses))('gets nothing by %s when its name gives another answer each time', async (use) => {
    const id = await storedAt(`${ORIGIN}/v1`);
    // Public the first time it is asked: only who asks twice, or connects to the name, comes inside. 192.0.2.1 goes nowhere.
    answers = (nth) => (nth % 2 === 0 ? ['93.184.215.14', '192.0.2.1'] : [INSIDE]);
    await uses[use]?.(id);
    expect(hits).toBe(0);
  });

  test('gets no delivery of a webhook', async () => {
    answers = () => ['93.184.215.14'];
    const { body: made, status } = await plane.call('POST', '/api/webhooks', company.admin, { url: `${ORIGIN}/hook` });
    expect(status).toBe(201);
    answers = () => [INSIDE];
    expect((await plane.call('POST', `/api/webhooks/${made.id}/test`, company.admin)).status).toBe(202);
    await outbox.drain();
    const { body } = await plane.call('GET', `/api/webhooks/${made.id}/deliveries`, company.admin);
    expect(body.data[0]).toMatchObject({ attempts: 1, status: null });
    expect(hits).toBe(0);
  });
});

describe('an address changed in the database to each of the list', () => {
  test('is refused by tests, model lists and calls without asking for its name', async () => {
    const id = await storedAt(`${ORIGIN}/v1`);
    for (const baseUrl of STORABLE) {
      const destination = URL.canParse(baseUrl) ? new URL(baseUrl).origin : baseUrl;
      await owner.query('UPDATE ownkey.keys SET base_url = $2, destination = $3 WHERE id = $1', [
        id,
        baseUrl,
        destination,
      ]);
      const code = (await call()).headers['x-ownkey-error-code'];
      expect([baseUrl, code]).toEqual([
        baseUrl,
        expect.stringMatching(/^(provider\.unreachable|key\.destination_changed)$/),
      ]);
    }
    expect([hits, asked]).toEqual([0, 0]);
  });

  test('is refused when the key is to be replaced', async () => {
    const id = await storedAt(`https://${INSIDE}:${PORT}/v1`);
    const { failure } = await runJob(worker, owner, 'key.replace', company.id, { key_id: id, keep: false }, 'x');
    expect(failure?.code).toBe('base_url.refused');
    expect([hits, asked]).toEqual([0, 0]);
  });
});

describe('a redirect', () => {
  const at = (server: ProviderServer) => storedAt(`${server.origin}/v1`);

  test('is an error for a test, a list of models and a call, and is not followed', async () => {
    const id = await at(redirecting);
    expect((await testKey(id)).result?.probe.status).toBe('unreachable');
    expect((await listModels()).status).toBe(200);
    const { status, headers } = await call();
    expect([status, headers['x-ownkey-error-code']]).toEqual([502, 'provider.unreadable']);
    expect(redirecting.arrived.length).toBeGreaterThanOrEqual(3);
    expect(hits).toBe(0);
  });

  test('is a failed delivery for a webhook, and is not followed', async () => {
    const { body: made } = await plane.call('POST', '/api/webhooks', company.admin, { url: `${redirecting.origin}/` });
    await plane.call('POST', `/api/webhooks/${made.id}/test`, company.admin);
    await outbox.drain();
    const { body } = await plane.call('GET', `/api/webhooks/${made.id}/deliveries`, company.admin);
    expect(body.data[0]).toMatchObject({ state: 'queued', status: 307 });
    expect([redirecting.arrived.length, hits]).toEqual([1, 0]);
  });
});
