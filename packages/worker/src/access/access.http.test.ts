import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type GatewayUnderTest, send, startGateway } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { seedCompany, seedKey, seedToken, seedUser } from '../../../../tests/kit/worker-rows.ts';

const database = useTestDatabase();
let owner: Client;
let gateway: GatewayUnderTest;
let companyId: string;
let externalId: string;
let companies = 0;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  gateway = await startGateway(database.workerUrl);
  gateway.egress.respond = (call) => call.answer(200, {});
});
afterAll(() => gateway.close());
beforeEach(async () => {
  companies += 1;
  externalId = `host-${companies}`;
  companyId = await seedCompany(owner, { externalId });
  await seedKey(owner, { companyId, provider: 'openai' });
  gateway.egress.calls.length = 0;
});

const call = (token: string, headers: Record<string, string> = {}): Promise<Answer> =>
  send('POST', `${gateway.url}/v1/chat/completions`, { token, headers, body: { model: 'openai/gpt-4o' } });
const lastRow = async () =>
  (await owner.query('SELECT * FROM requests WHERE company_id = $1 ORDER BY created_at DESC LIMIT 1', [companyId]))
    .rows[0];

describe('a company token', () => {
  test('acts as the company', async () => {
    const { id, token } = await seedToken(owner, companyId, ['inference']);
    expect((await call(token)).status).toBe(200);
    expect(await lastRow()).toMatchObject({ company_id: companyId, user_id: null, token_id: id });
  });

  test('may name its own company, by either id', async () => {
    const { token } = await seedToken(owner, companyId, ['inference']);
    expect((await call(token, { 'x-ownkey-company': companyId })).status).toBe(200);
    expect((await call(token, { 'x-ownkey-company': externalId })).status).toBe(200);
  });

  test('naming another company gets the very bytes that a company which is not there gets', async () => {
    const other = await seedCompany(owner);
    const { token } = await seedToken(owner, companyId, ['inference']);
    const [foreign, nobody] = [
      await call(token, { 'x-ownkey-company': other }),
      await call(token, { 'x-ownkey-company': 'co_nobody' }),
    ];
    expect(foreign.status).toBe(404);
    expect(foreign.text).toBe(nobody.text);
    expect(gateway.egress.calls).toEqual([]);
  });

  test('names users with act_as_user only', async () => {
    const userId = await seedUser(owner, companyId, 'u-1');
    const without = await seedToken(owner, companyId, ['inference']);
    const may = await seedToken(owner, companyId, ['inference', 'act_as_user']);
    expect(await call(without.token, { 'x-ownkey-user': 'u-1' })).toMatchObject({
      status: 403,
      json: { error: { code: 'auth.act_as_user' } },
    });
    for (const name of ['u-1', userId]) {
      expect((await call(may.token, { 'x-ownkey-user': name })).status).toBe(200);
      expect(await lastRow()).toMatchObject({ user_id: userId });
    }
  });

  test('does not find a user of another company, nor makes one', async () => {
    const foreign = await seedUser(owner, await seedCompany(owner), 'u-2');
    const { token } = await seedToken(owner, companyId, ['inference', 'act_as_user']);
    const answers = [await call(token, { 'x-ownkey-user': foreign }), await call(token, { 'x-ownkey-user': 'u-2' })];
    expect(answers.map((answer) => answer.status)).toEqual([404, 404]);
    expect((await owner.query('SELECT FROM users WHERE company_id = $1', [companyId])).rowCount).toBe(0);
  });

  test('needs the scope inference, which company:admin implies', async () => {
    const reader = await seedToken(owner, companyId, ['usage:read']);
    const admin = await seedToken(owner, companyId, ['company:admin']);
    expect(await call(reader.token)).toMatchObject({ status: 403, json: { error: { code: 'auth.scope' } } });
    expect((await call(admin.token)).status).toBe(200);
  });

  test('that has expired is as good as none, from one call to the next', async () => {
    const { id, token } = await seedToken(owner, companyId, ['inference']);
    expect((await call(token)).status).toBe(200);
    await owner.query(`UPDATE tokens SET expires_at = now() - interval '1 second' WHERE id = $1`, [id]);
    expect(await call(token)).toMatchObject({ status: 401, json: { error: { code: 'auth.invalid' } } });
  });
});

