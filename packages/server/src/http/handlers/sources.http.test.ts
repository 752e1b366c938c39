import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';

const plane = useControlPlane();
let company: TestCompany;
let owner: Client;
const shared = newId('key');

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  await owner.query(
    `INSERT INTO keys (id, owner, provider, destination) VALUES ($1, 'platform', 'openai', 'catalogue:openai')`,
    [shared],
  );
});
beforeEach(async () => {
  company = await plane.createCompany();
});
afterEach(async () => {
  await owner.query("UPDATE installation SET settings = settings - 'policies'");
  await owner.query('UPDATE keys SET zero_retention = false WHERE id = $1', [shared]);
});

async function addKey(status = 'valid'): Promise<string> {
  const id = newId('key');
  await owner.query(
    `INSERT INTO keys (id, owner, company_id, provider, destination, status, last4)
     VALUES ($1, 'company', $2, 'openai', 'catalogue:openai', $3, 'abcd')`,
    [id, company.id, status],
  );
  return id;
}
const put = (body: unknown, provider = 'openai', headers: Readonly<Record<string, string>> = {}) =>
  plane.call('PUT', `/api/providers/${provider}/source`, { ...company.admin, ...headers }, body);
const openai = async () =>
  (await plane.call('GET', '/api/providers', company.admin)).body.data.find(
    (item: { id: string }) => item.id === 'openai',
  );
const fix = async (policy: unknown) =>
  plane.call('PUT', '/api/operator/policies', await plane.createOperatorHeaders(), { on_failure: policy });
const requireZeroRetention = (on: boolean) => plane.call('PUT', '/api/settings', company.admin, { zero_retention: on });

describe('choices for accounts and operations', () => {
  test('stand beside the company’s own, each with an ETag of its own, and say what is in force there', async () => {
    await put({ source: 'own', on_failure: 'platform' });
    const special = await put({ source: 'own', on_failure: 'stop', account: 'shop-1', operation: 'mail.draft' });
    expect(special.body).toMatchObject({
      provider: 'openai',
      account: 'shop-1',
      operation: 'mail.draft',
      on_failure: 'stop',
      fallback: { follows: 'stop', because: 'chosen', choice: 'free', barred: null },
    });
    await put({ source: 'platform', operation: 'mail.draft' });
    const { body } = await plane.call('GET', '/api/providers/openai/sources', company.admin);
    expect(body.data.map((row: Record<string, unknown>) => [row.account, row.operation, row.source, row.etag])).toEqual(
      [
        [null, null, 'own', '"1"'],
        [null, 'mail.draft', 'platform', '"1"'],
        ['shop-1', 'mail.draft', 'own', '"1"'],
      ],
    );
    expect(await openai()).toMatchObject({
      special_sources: 2,
      source: { source: 'own', fallback: { follows: 'platform', because: null } },
    });
  });

  test('come page by page, each once, whatever characters their names have', async () => {
    const names = ['a"b\\c', 'b', 'c d', 'd/e', 'z'];
    for (const account of names) await put({ source: 'own', account });
    const seen: (string | null)[] = [];
    let cursor: string | null = null;
    do {
      const query: string = `limit=2${cursor === null ? '' : `&cursor=${cursor}`}`;
      const { body } = await plane.call('GET', `/api/providers/openai/sources?${query}`, company.admin);
      seen.push(...body.data.map((row: { account: string | null }) => row.account));
      cursor = body.next_cursor;
    } while (cursor !== null);
    // The company's own, which nobody set, comes first.
    expect(seen).toEqual([null, ...names]);
    const foreign = Buffer.from('1:["x"]').toString('base64url');
    const wrong = await plane.call('GET', `/api/providers/openai/sources?cursor=${foreign}`, company.admin);
    expect([wrong.status, wrong.body.code]).toEqual([400, 'request.invalid']);
  });

  test('are taken back, on record, and the wider choice holds again', async () => {
    const { body } = await put({ source: 'platform', operation: 'mail.draft' });
    const remove = (query: string, headers = {}) =>
      plane.call('DELETE', `/api/providers/openai/source${query}`, { ...company.admin, ...headers });
    expect((await remove('?operation=mail.draft', { 'if-match': '"7"' })).body.code).toBe('conflict.changed');
    expect((await remove('?operation=mail.draft', { 'if-match': body.etag })).status).toBe(204);
    expect((await remove('?operation=mail.draft')).body.code).toBe('not_found');
    expect((await remove('')).body.code).toBe('request.invalid');
    const { rows } = await owner.query(
      "SELECT data FROM audit_events WHERE company_id = $1 AND kind = 'source.changed' ORDER BY seq DESC LIMIT 1",
      [company.id],
    );
    expect(rows[0].data).toMatchObject({ removed: true, from: 'platform', operation: 'mail.draft' });
    expect((await openai()).special_sources).toBe(0);
  });

  test('take over what happens on failure from the company’s choice', async () => {
    await put({ source: 'own', on_failure: 'stop' });
    expect((await put({ source: 'own', account: 'shop-1' })).body.on_failure).toBe('stop');
  });

  test('are bounded', async () => {
    await owner.query(
      "INSERT INTO sources (company_id, provider, account, source) SELECT $1, 'openai', 'a' || i, 'own' FROM generate_series(1, 2000) i",
      [company.id],
    );
    const answer = await put({ source: 'own', account: 'one-more' });
    expect([answer.status, answer.body.code]).toEqual([409, 'source.too_many']);
    expect((await put({ source: 'platform', account: 'a7' })).status).toBe(200);
  });

  test.each([
    ['an operation that is no tag', { source: 'own', operation: ' mail' }],
    ['an account of 129 characters', { source: 'own', account: 'a'.repeat(129) }],
    ['a field that is none', { source: 'own', operations: 'x' }],
  ])('refuse %s', async (_, body) => {
    const answer = await put(body);
    expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
  });

  test('are not for members to take back', async () => {
    await put({ source: 'platform', operation: 'mail.draft' });
    const answer = await plane.call('DELETE', '/api/providers/openai/source?operation=mail.draft', company.member);
    expect(answer.body.code).toBe('auth.role');
  });
});

