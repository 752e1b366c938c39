import { newId } from '@ownkey/contract/ids';
import type { SealContext } from '@ownkey/vault/context';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import {
  type FakeOutcome,
  runFakeJobs,
  storeKey,
  type TakenJob,
  VALID_PROBE,
} from '../../../../../tests/kit/fake-jobs.ts';
import { createSealingKey, sealFor } from '../../../../../tests/kit/sealing.ts';

const plane = useControlPlane();
let company: TestCompany;
let sealing: { kid: string; publicKey: string };
let taken: TakenJob[];
let rejects = false;

const REJECTED: FakeOutcome = {
  failed: {
    code: 'key.rejected',
    facts: { provider: 'OpenAI', provider_message: 'Incorrect API key provided' },
    probe: { ...VALID_PROBE, status: 'invalid', status_detail: { http_status: 401 } },
  },
};

beforeAll(async () => {
  const worker = await plane.postgres.connect('worker');
  sealing = await createSealingKey(worker);
  const jobs = await runFakeJobs(worker, async (job, client) => {
    if (rejects) return REJECTED;
    if (job.payload.save) await storeKey(client, job);
    return { done: { key_id: job.payload.save ? job.payload.key_id : null, last4: 'abcd', probe: VALID_PROBE } };
  });
  taken = jobs.taken;
});
beforeEach(async () => {
  company = await plane.createCompany();
  taken.length = 0;
  rejects = false;
});

const connect = async (
  body: Record<string, unknown> = {},
  headers = company.admin,
  change: Partial<SealContext> = {},
) =>
  plane.call('POST', '/api/keys', headers, {
    provider: 'openai',
    sealed_key: await sealFor(sealing, company.id, 'openai', change),
    ...body,
  });
const keysOf = async (headers = company.admin) => (await plane.call('GET', '/api/keys', headers)).body.data;