describe('a host token', () => {
  test('names its company, by either id', async () => {
    const { token } = await seedToken(owner, null, ['host']);
    expect(await call(token)).toMatchObject({ status: 400, json: { error: { code: 'auth.company_required' } } });
    for (const name of [companyId, externalId]) {
      expect((await call(token, { 'x-ownkey-company': name })).status).toBe(200);
      expect(await lastRow()).toMatchObject({ company_id: companyId });
    }
    expect((await call(token, { 'x-ownkey-company': 'co_nobody' })).status).toBe(404);
  });

  test('naming an unknown user makes a member, once, however many calls come at once', async () => {
    const { token } = await seedToken(owner, null, ['host']);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => call(token, { 'x-ownkey-company': companyId, 'x-ownkey-user': 'new-1' })),
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array(8).fill(200));
    const { rows } = await owner.query('SELECT id, role FROM users WHERE company_id = $1', [companyId]);
    expect(rows).toMatchObject([{ role: 'member' }]);
    expect(await lastRow()).toMatchObject({ user_id: rows[0].id });
  });

  test('naming an id of ours that is not there makes nobody', async () => {
    const { token } = await seedToken(owner, null, ['host']);
    const gone = await seedUser(owner, companyId);
    await owner.query('DELETE FROM users WHERE id = $1', [gone]);
    expect((await call(token, { 'x-ownkey-company': companyId, 'x-ownkey-user': gone })).status).toBe(404);
    expect((await owner.query('SELECT FROM users WHERE company_id = $1', [companyId])).rowCount).toBe(0);
  });

  test('that is revoked is refused by the very next call', async () => {
    const { id, token } = await seedToken(owner, null, ['host']);
    expect((await call(token, { 'x-ownkey-company': companyId })).status).toBe(200);
    await owner.query('DELETE FROM tokens WHERE id = $1', [id]);
    expect((await call(token, { 'x-ownkey-company': companyId })).status).toBe(401);
  });

  test("an operator's token without the scope host reaches no company", async () => {
    const { token } = await seedToken(owner, null, ['operator']);
    expect((await call(token, { 'x-ownkey-company': companyId })).status).toBe(403);
  });
});

describe('personal keys', () => {
  test('serve their user, whoever names them, and nobody else', async () => {
    const [anna, ben] = [await seedUser(owner, companyId, 'anna'), await seedUser(owner, companyId, 'ben')];
    const personal = await seedKey(owner, { companyId, userId: anna, provider: 'openai', last4: 'anna' });
    const { token } = await seedToken(owner, companyId, ['inference', 'act_as_user']);
    const embed = await seedToken(owner, companyId, ['inference'], { userId: anna, kind: 'embed' });
    const used = async (answer: Promise<Answer>) => {
      expect((await answer).status).toBe(200);
      return gateway.egress.calls.at(-1)?.call.key.id;
    };
    expect(await used(call(token, { 'x-ownkey-user': 'anna' }))).toBe(personal);
    expect(await used(call(embed.token))).toBe(personal);
    expect(await used(call(token, { 'x-ownkey-user': ben }))).not.toBe(personal);
    expect(await used(call(token))).not.toBe(personal);
    expect((await call(embed.token, { 'x-ownkey-user': ben })).status).toBe(403);
  });

  test("another user's endpoint is not there", async () => {
    const [anna, ben] = [await seedUser(owner, companyId), await seedUser(owner, companyId)];
    await seedKey(owner, {
      companyId,
      userId: anna,
      provider: 'custom',
      slug: 'annas-box',
      baseUrl: 'https://box.example/v1',
    });
    const { token } = await seedToken(owner, companyId, ['inference', 'act_as_user']);
    const ask = (user: string, model: string) =>
      send('POST', `${gateway.url}/v1/chat/completions`, {
        token,
        headers: { 'x-ownkey-user': user },
        body: { model },
      });
    expect((await ask(anna, 'annas-box/m')).status).toBe(200);
    const [foreign, nobody] = [await ask(ben, 'annas-box/m'), await ask(ben, 'nobodys-box/m')];
    expect(foreign.status).toBe(400);
    expect(foreign.text.replaceAll('annas', 'nobodys')).toBe(nobody.text);
  });
});
