import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';

const plane = useControlPlane();
let company: TestCompany;
let owner: Client;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  await owner.query(
    `INSERT INTO keys (id, owner, provider, destination) VALUES ($1, 'platform', 'openai', 'catalogue:openai')`,
    [newId('key')],
  );
});
beforeEach(async () => {
  company = await plane.createCompany();
});

interface KeyOptions {
  provider?: string;
  user?: string;
  slug?: string;
  position?: number;
}

/** A stored key with an envelope, as the worker leaves it. */
async function addKey({ provider = 'openai', user, slug, position = 0 }: KeyOptions = {}): Promise<string> {
  const id = newId('key');
  await owner.query(
    `INSERT INTO keys (id, owner, company_id, user_id, provider, slug, base_url, destination, position, status, last4, changed_by,
       status_detail)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'valid', 'abcd', $10, '{"provider_message": "words"}')`,
    [
      id,
      user === undefined ? 'company' : 'user',
      company.id,
      user ?? null,
      provider,
      slug ?? null,
      slug === undefined ? null : 'https://llm.example.com/v1',
      slug === undefined ? `catalogue:${provider}` : 'https://llm.example.com',
      position,
      company.adminId,
    ],
  );
  await owner.query(
    `INSERT INTO envelopes (key_id, version, kek_id, wrapped_dek, commitment, body) VALUES ($1, 1, 'kek_1', 'a', 'b', 'c')`,
    [id],
  );
  await owner.query(
    `INSERT INTO sources (company_id, provider, source) VALUES ($1, $2, 'own') ON CONFLICT DO NOTHING`,
    [company.id, slug ?? provider],
  );
  return id;
}

const count = async (table: string, column: string, id: string): Promise<number> =>
  (await owner.query(`SELECT 1 FROM ${table} WHERE ${column} = $1`, [id])).rowCount ?? 0;
const configVersion = async (): Promise<number> =>
  Number(
    (await owner.query('SELECT config_version FROM companies WHERE id = $1', [company.id])).rows[0].config_version,
  );
const providerState = async (id: string) =>
  (await plane.call('GET', '/api/providers', company.admin)).body.data.find((item: { id: string }) => item.id === id);
const events = async () => (await plane.call('GET', '/api/audit', company.admin)).body.data;

test.each([
  ['valid', 'own'],
  ['limited', 'own'],
  ['rate_limited', 'own'],
  ['unreachable', 'own'],
  ['invalid', 'platform'],
  ['no_credit', 'platform'],
  ['undecryptable', null],
])('with an own key that is %s the next call is paid by: %s', async (status, payer) => {
  const id = await addKey();
  await owner.query('UPDATE keys SET status = $2 WHERE id = $1', [id, status]);
  expect((await providerState('openai')).payer).toBe(payer);
});

