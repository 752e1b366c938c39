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

async function addKey({ user, provider = 'openai' }: { user?: string; provider?: string } = {}): Promise<string> {
  const id = newId('key');
  await owner.query(
    `INSERT INTO keys (id, owner, company_id, user_id, provider, destination, status, last4)
     VALUES ($1, $2, $3, $4, $5, $6, 'valid', '1a2b')`,
    [id, user === undefined ? 'company' : 'user', company.id, user ?? null, provider, `catalogue:${provider}`],
  );
  return id;
}
const setStatus = (id: string, status: string) =>
  owner.query('UPDATE keys SET status = $2, status_detail = $3 WHERE id = $1', [
    id,
    status,
    JSON.stringify({ http_status: 401, provider_message: 'Incorrect API key provided' }),
  ]);
const fallBack = (id: string, reason = 'key_rejected') =>
  owner.query("SELECT open_notice('fallback', k, $2, 'system') FROM keys k WHERE id = $1", [id, reason]);
/** A call as the ledger leaves it. */
const addCall = (call: Record<string, unknown>) =>
  owner.query(
    `INSERT INTO requests (day, id, company_id, kind, key_source, provider, slug, model, state, created_at, key_id, fallback_for,
       http_status, cost_nano_usd)
     VALUES (current_date, $1, $2, 'call', $3, 'openai', 'openai', 'm', 'settled', now() - make_interval(mins => $4), $5, $6, $7, $8)`,
    [
      newId('request'),
      company.id,
      call.key === undefined ? 'platform' : 'own',
      call.minutesAgo ?? 0,
      call.key ?? null,
      call.for ?? null,
      call.status ?? 200,
      call.cost ?? 0,
    ],
  );
const list = async (who: Readonly<Record<string, string>> = company.admin, query = '') =>
  (await plane.call('GET', `/api/notices${query}`, who)).body.data;
const dismiss = (id: string, who = company.admin) => plane.call('POST', `/api/notices/${id}/dismiss`, who);

describe('notices', () => {
  test('of a fallback say why, since when, how many calls it answered, what those cost, and what can be done', async () => {
    const id = await addKey();
    await addCall({ for: id, cost: 9_000_000_000, minutesAgo: 30 });
    await fallBack(id);
    await addCall({ for: id, cost: 250_000_000 });
    await addCall({ for: id, cost: 500_000_000 });
    await addCall({ for: id, status: 500 });
    expect(await list()).toEqual([
      {
        id: expect.stringMatching(/^ntc_/),
        kind: 'fallback',
        reason: 'key_rejected',
        provider: 'openai',
        provider_name: 'OpenAI',
        key_id: id,
        last4: '1a2b',
        user: null,
        started_at: expect.any(String),
        ended_at: null,
        resolution: null,
        status: 'valid',
        detail: null,
        on_failure: 'platform',
        calls: 2,
        cost_usd: '0.75',
        refused: 0,
        fixes: ['test', 'replace', 'switch', 'remove'],
        dismissed: false,
      },
    ]);
  });

  test('of a key where calls stop say how many were refused since, in its first hour and after', async () => {
    const id = await addKey();
    await plane.call('PUT', '/api/providers/openai/source', company.admin, { source: 'own', on_failure: 'stop' });
    await addCall({ key: id, status: 401, minutesAgo: 300 });
    await setStatus(id, 'invalid');
    await addCall({ key: id, status: 401 });
    await addCall({ key: id, status: 200 });
    expect(await list()).toMatchObject([
      {
        kind: 'key',
        reason: 'invalid',
        on_failure: 'stop',
        refused: 1,
        calls: 0,
        fixes: ['replace', 'test', 'switch', 'remove'],
      },
    ]);
    await owner.query("UPDATE notices SET started_at = started_at - interval '3 hours'");
    await owner.query(
      `INSERT INTO usage_hourly (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source, requests, errors)
       VALUES ($1, date_trunc('hour', now()), 'x', 'x', 'x', '', '', $2, 'own', 9, 7)`,
      [company.id, id],
    );
    expect(await list()).toMatchObject([{ refused: 7 }]);
  });

  test('end by themselves when the key works again, and come after those that are open', async () => {
    const [fixed, broken] = [await addKey(), await addKey({ provider: 'groq' })];
    await setStatus(broken, 'no_credit');
    await setStatus(fixed, 'invalid');
    await setStatus(fixed, 'valid');
    expect(await list()).toMatchObject([
      { key_id: broken, ended_at: null },
      { key_id: fixed, ended_at: expect.any(String), resolution: 'recovered', fixes: [] },
    ]);
    expect((await list(company.admin, '?state=open')).map((item: { key_id: string }) => item.key_id)).toEqual([broken]);
    expect((await list(company.admin, '?state=ended')).map((item: { key_id: string }) => item.key_id)).toEqual([fixed]);
  });

  test.each(['unreachable', 'rate_limited'])(
    'of a key that is %s are shown after a quarter of an hour',
    async (status) => {
      const id = await addKey();
      await setStatus(id, status);
      await owner.query("UPDATE notices SET started_at = now() - interval '14 minutes' WHERE key_id = $1", [id]);
      expect(await list()).toEqual([]);
      await owner.query("UPDATE notices SET started_at = now() - interval '16 minutes' WHERE key_id = $1", [id]);
      expect(await list()).toMatchObject([{ reason: status }]);
    },
  );

  test('give each once, page by page', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const id = await addKey();
      ids.push(id);
      await setStatus(id, 'invalid');
      if (i % 2 === 0) await setStatus(id, 'valid');
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '?limit=2' : `?limit=2&cursor=${cursor}`;
      const { body } = await plane.call('GET', `/api/notices${query}`, company.admin);
      seen.push(...body.data.map((item: { key_id: string }) => item.key_id));
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual([ids[3], ids[1], ids[4], ids[2], ids[0]]);
  });

  test.each(['?state=some', '?cursor=bm90LW1pbmU', '?limit=101', '?limit=0'])('refuse %s', async (query) => {
    const answer = await plane.call('GET', `/api/notices${query}`, company.admin);
    expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
  });
});

