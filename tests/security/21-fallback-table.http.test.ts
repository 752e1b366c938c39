import type { FallbackReason } from '@ownkey/contract/fallback';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { send } from '../kit/gateway.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { type RealGateway, startRealGateway } from '../kit/real-gateway.ts';
import { seedCompany, seedPrice, seedToken } from '../kit/worker-rows.ts';

/**
 * The whole table of what happens when an own key fails, against the sandbox's providers: every reason, what was decided about it,
 * credits, and whether a byte of the answer had come. Expected payer, marks, notices, rows, credits and calls are asserted outright.
 */
const PROVIDER = 'mistral';
/** Longer than a loaded machine needs for the sandbox's head, shorter than a slow key's first byte. */
const HEAD_MS = 1_000;

const FAILURES = [
  { reason: 'key_rejected', outcome: 'invalid', status: 401 },
  { reason: 'no_credit', outcome: 'no_credit', status: 402 },
  { reason: 'rate_limited', outcome: 'rate_limited', status: 429 },
  { reason: 'outage', outcome: 'outage', status: 503 },
  { reason: 'time_out', outcome: 'slow', status: 504 },
] as const satisfies readonly { reason: FallbackReason; outcome: string; status: number }[];

/** What was decided: by nobody, by the company, by the host, and by a company that requires zero retention. */
const POLICIES = [
  { name: 'nobody chose', follows: true },
  { name: 'the company chose the shared key', row: 'platform', follows: true },
  { name: 'the company chose to stop', row: 'stop', follows: false },
  { name: 'the host has every company stop', row: 'platform', choice: 'stop', follows: false },
  { name: 'the host has every company go on', row: 'stop', choice: 'platform', follows: true },
  { name: 'zero retention, and the shared key does not promise it', zero: true, follows: false },
  { name: 'zero retention, and the shared key promises it', zero: true, promises: true, follows: true },
] as const satisfies readonly {
  name: string;
  row?: 'stop' | 'platform';
  choice?: 'stop' | 'platform';
  zero?: boolean;
  promises?: boolean;
  follows: boolean;
}[];

const database = useTestDatabase();
let owner: Client;
let gateway: RealGateway;
let model: string;
let platformLast4: string;
let platformKey: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  await owner.query("INSERT INTO plans (id, name, byok, credits_nano_usd) VALUES ('spent', 'Spent', true, 0)");
  gateway = await startRealGateway(database.workerUrl, { headersTimeoutMs: HEAD_MS });
  const made = gateway.sandbox.keys.providers[PROVIDER];
  if (!made) throw new Error(`the sandbox has no ${PROVIDER}`);
  model = made.model;
  await seedPrice(owner, { slug: PROVIDER, model });
  platformLast4 = made.keys.valid.slice(-4);
  platformKey = await gateway.storeKey(owner, made.keys.valid, { provider: PROVIDER });
});
afterAll(() => gateway.close());

interface Scene {
  companyId: string;
  token: string;
  keyId: string;
  last4: string;
}

async function scene(outcome: string, policy: (typeof POLICIES)[number], credits: boolean): Promise<Scene> {
  const { row, choice, zero, promises } = { row: null, choice: 'free', zero: false, promises: false, ...policy };
  const companyId = await seedCompany(owner, { plan: credits ? 'business' : 'spent' });
  await owner.query('UPDATE companies SET zero_retention = $2 WHERE id = $1', [companyId, zero]);
  await owner.query('UPDATE keys SET zero_retention = $2 WHERE id = $1', [platformKey, promises]);
  await owner.query("UPDATE installation SET settings = jsonb_build_object('policies', $1::jsonb)", [
    JSON.stringify({ on_failure: { choice } }),
  ]);
  if (row !== null) {
    await owner.query("INSERT INTO sources (company_id, provider, source, on_failure) VALUES ($1, $2, 'own', $3)", [
      companyId,
      PROVIDER,
      row,
    ]);
  }
  const { token } = await seedToken(owner, companyId, ['inference']);
  const keys: Record<string, string> = { ...gateway.sandbox.keys.providers[PROVIDER]?.keys };
  const clearKey = keys[outcome] ?? '';
  const keyId = await gateway.storeKey(owner, clearKey, { companyId, provider: PROVIDER });
  gateway.sandbox.clear();
  gateway.sandbox.control({ retry_after: 0 });
  return { companyId, token, keyId, last4: clearKey.slice(-4) };
}

const ask = (token: string, stream: boolean) =>
  send('POST', `${gateway.url}/v1/chat/completions`, {
    token,
    body: { model: `${PROVIDER}/${model}`, messages: [{ role: 'user', content: 'Hi.' }], max_tokens: 64, stream },
  });