describe('changing a key', () => {
  test('keeps what is not named, says who did it, and reaches the next call', async () => {
    const id = await addKey();
    const before = await configVersion();
    const answer = await plane.call('PATCH', `/api/keys/${id}`, company.admin, { enabled: false, label: 'Backup' });
    expect(answer.body).toMatchObject({ enabled: false, label: 'Backup', allowed_models: null, changed_by: 'Ana' });
    expect(await configVersion()).toBeGreaterThan(before);
    expect((await events())[0]).toMatchObject({ kind: 'key.changed', actor_name: 'Ana', key_id: id, last4: 'abcd' });
  });

  test('on a state somebody changed meanwhile is refused with who and when, and changes nothing', async () => {
    const id = await addKey();
    const { body } = await plane.call('GET', `/api/keys/${id}`, company.admin);
    await plane.call('PATCH', `/api/keys/${id}`, { ...company.admin, 'if-match': body.etag }, { label: 'first' });
    const late = await plane.call(
      'PATCH',
      `/api/keys/${id}`,
      { ...company.admin, 'if-match': body.etag },
      { label: 'second' },
    );
    expect([late.status, late.body.code, late.body.who]).toEqual([409, 'conflict.changed', 'Ana']);
    expect(new Date(late.body.at).getTime()).not.toBeNaN();
    expect((await plane.call('GET', `/api/keys/${id}`, company.admin)).body.label).toBe('first');
    const removed = await plane.call('DELETE', `/api/keys/${id}`, { ...company.admin, 'if-match': body.etag });
    expect(removed.status).toBe(409);
  });

  test('without If-Match the last write wins', async () => {
    const id = await addKey();
    await plane.call('PATCH', `/api/keys/${id}`, company.admin, { label: 'first' });
    expect((await plane.call('PATCH', `/api/keys/${id}`, company.admin, { label: 'second' })).body.label).toBe(
      'second',
    );
  });

  test('moving one keeps the order of the others', async () => {
    const [a, b, c] = [await addKey({ position: 0 }), await addKey({ position: 1 }), await addKey({ position: 2 })];
    await plane.call('PATCH', `/api/keys/${c}`, company.admin, { order: 0 });
    const list = (await plane.call('GET', '/api/keys?provider=openai', company.admin)).body.data;
    expect(list.map((key: { id: string }) => key.id)).toEqual([c, a, b]);
  });

  test('is not for members, who read company keys without what the provider said', async () => {
    const id = await addKey();
    const answer = await plane.call('PATCH', `/api/keys/${id}`, company.member, { label: 'mine' });
    expect([answer.status, answer.body.code]).toEqual([403, 'auth.role']);
    const seen = await plane.call('GET', `/api/keys/${id}`, company.member);
    expect(seen.body.status_detail).toEqual({});
    expect((await plane.call('GET', `/api/keys/${id}`, company.admin)).body.status_detail.provider_message).toBe(
      'words',
    );
  });

  test.each([
    [{ label: 'x'.repeat(201) }],
    [{ order: -1 }],
    [{ allowed_models: [''] }],
    [{ status: 'valid' }],
    [{ enabled: 'yes' }],
  ])('refuses %j', async (body) => {
    const answer = await plane.call('PATCH', `/api/keys/${await addKey()}`, company.admin, body);
    expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
  });
});

describe('removing a key', () => {
  test('the last one that is on moves the source to the shared key in the same step, and the envelope goes with it', async () => {
    const id = await addKey();
    const answer = await plane.call('DELETE', `/api/keys/${id}`, company.admin);
    expect(answer.body).toMatchObject({ id, removed: true, next_payer: { source: 'platform', key: null } });
    expect(await count('keys', 'id', id)).toBe(0);
    expect(await count('envelopes', 'key_id', id)).toBe(0);
    expect((await providerState('openai')).source).toMatchObject({ source: 'platform', set: true });
    expect((await events()).map(({ kind }: { kind: string }) => kind)).toEqual(['source.changed', 'key.removed']);
  });

  test('with another one on leaves the source, and that one pays', async () => {
    const id = await addKey();
    const other = await addKey({ position: 1 });
    const impact = await plane.call('GET', `/api/keys/${id}/impact`, company.admin);
    const answer = await plane.call('DELETE', `/api/keys/${id}`, company.admin);
    expect(answer.body.next_payer).toMatchObject({ source: 'own', key: { id: other } });
    expect(impact.body.next_payer).toEqual(answer.body.next_payer);
    expect((await providerState('openai')).source.source).toBe('own');
  });

  test('where there is no shared key leaves the source: calls then fail, nobody else pays', async () => {
    const id = await addKey({ provider: 'groq' });
    const answer = await plane.call('DELETE', `/api/keys/${id}`, company.admin);
    expect(answer.body.next_payer).toEqual({ source: null, key: null });
    expect(await providerState('groq')).toMatchObject({ source: { source: 'own' }, payer: null });
  });

  test('under zero retention never moves to the shared account', async () => {
    const id = await addKey();
    await plane.call('PUT', '/api/settings', company.admin, { zero_retention: true });
    const answer = await plane.call('DELETE', `/api/keys/${id}`, company.admin);
    expect(answer.body.next_payer.source).toBeNull();
    expect((await providerState('openai')).source).toMatchObject({ source: 'own', fallback: { follows: 'stop' } });
  });

  test('two last keys removed at the same moment leave the source on the shared key', async () => {
    const ids = [await addKey(), await addKey({ position: 1 })];
    const answers = await Promise.all(ids.map((id) => plane.call('DELETE', `/api/keys/${id}`, company.admin)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect((await providerState('openai')).source.source).toBe('platform');
  });

  test('once gone it is gone for every route', async () => {
    const id = await addKey();
    await plane.call('DELETE', `/api/keys/${id}`, company.admin);
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/test'],
      ['GET', '/usage'],
      ['GET', '/impact'],
    ]) {
      expect((await plane.call(method ?? '', `/api/keys/${id}${path}`, company.admin)).status).toBe(404);
    }
  });
});