describe('connecting a key', () => {
  test('stores it and answers the key with what its test saw, and no part of what was sealed', async () => {
    const sealed = await sealFor(sealing, company.id, 'openai');
    const answer = await connect({ sealed_key: sealed, label: 'Production' });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      provider: 'openai',
      label: 'Production',
      last4: 'abcd',
      status: 'valid',
      stored: true,
    });
    expect(answer.body.steps).toEqual([{ step: 'open', state: 'done', ms: 1 }]);
    expect(answer.headers.etag).toBe(answer.body.etag);
    expect(taken[0]).toMatchObject({ sealed, actor: company.adminId, payload: { owner: 'company', keep: false } });
    expect(answer.text).not.toContain(sealed.slice(0, 40));
    expect(plane.logLines.join('')).not.toContain(sealed.slice(0, 40));
    expect(await keysOf()).toHaveLength(1);
  });

  test('refuses a choice for its failure that the host or zero retention forbids, before a worker opens anything', async () => {
    const operator = await plane.createOperatorHeaders();
    const fix = (choice: string) => plane.call('PUT', '/api/operator/policies', operator, { on_failure: { choice } });
    await fix('stop');
    expect((await connect({ on_failure: 'platform' })).body.code).toBe('policy.fixed');
    await fix('platform');
    expect((await connect({ on_failure: 'stop' })).body.code).toBe('policy.fixed');
    await fix('free');
    await plane.call('PUT', '/api/settings', company.admin, { zero_retention: true });
    const owner = await plane.postgres.connect('superuser');
    const shared = newId('key');
    await owner.query(
      "INSERT INTO ownkey.keys (id, owner, provider, destination) VALUES ($1, 'platform', 'openai', 'catalogue:openai')",
      [shared],
    );
    expect((await connect({ on_failure: 'platform' })).body).toMatchObject({ status: 400, param: 'on_failure' });
    expect(taken).toEqual([]);
    await owner.query('UPDATE ownkey.keys SET zero_retention = true WHERE id = $1', [shared]);
    expect((await connect({ on_failure: 'platform' })).status).toBe(201);
    expect(taken[0]?.payload).toMatchObject({ on_failure: 'platform' });
    await owner.query('DELETE FROM ownkey.keys WHERE id = $1', [shared]);
  });

  test('with save: false answers what was found and stores nothing', async () => {
    const answer = await connect({ save: false });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      id: null,
      stored: false,
      status: 'valid',
      last4: 'abcd',
      mask: 'sk-...abcd',
    });
    expect(await keysOf()).toEqual([]);
  });

  test('a rejected key is 422 with the words of the provider and the steps, and nothing is stored', async () => {
    rejects = true;
    const answer = await connect();
    expect(answer.status).toBe(422);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ code: 'key.rejected', provider_message: 'Incorrect API key provided' });
    expect(answer.body.steps).toHaveLength(1);
    expect(answer.body.probe.status).toBe('invalid');
    expect(await keysOf()).toEqual([]);
  });

  test('is accepted under an alias of the provider', async () => {
    const sealed = await sealFor(sealing, company.id, 'anthropic');
    const answer = await connect({ provider: 'CLAUDE', sealed_key: sealed });
    expect(answer.body).toMatchObject({ provider: 'anthropic', stored: true });
  });

  test('the same request twice under one Idempotency-Key is one job, and another request under it is refused', async () => {
    const headers = { ...company.admin, 'idempotency-key': 'once' };
    const sealed_key = await sealFor(sealing, company.id, 'openai');
    const first = await connect({ sealed_key }, headers);
    const again = await connect({ sealed_key }, headers);
    const another = await connect({ sealed_key, label: 'another' }, headers);
    expect(again.body.id).toBe(first.body.id);
    expect(taken).toHaveLength(1);
    expect([another.status, another.body.code]).toEqual([409, 'conflict.exists']);
  });

  test('another person with the same Idempotency-Key has a job of their own', async () => {
    await connect({}, { ...company.admin, 'idempotency-key': 'mine' });
    const token = await plane.createTokenHeaders(['company:admin'], { companyId: company.id });
    await connect({}, { ...token, 'idempotency-key': 'mine' });
    expect(taken).toHaveLength(2);
  });

  test('answers 202 at once where the caller prefers, and the job tells the result', async () => {
    const answer = await connect({}, { ...company.admin, prefer: 'respond-async' });
    expect(answer.status).toBe(202);
    expect(answer.headers.location).toBe(`/api/jobs/${answer.body.job.id}`);
    await expect
      .poll(async () => (await plane.call('GET', `/api/jobs/${answer.body.job.id}`, company.admin)).body, {
        timeout: 5000,
      })
      .toMatchObject({ state: 'done', result: { stored: true, status: 'valid' }, error: null });
  });

  test('drops what the answer does not declare, whatever the job wrote', async () => {
    const answer = await connect({ save: false });
    await plane.call('GET', '/api/keys', company.admin);
    const job = taken[0]?.id;
    const owner = await plane.postgres.connect('superuser');
    await owner.query(`UPDATE ownkey.worker_jobs SET result = result || '{"clear_key": "leak"}' WHERE id = $1`, [job]);
    const shown = await plane.call('GET', `/api/jobs/${job}`, company.admin);
    expect(answer.status).toBe(200);
    expect(shown.text).not.toContain('leak');
  });
});

