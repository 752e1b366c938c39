import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useTestDatabase } from '../kit/postgres.ts';
import { answer, startProvider } from '../kit/provider-server.ts';
import { sendAtOnce } from '../kit/start-barrier.ts';
import { storeKey } from '../kit/stored-key.ts';
import { useWorkerFarm } from '../kit/worker-farm.ts';
import { seedCompany, seedPrice, seedToken } from '../kit/worker-rows.ts';

/**
 * Threat 16, in small: calls that start at once on several workers pass no cap. Races of thousands, crashes and clocks are in
 * `tests/chaos/cap-race.test.ts`, `cap-crash.test.ts` and `clock-skew.test.ts`.
 */
const CALLS = 200;
const PAID_FOR = 30;
const NANO_USD_A_CALL = 10_000_000;

const choice = '{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"ok"}}';
const usage = '{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}';
const provider = await startProvider((socket) =>
  socket.write(answer(`{"id":"x","object":"chat.completion","model":"m","choices":[${choice}],"usage":${usage}}`)),
);
const database = useTestDatabase();
const farm = useWorkerFarm(4, () => ({
  databaseUrl: database.workerUrl,
  env: {
    OWNKEY_EGRESS_ALLOW: provider.listed,
    OWNKEY_PROVIDER_OPENAI_BASE_URL: `${provider.origin}/v1`,
  },
}));
let owner: Client;

beforeAll(async () => {
  owner = await database.connect('owner');
});
afterAll(() => provider.close());

test('of 200 calls at once on four workers the provider sees exactly those the cap pays for', async () => {
  const companyId = await seedCompany(owner);
  const { token } = await seedToken(owner, companyId, ['inference']);
  await storeKey(owner, farm.ring, 'a-clear-key-of-openai', { companyId, provider: 'openai' });
  await seedPrice(owner, { slug: 'openai', model: 'm', input: 0, output: 0, request: NANO_USD_A_CALL });
  await owner.query(
    `INSERT INTO ownkey.caps (company_id, subject, period, amount_nano_usd) VALUES ($1, 'company', 'day', $2)`,
    [companyId, PAID_FOR * NANO_USD_A_CALL],
  );
  const answers = await sendAtOnce(
    Array.from({ length: CALLS }, (_, i) => ({
      url: `${farm.workers[i % farm.workers.length]?.url}/v1/chat/completions`,
      headers: { authorization: `Bearer ${token}` },
      body: { model: 'openai/m', max_tokens: 8, messages: [{ role: 'user', content: 'Hello' }] },
    })),
  );
  const of = (status: number) => answers.filter((one) => one.status === status);
  expect([of(200).length, of(402).length]).toEqual([PAID_FOR, CALLS - PAID_FOR]);
  expect(provider.arrived).toHaveLength(PAID_FOR);
  expect(new Set(of(402).map(({ headers }) => headers['x-ownkey-error-code']))).toEqual(
    new Set(['spend.day_cap_reached']),
  );
});