describe('whose key pays', () => {
  test('a switch keeps the key, says who made it and reaches the next call', async () => {
    const id = await addKey();
    const before = await configVersion();
    const answer = await plane.call('PUT', '/api/providers/OPENAI/source', company.admin, { source: 'platform' });
    expect(answer.body).toMatchObject({
      provider: 'openai',
      source: 'platform',
      on_failure: 'platform',
      changed_by: 'Ana',
    });
    expect(await configVersion()).toBeGreaterThan(before);
    expect(await providerState('openai')).toMatchObject({ payer: 'platform', own_keys: 1 });
    expect(await count('keys', 'id', id)).toBe(1);
    await plane.call('PUT', '/api/providers/openai/source', company.admin, { source: 'own', on_failure: 'stop' });
    expect(await providerState('openai')).toMatchObject({
      payer: 'own',
      source: { source: 'own', on_failure: 'stop' },
    });
  });

  test('of two people who switch at once the second is told', async () => {
    await addKey();
    const { etag } = (await providerState('openai')).source;
    const put = (source: string) =>
      plane.call('PUT', '/api/providers/openai/source', { ...company.admin, 'if-match': etag }, { source });
    expect((await put('platform')).status).toBe(200);
    const late = await put('own');
    expect([late.status, late.body.code]).toEqual([409, 'conflict.changed']);
  });

  test.each([
    ['an unknown provider', 'nobody', { source: 'own' }, 404],
    ['an unknown source', 'openai', { source: 'somebody' }, 400],
    ['a shared key for a custom endpoint', 'lab', { source: 'platform' }, 400],
    ['a fallback for a custom endpoint', 'lab', { source: 'own', on_failure: 'platform' }, 400],
  ])('refuses %s', async (_, provider, body, status) => {
    await addKey({ provider: 'custom', slug: 'lab' });
    expect((await plane.call('PUT', `/api/providers/${provider}/source`, company.admin, body)).status).toBe(status);
  });

  test('a fallback is refused under zero retention', async () => {
    await plane.call('PUT', '/api/settings', company.admin, { zero_retention: true });
    const body = { source: 'own', on_failure: 'platform' };
    expect((await plane.call('PUT', '/api/providers/openai/source', company.admin, body)).status).toBe(400);
  });
});

describe('models', () => {
  test('name who pays, come from the list of the key that would answer, and one failing provider breaks no other', async () => {
    const id = await addKey();
    const broken = await addKey({ provider: 'groq' });
    await owner.query(
      `INSERT INTO model_lists (key_id, company_id, models, fetched_at) VALUES ($1, $2, '[{"id": "gpt-test"}, {"id": "tts-1"}]', now())`,
      [id, company.id],
    );
    await owner.query(
      `INSERT INTO model_lists (key_id, company_id, error) VALUES ($1, $2, '{"code": "provider.time_out"}')`,
      [broken, company.id],
    );
    const { body } = await plane.call('GET', '/api/models', company.admin);
    const named = (model: string) => body.data.find((item: { id: string }) => item.id === model);
    expect(named('openai/gpt-test')).toMatchObject({
      key_source: 'own',
      chat: true,
      listed: 'live',
      provider: 'openai',
    });
    expect(named('openai/tts-1').chat).toBe(false);
    expect(body.data.filter((item: { provider: string }) => item.provider === 'groq')[0]).toMatchObject({
      listed: 'curated',
    });
    expect(body.problems).toMatchObject([{ provider: 'groq', code: 'provider.time_out' }]);
    const only = await plane.call('GET', '/api/models?provider=openai', company.admin);
    expect(only.body.data).toHaveLength(2);
  });
});

test('pages of keys give every key once', async () => {
  for (let i = 0; i < 5; i++) await addKey({ position: i, provider: i % 2 ? 'openai' : 'groq' });
  const seen: string[] = [];
  let cursor = '';
  do {
    const { body } = await plane.call('GET', `/api/keys?limit=2${cursor && `&cursor=${cursor}`}`, company.admin);
    seen.push(...body.data.map((key: { id: string }) => key.id));
    cursor = body.next_cursor ?? '';
  } while (cursor !== '');
  expect(new Set(seen).size).toBe(5);
  expect(seen).toHaveLength(5);
  expect((await plane.call('GET', '/api/keys?cursor=bm90LW1pbmU', company.admin)).status).toBe(400);
});
