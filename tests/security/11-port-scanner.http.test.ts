import { newId } from '@ownkey/contract/ids';
import type { Lookup } from '@ownkey/guard/resolve';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../kit/control-plane.ts';
import { testRing } from '../kit/egress.ts';
import { connectPayload, type KeyWorker, runJob, startKeyWorker } from '../kit/key-jobs.ts';
import { answer, type ProviderServer, startProvider } from '../kit/provider-server.ts';

/**
 * Threat 11: a key test tells nothing about what stands at an address it cannot use, neither by its words nor by its time, and only a
 * few can be made. The time is shown by construction: whatever the place, the answer waits for one moment of the worker's clock,
 * and nothing of it is written before.
 */
const UNREACHABLE_MS = 400;

/** What is asked of the clock, and what the ledger holds at that moment. */
const waits: { untilMs: number; rows: unknown[] }[] = [];
const clock = {
  nowMs: () => 1_000,
  until: async (untilMs: number): Promise<void> => {
    const { rows } = await owner.query('SELECT state FROM ownkey.requests WHERE company_id = $1', [company.id]);
    waits.push({ untilMs, rows });
  },
};
const closed = await startProvider(() => {});
await closed.close();
const silent = await startProvider(() => {});
const mail = await startProvider((socket) => socket.end('220 mail.example ESMTP\r\n'));
const cut = await startProvider((socket) => socket.destroy());
const good = await startProvider((socket) => socket.write(answer('{"data":[]}')));
/** Names and where they lead; all but the last two to this machine. */
const lookup: Lookup = async (host) => {
  if (host === 'unknown.example.dev') throw new Error('ENOTFOUND');
  return [{ address: host === 'inside.example.dev' ? '169.254.169.254' : '127.0.0.1' }];
};
const at = ({ port }: ProviderServer, scheme = 'https') => `${scheme}://host.example.dev:${port}/v1`;
const PLACES: Record<string, string> = {
  'a closed port': at(closed),
  'a port that says nothing': at(silent),
  'a port that speaks something else': at(mail),
  'a server that hangs up': at(cut),
  'a closed port, without TLS': at(closed, 'http'),
  'a port that says nothing, without TLS': at(silent, 'http'),
  'a port that speaks something else, without TLS': at(mail, 'http'),
  'a name that leads to the metadata service': 'https://inside.example.dev/v1',
  'a name that nobody knows': 'https://unknown.example.dev/v1',
};
const LISTED = [closed, silent, mail, cut].map(({ port }) => `host.example.dev:${port}`).concat(good.listed);

const plane = useControlPlane({ OWNKEY_EGRESS_ALLOW: LISTED.join() }, { lookup });
let owner: Client;
const workers: KeyWorker[] = [];
let company: TestCompany;

beforeAll(async () => {
  owner = await plane.postgres.connect('owner');
  const ring = testRing();
  for (let i = 0; i < 2; i++) {
    const options = { listed: LISTED.join(), lookup, ring, unreachableMs: UNREACHABLE_MS, clock };
    workers.push(await startKeyWorker(plane.postgres.workerUrl, options));
  }
});
afterAll(async () => {
  for (const worker of workers) await worker.close();
  for (const server of [silent, mail, cut, good]) await server.close();
});
beforeEach(async () => {
  company = await plane.createCompany();
  waits.length = 0;
});

const endpoint = (base_url: string, more: object = {}) =>
  connectPayload('custom', { base_url, slug: 'mine', preset: 'openai-compatible', keyless: true, ...more });
const workerOf = (i: number): KeyWorker => {
  const worker = workers[i];
  if (worker === undefined) throw new Error('no worker');
  return worker;
};

/** Everything a tenant can read of what was done, without ids and moments. */
async function told(job: { state: string; result: unknown; failure: unknown; steps: unknown }) {
  const audit = await plane.call('GET', '/api/audit?kind=models', company.admin);
  const events = await plane.call('GET', '/api/audit', company.admin);
  const keys = await plane.call('GET', '/api/keys', company.admin);
  const models = await plane.call('GET', '/api/models', company.admin);
  const all = [job.state, job.result, job.failure, job.steps, audit.body, events.body, keys.body, models.body];
  const own = /^(?:\d{4}-\d\d-\d\dT.*Z|(?:key|req|evt|job|co|usr|ntc|https?:)[_/].*)$/;
  return JSON.stringify(all, (name, value: unknown) =>
    UNLIKE.has(name) || (typeof value === 'string' && own.test(value)) ? name : value,
  );
}
/** What differs by itself between two of the same. */
const UNLIKE = new Set(['ms', 'seq', 'etag', 'id', 'next_cursor']);