describe('a connect that is refused reaches no worker', () => {
  const seals: [string, Partial<SealContext>, string][] = [
    ['another company', { company: newId('company') }, 'seal.invalid'],
    ['a person, for a company key', { user: newId('user') }, 'seal.invalid'],
    ['another provider', { provider: 'groq' }, 'seal.invalid'],
    ['another destination', { destination: 'https://evil.example' }, 'seal.invalid'],
    ['a replacement', { version: 2 }, 'seal.invalid'],
    ['a time that has passed', { exp: 1 }, 'seal.expired'],
  ];
  test.each(seals)('sealed for %s', async (_, change, code) => {
    const answer = await connect({}, company.admin, change);
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(taken).toEqual([]);
  });

  const bodies: [string, Record<string, unknown>, number, string][] = [
    ['an unknown provider', { provider: 'nobody' }, 400, 'provider.unknown'],
    ['no key', { sealed_key: undefined }, 400, 'request.invalid'],
    ['something that is not sealed', { sealed_key: 'sk-1234567890abcdef1234' }, 400, 'seal.invalid'],
    ['a base URL for a catalogue provider', { base_url: 'https://evil.example/v1' }, 400, 'request.invalid'],
    ['an unknown field', { clear_key: 'x' }, 400, 'request.invalid'],
    ['a label with a control character', { label: 'a\u0000b' }, 400, 'request.invalid'],
    ['a personal scope without a plan of that name', { scope: 'everybody' }, 400, 'request.invalid'],
    ['a custom endpoint without address', { provider: 'custom', slug: 'lab' }, 400, 'request.invalid'],
    [
      'a custom endpoint without name',
      { provider: 'custom', base_url: 'https://llm.example.com/v1' },
      400,
      'request.invalid',
    ],
    [
      'a private base URL',
      { provider: 'custom', slug: 'lab', base_url: 'http://169.254.169.254/v1' },
      400,
      'base_url.refused',
    ],
    [
      'a base URL with a password',
      { provider: 'custom', slug: 'lab', base_url: 'https://a:b@llm.example.com' },
      400,
      'base_url.refused',
    ],
    [
      'a name of the catalogue',
      { provider: 'custom', slug: 'gemini', base_url: 'https://llm.example.com/v1' },
      409,
      'slug.taken',
    ],
    [
      'an alias of the catalogue',
      { provider: 'custom', slug: 'claude', base_url: 'https://llm.example.com/v1' },
      409,
      'slug.taken',
    ],
  ];
  test.each(bodies)('with %s', async (_, body, status, code) => {
    const answer = await connect(body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(taken).toEqual([]);
  });

  const raw: [string, string | Buffer, number, string][] = [
    ['empty', '', 400, 'request.invalid'],
    ['cut off', '{"provider": "openai"', 400, 'request.invalid_json'],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'request.invalid_json'],
    ['a list', '[]', 400, 'request.invalid'],
    ['a field twice', '{"provider":"openai","provider":"groq"}', 400, 'request.duplicate_key'],
    ['a reserved field', '{"provider":"openai","__proto__":{}}', 400, 'request.invalid'],
    ['too deep', `{"label":${'['.repeat(100)}${']'.repeat(100)}}`, 400, 'request.too_deep'],
    ['ten megabytes', JSON.stringify({ sealed_key: 'x'.repeat(10_000_000) }), 413, 'request.too_large'],
  ];
  test.each(raw)('with a body that is %s', async (_, body, status, code) => {
    const answer = await plane.call('POST', '/api/keys', company.admin, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });

  test('sent as a form', async () => {
    const form = { ...company.admin, 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await plane.call('POST', '/api/keys', form, 'provider=openai');
    expect([answer.status, answer.body.code]).toEqual([415, 'request.unsupported_media_type']);
  });

  test('on a plan without own keys, with the way to upgrade', async () => {
    company = await plane.createCompany('free');
    const answer = await connect();
    expect([answer.status, answer.body.code]).toEqual([402, 'plan.upgrade_required']);
    expect(answer.headers['x-should-retry']).toBe('false');
    expect(taken).toEqual([]);
  });

  test('while AI is turned off: a test is an AI call', async () => {
    await plane.call('PUT', '/api/settings', company.admin, { ai_enabled: false });
    const answer = await connect();
    expect([answer.status, answer.body.code]).toEqual([403, 'ai.consent_off']);
    expect(taken).toEqual([]);
  });

  test('by a member, for the company; for themselves it is stored and seen by nobody else', async () => {
    const refused = await connect({}, company.member);
    expect([refused.status, refused.body.code]).toEqual([403, 'auth.role']);
    const own = await connect({ scope: 'user' }, company.member, { user: company.memberId });
    expect(own.body).toMatchObject({ scope: 'user', user: company.memberId, stored: true });
    expect(await keysOf(company.member)).toHaveLength(1);
    expect(await keysOf(company.admin)).toEqual([]);
  });

  test('by a member where admins forbid personal keys', async () => {
    await plane.call('PUT', '/api/settings', company.admin, { personal_keys: false });
    const answer = await connect({ scope: 'user' }, company.member, { user: company.memberId });
    expect([answer.status, answer.body.code]).toEqual([403, 'auth.role']);
    expect(taken).toEqual([]);
  });
});
