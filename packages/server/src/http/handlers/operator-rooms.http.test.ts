import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';

const plane = useControlPlane();
let owner: Client;
let operator: Readonly<Record<string, string>>;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  operator = await plane.createOperatorHeaders();
});

const insertKey = async (of: Record<string, unknown>): Promise<string> => {
  const id = newId('key');
  const row = { id, owner: 'company', provider: 'openai', destination: 'catalogue:openai', status: 'valid', ...of };
  const names = Object.keys(row);
  await owner.query(
    `INSERT INTO keys (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
  return id;
};

const insertCall = (company: TestCompany, of: Record<string, unknown>) => {
  const row = {
    id: newId('request'),
    company_id: company.id,
    provider: 'groq',
    slug: 'groq',
    model: 'm',
    key_source: 'own',
    state: 'settled',
    http_status: 200,
    latency_ms: 100,
    ...of,
  };
  const names = Object.keys(row);
  return owner.query(
    `INSERT INTO requests (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
};

describe('shared keys', () => {
  test('providers are the whole catalogue, gated for nobody, and say for which of them a shared key answers', async () => {
    await insertKey({ owner: 'platform', provider: 'mistral', destination: 'catalogue:mistral' });
    await insertKey({ owner: 'platform', provider: 'groq', destination: 'catalogue:groq', enabled: false });
    const { status, body } = await plane.call('GET', '/api/operator/providers', operator);
    expect(status).toBe(200);
    const of = (id: string) => body.data.find((provider: { id: string }) => provider.id === id);
    expect(of('mistral')).toMatchObject({ platform_key: true, payer: 'platform', gated: null });
    expect(of('groq')).toMatchObject({ platform_key: false, payer: null });
    expect(body.presets).toEqual([]);
  });

  test('removing one says how many companies use it, how many of them would fail, and which key takes over', async () => {
    const key = await insertKey({ owner: 'platform', provider: 'xai', destination: 'catalogue:xai' });
    const [withOwn, without, unused] = [
      await plane.createCompany(),
      await plane.createCompany(),
      await plane.createCompany(),
    ];
    await insertKey({ company_id: withOwn.id, provider: 'xai', destination: 'catalogue:xai' });
    for (const [company, daysAgo] of [
      [withOwn, 1],
      [without, 2],
      [unused, 40],
    ] as const)
      await owner.query(
        `INSERT INTO usage_hourly (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source, requests)
         VALUES ($1, now() - make_interval(days => $3), 'xai', 'xai', 'm', '', '', $2, 'platform', 1)`,
        [company.id, key, daysAgo],
      );
    const path = `/api/operator/platform-keys/${key}/impact`;
    const alone = await plane.call('GET', path, operator);
    expect(alone.body).toMatchObject({ running_requests: 0, companies: 2, without_own_key: 1, next_key: null });
    const spare = { owner: 'platform', provider: 'xai', destination: 'catalogue:xai', label: 'Spare', last4: 'zzzz' };
    const next = await insertKey(spare);
    expect((await plane.call('GET', path, operator)).body.next_key).toEqual({
      id: next,
      label: 'Spare',
      last4: 'zzzz',
    });
  });

  test("the impact of a company's key is not told to the operator", async () => {
    const company = await plane.createCompany();
    const key = await insertKey({ company_id: company.id });
    const answer = await plane.call('GET', `/api/operator/platform-keys/${key}/impact`, operator);
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });
});

describe('health', () => {
  test('counts requests of the last five minutes by provider and payer, with latency of answers and failing keys', async () => {
    const company = await plane.createCompany();
    await insertCall(company, { latency_ms: 100 });
    await insertCall(company, { latency_ms: 300 });
    await insertCall(company, { http_status: 401, latency_ms: 9_000 });
    await insertCall(company, { key_source: 'platform', state: 'expired', http_status: null, latency_ms: null });
    await insertCall(company, { created_at: new Date(Date.now() - 6 * 60_000), http_status: 500 });
    await insertCall(company, { state: 'reserved', http_status: null, latency_ms: null });
    await insertCall(company, { kind: 'probe', http_status: 500 });
    const groq = { provider: 'groq', destination: 'catalogue:groq', status: 'invalid' };
    await insertKey({ company_id: company.id, ...groq });
    await insertKey({ company_id: company.id, ...groq, enabled: false });
    const { body } = await plane.call('GET', '/api/operator/health', operator);
    expect(body.unread).toEqual([]);
    expect(body.providers).toMatchObject({ seconds: 300, sampled: false });
    expect(body.providers.data.find(({ provider }: { provider: string }) => provider === 'groq')).toEqual({
      provider: 'groq',
      name: 'Groq',
      own: { requests: 3, errors: 1 },
      shared: { requests: 1, errors: 1 },
      p50_ms: 200,
      p95_ms: 290,
      own_keys_failing: 1,
      shared_keys_failing: 0,
    });
  });

  test('looks at no more than the newest 500 requests of a company, and says so', async () => {
    const company = await plane.createCompany();
    await owner.query(
      `INSERT INTO requests (id, company_id, provider, slug, model, key_source, state, http_status, latency_ms)
       SELECT 'req_many' || n, $1, 'perplexity', 'perplexity', 'm', 'own', 'settled', 200, 50 FROM generate_series(1, 600) n`,
      [company.id],
    );
    const { body } = await plane.call('GET', '/api/operator/health', operator);
    expect(body.providers.sampled).toBe(true);
    const row = body.providers.data.find(({ provider }: { provider: string }) => provider === 'perplexity');
    expect(row.own).toEqual({ requests: 500, errors: 0 });
    await owner.query('DELETE FROM requests WHERE company_id = $1', [company.id]);
  });

  test('tells workers that report from those that fell silent, and forgets those long gone', async () => {
    await owner.query('TRUNCATE kek_holders');
    await owner.query(
      `INSERT INTO kek_holders (worker_id, kek_ids, writes, seen_at) VALUES ('alive', '{}', '', now()),
         ('silent', '{}', '', now() - interval '1 minute'), ('gone', '{}', '', now() - interval '10 minutes')`,
    );
    const { body } = await plane.call('GET', '/api/operator/health', operator);
    expect(body.workers).toMatchObject([
      { id: 'alive', alive: true, open_requests: 0 },
      { id: 'silent', alive: false },
    ]);
  });

  test('counts what runs, and apart what is past its lease', async () => {
    await owner.query(
      `INSERT INTO reservations (day, id, lease_until) VALUES (current_date, 'req_runs', now() + interval '1 minute'),
         (current_date, 'req_past', now() - interval '1 minute')`,
    );
    const { body } = await plane.call('GET', '/api/operator/health', operator);
    expect(body.ledger).toEqual({ running: 2, expired: 1, oldest_expired_at: expect.any(String) });
  });

  test('a part that cannot be read is named, and hides no other', async () => {
    await owner.query('REVOKE SELECT ON prices FROM ownkey_control');
    try {
      const { status, body } = await plane.call('GET', '/api/operator/health', operator);
      expect(status).toBe(200);
      expect(body).toMatchObject({ unread: ['prices'], prices: null, database: { ok: true } });
      for (const part of ['workers', 'jobs', 'outbox', 'audit', 'ledger', 'providers'])
        expect(body[part], part).not.toBeNull();
    } finally {
      await owner.query('GRANT SELECT ON prices TO ownkey_control');
    }
  });
});

describe('companies', () => {
  test('show state and sums, and are found by either', async () => {
    await plane.call('PUT', '/api/operator/plans/rooms', operator, { byok: true });
    const [ailing, well] = [await plane.createCompany('rooms'), await plane.createCompany('rooms')];
    const key = await insertKey({ company_id: ailing.id, status: 'invalid', last4: 'q7q7' });
    await owner.query(
      `INSERT INTO notices (company_id, kind, key_id, slug, reason, last4) VALUES ($1, 'fallback', $2, 'openai', 'key_rejected', 'q7q7')`,
      [ailing.id, key],
    );
    await owner.query(
      `INSERT INTO meters (company_id, meter, kind, start, settled, cap)
       SELECT $1, m, k, date_trunc(k, ledger_now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', settled, cap FROM (VALUES
         ('', 'day', 5000000000, 5000000000), ('', 'month', 7000000000, NULL), ('credits', 'month', 2000000000, NULL)) x (m, k, settled, cap)`,
      [ailing.id],
    );
    const { body, text } = await plane.call('GET', '/api/operator/companies?plan=rooms', operator);
    expect(body.data).toMatchObject([
      { id: well.id, keys: 0, keys_failing: 0, fallback_since: null, paused: null, month_usd: '0', shared_usd: '0' },
      {
        id: ailing.id,
        keys: 1,
        keys_failing: 1,
        fallback_since: expect.any(String),
        paused: 'day',
        month_usd: '7',
        shared_usd: '2',
      },
    ]);
    expect(text).not.toContain('q7q7');
    for (const state of ['fallback', 'paused', 'key_failing']) {
      const found = await plane.call('GET', `/api/operator/companies?plan=rooms&state=${state}`, operator);
      expect(
        found.body.data.map(({ id }: { id: string }) => id),
        state,
      ).toEqual([ailing.id]);
    }
    await plane.call('PUT', '/api/settings', well.admin, { ai_enabled: false });
    const off = await plane.call('GET', '/api/operator/companies?plan=rooms&state=ai_off', operator);
    expect(off.body.data.map(({ id }: { id: string }) => id)).toEqual([well.id]);
    const bad = await plane.call('GET', '/api/operator/companies?state=rich', operator);
    expect(bad.body.code).toBe('request.invalid');
  });

  test('one of them says until when backups keep it, and nobody there answers like nothing there', async () => {
    const company = await plane.createCompany();
    const { body } = await plane.call('GET', `/api/operator/companies/${company.id}`, operator);
    expect(body).toMatchObject({ id: company.id, users: 2, backups_unreadable_by: null });
    const missing = await plane.call('GET', `/api/operator/companies/${newId('company')}`, operator);
    expect([missing.status, missing.body.code]).toEqual([404, 'not_found']);
  });

  test('a change of plan says how many connected keys stop being used, and how many start', async () => {
    await plane.call('PUT', '/api/operator/plans/all-keys', operator, { byok: true, credits_usd: 5 });
    await plane.call('PUT', '/api/operator/plans/one-key', operator, {
      byok: true,
      byok_providers: ['openai'],
      personal_keys: false,
      platform_models: [],
      credits_usd: null,
    });
    const company = await plane.createCompany('all-keys');
    await insertKey({ company_id: company.id });
    await insertKey({ company_id: company.id, provider: 'groq', destination: 'catalogue:groq' });
    await insertKey({ company_id: company.id, owner: 'user', user_id: company.adminId });
    await insertKey({ company_id: company.id, provider: 'xai', destination: 'catalogue:xai', enabled: false });
    const path = `/api/operator/companies/${company.id}/plan-effect`;
    expect((await plane.call('GET', `${path}?plan=one-key`, operator)).body).toEqual({
      keys_stop: 2,
      keys_start: 0,
      shared_stops: true,
      shared_starts: false,
      credits_usd: null,
    });
    expect((await plane.call('PUT', `/api/companies/${company.id}/plan`, operator, { plan: 'one-key' })).status).toBe(
      200,
    );
    expect((await plane.call('GET', `${path}?plan=all-keys`, operator)).body).toMatchObject({
      keys_stop: 0,
      keys_start: 2,
      shared_starts: true,
      credits_usd: '5',
    });
    expect((await plane.call('GET', `${path}?plan=none-such`, operator)).body.code).toBe('request.invalid');
    expect((await plane.call('GET', path, operator)).body.code).toBe('request.invalid');
  });
});