describe('who sees what', () => {
  test('members read of company keys, without the provider’s words and without what only admins can do', async () => {
    await setStatus(await addKey(), 'invalid');
    expect((await list())[0].detail.provider_message).toBe('Incorrect API key provided');
    expect(await list(company.member)).toMatchObject([{ reason: 'invalid', detail: { http_status: 401 }, fixes: [] }]);
    expect(JSON.stringify(await list(company.member))).not.toContain('Incorrect');
  });

  test('notices of a personal key are its person’s alone: admins do not learn that there is one', async () => {
    await setStatus(await addKey({ user: company.memberId }), 'invalid');
    const [mine] = await list(company.member);
    expect(mine).toMatchObject({ user: company.memberId, fixes: ['replace', 'test', 'remove'] });
    expect(mine.detail.provider_message).toBe('Incorrect API key provided');
    expect(await list()).toEqual([]);
    const missing = await dismiss(`ntc_${'0'.repeat(26)}`);
    const foreign = await dismiss(mine.id);
    expect([foreign.status, foreign.text]).toEqual([404, missing.text]);
    const token = await plane.createTokenHeaders(['usage:read'], { companyId: company.id });
    expect(await list(token)).toEqual([]);
  });

  test('another company sees none and can dismiss none', async () => {
    await setStatus(await addKey(), 'invalid');
    const [notice] = await list();
    const other = await plane.createCompany();
    expect(await list(other.admin)).toEqual([]);
    expect((await dismiss(notice.id, other.admin)).status).toBe(404);
    expect((await list())[0].dismissed).toBe(false);
  });

  test('a token that only reads is offered nothing to do', async () => {
    await setStatus(await addKey(), 'invalid');
    const token = await plane.createTokenHeaders(['usage:read'], { companyId: company.id });
    expect(await list(token)).toMatchObject([{ fixes: [] }]);
  });
});

describe('dismissing', () => {
  test('is each person’s own, and a new fact brings the notice back', async () => {
    const id = await addKey();
    await setStatus(id, 'invalid');
    const [notice] = await list();
    expect((await dismiss(notice.id)).status).toBe(204);
    expect((await dismiss(notice.id)).status).toBe(204);
    expect((await list())[0].dismissed).toBe(true);
    expect((await list(company.member))[0].dismissed).toBe(false);
    await setStatus(id, 'no_credit');
    expect(await list()).toMatchObject([{ reason: 'no_credit', dismissed: false }]);
    await dismiss(notice.id);
    await setStatus(id, 'valid');
    expect(await list()).toMatchObject([{ resolution: 'recovered', dismissed: false }]);
  });
});