describe('what follows a failing key', () => {
  test('is the host’s preset where nobody chose', async () => {
    await fix({ preset: 'stop' });
    expect((await openai()).source).toMatchObject({ on_failure: 'stop', set: false, fallback: { follows: 'stop' } });
    expect((await put({ source: 'own' })).body.on_failure).toBe('stop');
  });

  test.each([
    ['stop', 'platform', { follows: 'stop', because: 'host', choice: 'stop', barred: 'host' }],
    ['platform', 'stop', { follows: 'platform', because: null, choice: 'platform', barred: null }],
  ] as const)(
    'where the host fixes %s nobody chooses %s, and what was chosen comes back with the choice',
    async (choice, refused, state) => {
      await put({ source: 'own', on_failure: refused });
      await fix({ choice });
      const answer = await put({ source: 'own', on_failure: refused });
      expect([answer.status, answer.body.code, answer.body.param]).toEqual([403, 'policy.fixed', 'on_failure']);
      expect((await openai()).source).toMatchObject({ on_failure: refused, fallback: state });
      const connect = { provider: 'openai', sealed_key: 'x', on_failure: refused };
      expect((await plane.call('POST', '/api/keys', company.admin, connect)).body.code).not.toBe(undefined);
      await fix({ choice: 'free' });
      expect((await openai()).source.fallback.follows).toBe(refused);
    },
  );

  test('under zero retention is nobody, unless the shared key carries the promise; the old choice comes back with its end', async () => {
    await put({ source: 'own', on_failure: 'platform' });
    await requireZeroRetention(true);
    expect((await openai()).source).toMatchObject({
      on_failure: 'platform',
      fallback: { follows: 'stop', because: 'zero_retention', barred: 'zero_retention' },
    });
    const refused = await put({ source: 'own', on_failure: 'platform' });
    expect([refused.status, refused.body.code]).toEqual([400, 'request.invalid']);
    await plane.call('PATCH', `/api/operator/platform-keys/${shared}`, await plane.createOperatorHeaders(), {
      zero_retention: true,
    });
    expect((await put({ source: 'own', on_failure: 'platform' })).body.fallback).toMatchObject({
      follows: 'platform',
      barred: null,
    });
    await owner.query('UPDATE keys SET zero_retention = false WHERE id = $1', [shared]);
    await requireZeroRetention(false);
    expect((await openai()).source).toMatchObject({ on_failure: 'platform', fallback: { follows: 'platform' } });
  });

  test('where no shared key is offered is nobody, and choosing it is kept for the day there is one', async () => {
    expect((await put({ source: 'own', on_failure: 'platform' }, 'groq')).body).toMatchObject({
      on_failure: 'platform',
      fallback: { follows: 'stop', because: 'no_shared_key', barred: 'no_shared_key' },
    });
  });

  test('is said of the provider while it happens, and not where calls stop', async () => {
    const id = await addKey();
    expect(await openai()).toMatchObject({ payer: 'own', fallback: null });
    await owner.query("SELECT open_notice('fallback', k, 'outage', 'system') FROM keys k WHERE id = $1", [id]);
    expect(await openai()).toMatchObject({ payer: 'platform', fallback: 'outage' });
    await owner.query("UPDATE keys SET status = 'invalid' WHERE id = $1", [id]);
    await owner.query("SELECT end_notices($1, 'recovered', '{fallback}', 'system')", [id]);
    expect(await openai()).toMatchObject({ payer: 'platform', fallback: 'key_rejected' });
    await put({ source: 'own', on_failure: 'stop' });
    expect(await openai()).toMatchObject({ payer: null, fallback: null });
  });
});

describe('rules that forbid a fallback end the notice of one', () => {
  const openNotices = async () =>
    (
      await owner.query('SELECT kind FROM notices WHERE company_id = $1 AND ended_at IS NULL ORDER BY kind', [
        company.id,
      ])
    ).rows;

  test.each([
    ['zero retention', () => requireZeroRetention(true)],
    ['the host’s word', () => fix({ choice: 'stop' })],
    ['the company’s own choice', () => put({ source: 'own', on_failure: 'stop' })],
  ])('%s', async (_, forbid) => {
    const id = await addKey();
    await owner.query("UPDATE keys SET status = 'invalid' WHERE id = $1", [id]);
    await owner.query("SELECT open_notice('fallback', k, 'key_rejected', 'system') FROM keys k WHERE id = $1", [id]);
    expect(await openNotices()).toEqual([{ kind: 'fallback' }, { kind: 'key' }]);
    await forbid();
    expect(await openNotices()).toEqual([{ kind: 'key' }]);
  });
});
