import type { ClientRequest } from 'node:http';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { open, send } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { type RealGateway, startRealGateway } from '../../../../tests/kit/real-gateway.ts';
import { seedCompany, seedPrice, seedToken } from '../../../../tests/kit/worker-rows.ts';

const PROVIDER = 'openai';

const database = useTestDatabase();
let owner: Client;
let gateway: RealGateway;
let model: string;
let companyId: string;
let token: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  gateway = await startRealGateway(database.workerUrl);
  model = gateway.sandbox.keys.providers[PROVIDER]?.model ?? '';
  await seedPrice(owner, { slug: PROVIDER, model });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  await owner.query("DELETE FROM keys WHERE owner = 'platform'");
  companyId = await seedCompany(owner);
  ({ token } = await seedToken(owner, companyId, ['inference']));
  gateway.sandbox.clear();
  gateway.sandbox.control({ retry_after: 1 });
  await storeKey('valid', null);
});

function storeKey(outcome: 'valid' | 'rate_limited', of: string | null): Promise<string> {
  const clearKey = gateway.sandbox.keys.providers[PROVIDER]?.keys[outcome] ?? '';
  return gateway.storeKey(owner, clearKey, { companyId: of, provider: PROVIDER });
}

const body = () => ({ model: `${PROVIDER}/${model}`, messages: [{ role: 'user', content: 'Hi.' }], max_tokens: 64 });

function ask(): ClientRequest {
  const request = open('POST', `${gateway.url}/v1/chat/completions`, { token, body: body() });
  request.on('error', () => {});
  return request;
}

/** The gateway has seen that the caller left: it answers what came after. */
async function leave(request: ClientRequest): Promise<void> {
  request.destroy();
  await send('GET', `${gateway.url}/v1/models`, {});
}

/** A call that is asked for and answered now. */
async function anotherCall(): Promise<void> {
  const other = await seedCompany(owner);
  await storeKey('valid', other);
  const seeded = await seedToken(owner, other, ['inference']);
  await send('POST', `${gateway.url}/v1/chat/completions`, { token: seeded.token, body: body() });
}

const rows = async () =>
  (
    await owner.query(
      'SELECT key_source, state, error_code, cost_nano_usd FROM requests WHERE company_id = $1 ORDER BY id',
      [companyId],
    )
  ).rows;

/** Holds the ledger up; resolves once a call waits for it. */
async function holdLedger(): Promise<{ waitedFor: () => Promise<void>; letGo: () => Promise<unknown> }> {
  await owner.query('BEGIN');
  await owner.query('LOCK TABLE requests IN ACCESS EXCLUSIVE MODE');
  const waiting = async () =>
    (
      await owner.query(
        "SELECT count(*)::int AS waiting FROM pg_locks WHERE NOT granted AND relation = 'requests'::regclass",
      )
    ).rows[0].waiting;
  return {
    waitedFor: () => expect.poll(waiting).toBeGreaterThan(0),
    letGo: () => owner.query('COMMIT'),
  };
}

test('a call whose caller left before it was sent is not sent and costs nothing', async () => {
  await storeKey('valid', companyId);
  const ledger = await holdLedger();
  const request = ask();
  await ledger.waitedFor();
  await leave(request);
  await ledger.letGo();
  await expect
    .poll(rows)
    .toEqual([{ key_source: 'own', state: 'released', error_code: 'caller.gone', cost_nano_usd: null }]);
  expect(gateway.sandbox.calls()).toEqual([]);
});

test('a call whose caller left while it waited for the end of a limit is not sent again and costs nothing', async () => {
  await storeKey('rate_limited', companyId);
  const request = ask();
  await expect.poll(() => gateway.sandbox.calls().length).toBe(1);
  await leave(request);
  await expect
    .poll(rows)
    .toEqual([{ key_source: 'own', state: 'released', error_code: 'caller.gone', cost_nano_usd: null }]);
  // Its wait began earlier and is as long as that of this one, which is over when it is answered.
  await send('POST', `${gateway.url}/v1/chat/completions`, { token, body: body() });
  const { last4 } = gateway.sandbox.calls()[0] ?? {};
  expect(gateway.sandbox.calls().filter((call) => call.last4 === last4)).toHaveLength(3);
});

test('nobody else pays for a call whose caller left when its own key had failed', async () => {
  await storeKey('rate_limited', companyId);
  const request = ask();
  await expect.poll(() => gateway.sandbox.calls().length).toBe(1);
  const ledger = await holdLedger();
  await ledger.waitedFor();
  await leave(request);
  await ledger.letGo();
  await expect.poll(async () => (await rows())[0]?.state).toBe('settled');
  await anotherCall();
  expect((await rows()).map(({ key_source }) => key_source)).toEqual(['own']);
  expect((await owner.query('SELECT kind FROM notices WHERE company_id = $1', [companyId])).rows).not.toContainEqual({
    kind: 'fallback',
  });
});
