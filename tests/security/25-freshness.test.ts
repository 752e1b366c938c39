import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../kit/control-plane.ts';
import { open, send } from '../kit/gateway.ts';
import { answer, startProvider } from '../kit/provider-server.ts';
import { storeKey } from '../kit/stored-key.ts';
import { useWorkerFarm } from '../kit/worker-farm.ts';
import { seedToken } from '../kit/worker-rows.ts';

/**
 * Threat 25: what is removed, turned off or changed is obeyed by the next request on each of three worker processes, and streams on
 * a key that is gone end within a second: with notifications, with their connections cut, and with their line silent.
 */
const STREAM_END_MS = 1_000;

const plane = useControlPlane();
const provider = await startProvider((socket, { body }) => {
  if (!body.includes('"stream":true')) {
    const choice = '{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"ok"}}';
    const usage = '{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}';
    socket.write(answer(`{"id":"x","object":"chat.completion","model":"m","choices":[${choice}],"usage":${usage}}`));
    return;
  }
  // A stream that goes on until somebody ends it.
  const word = 'data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n';
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n${word}`);
});

/** The workers' line to the database for notifications, which can fall silent without closing. */
let silent = false;
const ends = new Set<net.Socket>();
const line = net.createServer((near) => {
  const { hostname, port } = new URL(plane.postgres.workerUrl);
  const far = net.connect(Number(port), hostname);
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    ends.add(from);
    from.on('error', () => {});
    from.on('data', (bytes) => silent || to.write(bytes));
    from.on('close', () => {
      ends.delete(from);
      to.destroy();
    });
  }
});
line.listen(0, '127.0.0.1');
await once(line, 'listening');

const farm = useWorkerFarm(3, () => {
  const listen = new URL(plane.postgres.workerUrl);
  const address = line.address();
  listen.host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    databaseUrl: plane.postgres.workerUrl,
    env: {
      OWNKEY_LISTEN_DATABASE_URL: listen.href,
      OWNKEY_EGRESS_ALLOW: provider.listed,
      OWNKEY_PROVIDER_OPENAI_BASE_URL: `${provider.origin}/v1`,
    },
  };
});
let owner: Client;
let company: TestCompany;
let token: { id: string; token: string };
let keyId: string;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
});
afterAll(async () => {
  await provider.close();
  line.close();
  for (const socket of ends) socket.destroy();
});
beforeEach(async () => {
  company = await plane.createCompany();
  token = await seedToken(owner, company.id, ['inference']);
  keyId = await storeKey(owner, farm.ring, 'a-clear-key-of-openai', { companyId: company.id, provider: 'openai' });
});

const body = (stream: boolean) => ({ model: 'openai/m', stream, messages: [{ role: 'user', content: 'Hello' }] });
const onEach = () =>
  Promise.all(
    farm.workers.map(async ({ url }) => {
      const { status, headers } = await send('POST', `${url}/v1/chat/completions`, {
        token: token.token,
        body: body(false),
      });
      return `${status} ${headers['x-ownkey-error-code'] ?? ''}`.trim();
    }),
  );
const three = (text: string) => [text, text, text];
const done = async (answered: Promise<{ status: number; text: string }>) => {
  const { status, text } = await answered;
  if (status >= 300) throw new Error(`${status} ${text}`);
};

const CHANGES: Record<string, { code: string; make(): Promise<void> }> = {
  'a removed key': {
    code: '424 key.missing',
    make: () => done(plane.call('DELETE', `/api/keys/${keyId}`, company.admin)),
  },
  'a key turned off': {
    code: '424 key.missing',
    make: () => done(plane.call('PATCH', `/api/keys/${keyId}`, company.admin, { enabled: false })),
  },
  'a key replaced': {
    // The row of the new version, as a worker writes it; its envelope is another worker's to read, and here there is none.
    code: '424 key.undecryptable',
    make: async () => {
      await owner.query('UPDATE ownkey.keys SET version = version + 1 WHERE id = $1', [keyId]);
    },
  },
  'a source switched': {
    code: '424 key.missing',
    make: () => done(plane.call('PUT', '/api/providers/openai/source', company.admin, { source: 'platform' })),
  },
  'consent withdrawn': {
    code: '403 ai.consent_off',
    make: () => done(plane.call('PUT', '/api/settings', company.admin, { ai_enabled: false })),
  },
  'a token revoked': {
    code: '401 auth.invalid',
    make: () => done(plane.call('DELETE', `/api/tokens/${token.id}`, company.admin)),
  },
};

/** What is wrong with notifications while the change is made. */
const LINES: Record<string, { disturb(): Promise<unknown>; restore(): void }> = {
  'with notifications': { disturb: async () => {}, restore: () => {} },
  'with their connections cut': {
    disturb: () =>
      owner.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ownkey-worker-listen'`,
      ),
    restore: () => {},
  },
  'with their line silent': {
    disturb: async () => {
      silent = true;
    },
    restore: () => {
      silent = false;
    },
  },
};
/** Every worker hears notifications again. */
const allSure = () =>
  expect
    .poll(
      async () => {
        const texts = await Promise.all(farm.workers.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()));
        return texts.filter((text) => text.includes('ownkey_notifications 1\n')).length;
      },
      { timeout: 20_000 },
    )
    .toBe(3);

describe.each(Object.keys(LINES))('%s', (name) => {
  const { disturb, restore } = LINES[name] ?? { disturb: async () => {}, restore: () => {} };

  test.each(Object.keys(CHANGES))('the next request on each of three workers obeys %s', async (change) => {
    // All three know everything about the company.
    expect(await onEach()).toEqual(three('200'));
    await allSure();
    const reached = provider.arrived.length;
    await disturb();
    try {
      await CHANGES[change]?.make();
      const answers = await onEach();
      expect(answers).toEqual(three(CHANGES[change]?.code ?? ''));
      expect(provider.arrived).toHaveLength(reached);
    } finally {
      restore();
    }
  });

  test.for(['a removed key', 'a key turned off', 'a key replaced'])(
    'streams on three workers end within a second of %s',
    async (change, { annotate }) => {
      const streams = await Promise.all(
        farm.workers.map(async ({ url }) => {
          const asked = open('POST', `${url}/v1/chat/completions`, { token: token.token, body: body(true) });
          const [response]: IncomingMessage[] = await once(asked, 'response');
          if (response === undefined) throw new Error('no answer');
          return response;
        }),
      );
      await allSure();
      await disturb();
      try {
        const changing = CHANGES[change]?.make();
        const ended = Promise.all(
          streams.map(async (response) => {
            let text = '';
            for await (const piece of response) text += piece;
            expect(text).toContain('"code":"key.removed"');
            return performance.now();
          }),
        );
        await changing;
        // From the moment the change is made: its answer is out.
        const startedAt = performance.now();
        const times = (await ended).map((at) => Math.max(0, Math.round(at - startedAt)));
        await annotate(`streams ended after ${times.join(', ')} ms`);
        expect(Math.max(...times)).toBeLessThan(STREAM_END_MS);
      } finally {
        restore();
      }
    },
  );
});