describe('a place that cannot be used', () => {
  const seen: Record<string, string[]> = { connect: [], test: [] };

  test.each(Object.keys(PLACES))('is tested in one time, and nothing is written before: %s', async (place) => {
    const payload = endpoint(PLACES[place] ?? '');
    const connected = await runJob(workerOf(0), owner, 'key.connect', company.id, payload);
    expect(connected.result?.probe).toMatchObject({ status: 'unreachable', latency_ms: null });
    seen.connect?.push(await told(connected));
    const tested = await runJob(workerOf(0), owner, 'key.test', company.id, { key_id: payload.key_id });
    expect(tested.result?.probe.status).toBe('unreachable');
    seen.test?.push(await told(tested));
    const untilMs = clock.nowMs() + UNREACHABLE_MS;
    expect(waits).toEqual([
      { untilMs, rows: [{ state: 'reserved' }] },
      { untilMs, rows: expect.arrayContaining([{ state: 'settled' }, { state: 'reserved' }]) },
    ]);
  });

  test.each(['connect', 'test'])('is told of in the same words, whatever it is: %s', (way) => {
    expect(seen[way]).toHaveLength(Object.keys(PLACES).length);
    expect(seen[way]?.[0]).toContain('provider.unreachable');
    expect(new Set(seen[way]).size).toBe(1);
  });

  test('leaves one row a test, which shows neither how long it took nor whether anything was sent', async () => {
    for (const place of ['a closed port', 'a port that says nothing, without TLS']) {
      await runJob(workerOf(0), owner, 'key.connect', company.id, endpoint(PLACES[place] ?? '', { save: false }));
    }
    const { rows } = await owner.query(
      `SELECT state, error_code, http_status, latency_ms, ttfb_ms, cost_nano_usd FROM ownkey.requests WHERE company_id = $1`,
      [company.id],
    );
    const row = { state: 'settled', error_code: 'provider.unreachable', http_status: null, latency_ms: null };
    expect(rows).toEqual(Array.from({ length: 2 }, () => ({ ...row, ttfb_ms: null, cost_nano_usd: '0' })));
  });
});

describe('tests of a company', () => {
  /** Connects an endpoint by the API; worker `i` is the one that is woken for it. */
  async function connect(who: TestCompany, i: number) {
    const body = { provider: 'custom', slug: 'mine', base_url: `${good.origin}/v1`, save: false };
    const asked = plane.call('POST', '/api/keys', who.admin, body);
    const look = () => {
      workerOf(i).keys.jobs.wake();
      return Promise.race([asked, null]);
    };
    await expect.poll(look, { timeout: 10_000 }).not.toBeNull();
    return asked;
  }

  test('at endpoints of its own: the sixth within a minute waits, whichever worker takes it, and reaches nothing', async () => {
    for (const i of [0, 1, 0, 1, 0]) expect((await connect(company, i)).status).toBe(200);
    good.arrived.length = 0;
    const { status, headers, body } = await connect(company, 1);
    expect([status, body.code]).toEqual([429, 'probe.limited']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(good.arrived).toEqual([]);
    const { body: audit } = await plane.call('GET', '/api/audit?kind=models', company.admin);
    expect(audit.data).toHaveLength(5);
    // Another company is not held back by it.
    expect((await connect(await plane.createCompany(), 0)).status).toBe(200);
  });

  test('at providers of the catalogue: the sixty-first within a minute waits', async () => {
    const payload = JSON.stringify({ provider: 'openai' });
    for (let i = 0; i < 60; i++) {
      await owner.query(
        `INSERT INTO ownkey.worker_jobs (id, kind, company_id, payload, state) VALUES ($1, 'key.connect', $2, $3, 'done')`,
        [newId('job'), company.id, payload],
      );
    }
    const job = await runJob(workerOf(0), owner, 'key.connect', company.id, connectPayload('openai'), 'x');
    expect(job.failure).toMatchObject({ code: 'probe.limited', facts: { seconds: expect.any(Number) } });
    // Those at endpoints of its own are counted apart.
    const apart = endpoint(`${good.origin}/v1`, { save: false });
    expect((await runJob(workerOf(0), owner, 'key.connect', company.id, apart)).state).toBe('done');
  });
});