async function rowsOf(companyId: string) {
  const { rows } = await owner.query(
    `SELECT id, key_source, key_id, fallback_reason, fallback_for, after_id, state, error_code, cost_nano_usd::float8 AS cost
     FROM requests WHERE company_id = $1 AND kind = 'call' ORDER BY created_at, id`,
    [companyId],
  );
  return rows;
}

async function noticesOf(companyId: string) {
  const { rows } = await owner.query(
    "SELECT key_id, reason, ended_at FROM notices WHERE company_id = $1 AND kind = 'fallback'",
    [companyId],
  );
  return rows;
}

async function creditsOf(companyId: string): Promise<number> {
  const { rows } = await owner.query(
    "SELECT coalesce(sum(settled + reserved), 0)::float8 AS used FROM meters WHERE company_id = $1 AND meter = 'credits'",
    [companyId],
  );
  return rows[0].used;
}

const cases = FAILURES.flatMap(
  (failure) =>
    POLICIES.flatMap((policy) =>
      [true, false].flatMap((credits) => [false, true].map((stream) => ({ failure, policy, credits, stream }))),
    ),
  // A time-out takes its time: where nothing may follow, credits do not matter, which the other reasons show.
).filter(({ failure, policy, credits }) => failure.reason !== 'time_out' || policy.follows || credits);

describe.each(cases)('$failure.reason; $policy.name; credits $credits; stream $stream', (one) => {
  const { failure, policy, credits, stream } = one;
  const falls = policy.follows && credits;

  test(
    falls ? 'the shared key answers, marked and metered' : 'the own key’s failure is the answer, and nobody else pays',
    async () => {
      const { companyId, token, keyId, last4 } = await scene(failure.outcome, policy, credits);
      const answer = await ask(token, stream);

      expect(answer.status).toBe(falls ? 200 : failure.status);
      expect(answer.headers['x-ownkey-key-source']).toBe(falls ? 'platform' : 'own');
      expect(answer.headers['x-ownkey-fallback']).toBe(falls ? failure.reason : undefined);
      expect(answer.headers['x-ownkey-key-last4']).toBe(falls ? undefined : last4);

      // One retry on the own key where its limit ends at once, and only where somebody else would pay instead.
      const tries = failure.reason === 'rate_limited' && policy.follows ? 2 : 1;
      const reached = gateway.sandbox.calls().map((call) => call.last4);
      expect(reached).toEqual([...Array.from({ length: tries }, () => last4), ...(falls ? [platformLast4] : [])]);

      const rows = await rowsOf(companyId);
      expect(rows[0]).toMatchObject({ key_source: 'own', key_id: keyId, fallback_reason: null, fallback_for: null });
      expect(rows[0].error_code).not.toBeNull();
      expect(rows.length).toBe(falls ? 2 : 1);
      if (falls) {
        expect(rows[1]).toMatchObject({
          id: answer.headers['x-ownkey-request-id'],
          key_source: 'platform',
          key_id: platformKey,
          fallback_reason: failure.reason,
          fallback_for: keyId,
          after_id: rows[0].id,
          state: 'settled',
          error_code: null,
        });
        expect(rows[1].cost).toBeGreaterThan(0);
      }
      expect(await creditsOf(companyId)).toBe(falls ? rows[1].cost : 0);
      expect(await noticesOf(companyId)).toEqual(
        falls ? [{ key_id: keyId, reason: failure.reason, ended_at: null }] : [],
      );
    },
  );
});

describe.each([false, true])('after the first byte of an answer; stream %s', (stream) => {
  test('a connection that breaks ends the call, and nobody else pays', async () => {
    const { companyId, token, last4 } = await scene('cut', POLICIES[1], true);
    const answer = send('POST', `${gateway.url}/v1/chat/completions`, {
      token,
      body: { model: `${PROVIDER}/${model}`, messages: [{ role: 'user', content: 'Hi.' }], max_tokens: 64, stream },
    });
    const { headers } = await answer;
    expect(headers).toMatchObject({ 'x-ownkey-key-source': 'own', 'x-ownkey-key-last4': last4 });
    expect(gateway.sandbox.calls().map((call) => call.last4)).toEqual([last4]);
    const rows = await rowsOf(companyId);
    expect(rows).toMatchObject([{ key_source: 'own', error_code: 'provider.cut' }]);
    expect(await noticesOf(companyId)).toEqual([]);
    expect(await creditsOf(companyId)).toBe(0);
  });
});
