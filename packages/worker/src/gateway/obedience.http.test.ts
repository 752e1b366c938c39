import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type GatewayUnderTest, send, startGateway } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { seedCompany, seedKey, seedToken } from '../../../../tests/kit/worker-rows.ts';

const database = useTestDatabase();
let owner: Client;
let first: GatewayUnderTest;
let second: GatewayUnderTest;
let companyId: string;
let token: string;
let keyId: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  [first, second] = await Promise.all([startGateway(database.workerUrl), startGateway(database.workerUrl)]);
});
afterAll(async () => {
  await Promise.all([first.close(), second.close()]);
});
beforeEach(async () => {
  companyId = await seedCompany(owner);
  ({ token } = await seedToken(owner, companyId, ['inference', 'act_as_user']));
  keyId = await seedKey(owner, { companyId, provider: 'openai' });
  for (const { egress } of [first, second]) {
    egress.calls.length = 0;
    egress.respond = (call) => call.answer(200, { said: 'hello', usage: { in: 3, out: 5 } });
  }
});

const chat = (more: Record<string, unknown> = {}) => ({ model: 'openai/gpt-4o', messages: [], ...more });
const call = (gateway: GatewayUnderTest, more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  send('POST', `${gateway.url}/v1/chat/completions`, { token, headers, body: chat(more) });
describe('the very next call on any worker obeys', () => {
  beforeEach(async () => {
    // Both workers know everything about this company.
    expect((await call(first)).status).toBe(200);
    expect((await call(second)).status).toBe(200);
    for (const { egress } of [first, second]) egress.calls.length = 0;
  });

  async function bothAnswer(status: number, code?: string) {
    for (const gateway of [first, second]) {
      const answer = await call(gateway);
      expect(answer.status).toBe(status);
      if (code !== undefined) {
        expect(answer.headers['x-ownkey-error-code']).toBe(code);
        expect(gateway.egress.calls).toEqual([]);
      }
    }
  }

  test('a database that went back in time (restored, or failed over to a copy) is followed at once', async () => {
    await owner.query('ALTER TABLE companies DISABLE TRIGGER USER');
    await owner.query('ALTER TABLE installation DISABLE TRIGGER USER');
    try {
      await owner.query('UPDATE companies SET config_version = config_version - 1 WHERE id = $1', [companyId]);
      await owner.query('UPDATE installation SET config_version = config_version - 1');
      await bothAnswer(200);
    } finally {
      await owner.query('UPDATE installation SET config_version = config_version + 1');
      await owner.query('ALTER TABLE companies ENABLE TRIGGER USER');
      await owner.query('ALTER TABLE installation ENABLE TRIGGER USER');
    }
  });

  test('consent turned off, and on again', async () => {
    await owner.query('UPDATE companies SET ai_enabled = false WHERE id = $1', [companyId]);
    await bothAnswer(403, 'ai.consent_off');
    await owner.query('UPDATE companies SET ai_enabled = true WHERE id = $1', [companyId]);
    await bothAnswer(200);
  });

  test('a removed key', async () => {
    await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
    await bothAnswer(424, 'key.missing');
  });

  test('a source switched to a platform that has no key', async () => {
    await owner.query(`INSERT INTO sources (company_id, provider, source) VALUES ($1, 'openai', 'platform')`, [
      companyId,
    ]);
    await bothAnswer(424, 'key.missing');
  });

  test('a key allowed for other models only', async () => {
    await owner.query(`UPDATE keys SET allowed_models = '{gpt-4o-mini}' WHERE id = $1`, [keyId]);
    await bothAnswer(403, 'model.not_allowed');
  });

  test('a plan without own keys', async () => {
    await owner.query(`UPDATE companies SET plan = 'free' WHERE id = $1`, [companyId]);
    await bothAnswer(402, 'plan.upgrade_required');
  });

  test('a revoked token', async () => {
    await owner.query('DELETE FROM tokens WHERE company_id = $1', [companyId]);
    await bothAnswer(401, 'auth.invalid');
  });

  test('a revoked token although another token of the company keeps the memory warm', async () => {
    const other = await seedToken(owner, companyId, ['inference']);
    const body = chat();
    expect((await send('POST', `${first.url}/v1/chat/completions`, { token: other.token, body })).status).toBe(200);
    await owner.query('DELETE FROM tokens WHERE id = $1', [other.id]);
    expect((await call(first)).status).toBe(200);
    expect((await send('POST', `${first.url}/v1/chat/completions`, { token: other.token, body })).status).toBe(401);
  });

  test('a company that is gone', async () => {
    await owner.query('DELETE FROM companies WHERE id = $1', [companyId]);
    await bothAnswer(401, 'auth.invalid');
  });

  test('a new key', async () => {
    await owner.query('DELETE FROM keys WHERE id = $1', [keyId]);
    await bothAnswer(424, 'key.missing');
    const replaced = await seedKey(owner, { companyId, provider: 'openai' });
    await bothAnswer(200);
    expect(second.egress.calls[0]?.call.key.id).toBe(replaced);
  });
});
