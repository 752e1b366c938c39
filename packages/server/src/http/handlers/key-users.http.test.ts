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
});
beforeEach(async () => {
  company = await plane.createCompany();
});

async function addKey(
  user: string | null = null,
  position = 0,
  users: readonly string[] | null = null,
): Promise<string> {
  const id = newId('key');
  await owner.query(
    `INSERT INTO keys (id, owner, company_id, user_id, provider, destination, status, position, allowed_users)
     VALUES ($1, $2, $3, $4, 'openai', 'catalogue:openai', 'valid', $5, $6)`,
    [id, user === null ? 'company' : 'user', company.id, user, position, users],
  );
  return id;
}
const patch = (id: string, body: unknown, who = company.admin) => plane.call('PATCH', `/api/keys/${id}`, who, body);

describe('the users of a company key', () => {
  test('are named by our ids or the host’s, each once, and cleared by null; on record and under the key’s ETag', async () => {
    const id = await addKey();
    const before = await plane.call('GET', `/api/keys/${id}`, company.admin);
    const allowed_users = [`member-${company.externalId}`, company.memberId, company.adminId];
    const answer = await patch(id, { allowed_users });
    expect(answer.body.allowed_users).toEqual([company.memberId, company.adminId]);
    expect(answer.body.etag).not.toBe(before.body.etag);
    const { rows } = await owner.query("SELECT data FROM audit_events WHERE kind = 'key.changed' AND key_id = $1", [
      id,
    ]);
    expect(rows).toMatchObject([{ data: { changed: ['allowed_users'] } }]);
    expect((await patch(id, { label: 'x' })).body.allowed_users).toHaveLength(2);
    expect((await patch(id, { allowed_users: null })).body.allowed_users).toBeNull();
  });

  test('are of the company: a user of another, an unknown one, nobody and too many are refused', async () => {
    const id = await addKey();
    const other = await plane.createCompany();
    for (const allowed_users of [
      [other.memberId],
      ['nobody-of-that-name'],
      [],
      Array.from({ length: 1001 }, (_, i) => `u${i}`),
    ]) {
      const answer = await patch(id, { allowed_users });
      expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
    }
    expect((await plane.call('GET', `/api/keys/${id}`, company.admin)).body.allowed_users).toBeNull();
  });

  test('are not for personal keys, nor for members to choose', async () => {
    const personal = await addKey(company.memberId);
    const answer = await patch(personal, { allowed_users: [company.memberId] }, company.member);
    expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
    const refused = await patch(await addKey(), { allowed_users: null }, company.member);
    expect(refused.body.code).toBe('auth.role');
  });

  test('decide who pays next: a key for others does not take over, and nobody’s personal key is told', async () => {
    const id = await addKey();
    await addKey(null, 1, [company.memberId]);
    await addKey(company.memberId);
    const impact = await plane.call('GET', `/api/keys/${id}/impact`, company.admin);
    expect(impact.body.next_payer).toEqual({ source: null, key: null });
    const restricted = await addKey(null, 2, [company.memberId]);
    const theirs = await plane.call('GET', `/api/keys/${restricted}/impact`, company.admin);
    expect(theirs.body.next_payer).toMatchObject({ source: 'own', key: { id } });
  });

  test('lose who is removed, and a key of nobody stays one', async () => {
    const id = await addKey(null, 0, [company.memberId]);
    const host = { ...(await plane.createTokenHeaders(['host'])), 'x-ownkey-company': company.externalId };
    const gone = await plane.call('DELETE', `/api/companies/${company.id}/users/${company.memberId}`, host);
    expect(gone.status).toBeLessThan(300);
    expect((await plane.call('GET', `/api/keys/${id}`, company.admin)).body.allowed_users).toEqual([]);
  });
});

describe('the promise of zero retention', () => {
  test('is the operator’s to give for a shared key, on record, and no company’s', async () => {
    const id = newId('key');
    await owner.query(
      `INSERT INTO keys (id, owner, provider, destination) VALUES ($1, 'platform', 'openai', 'catalogue:openai')`,
      [id],
    );
    const operator = await plane.createOperatorHeaders();
    const promise = (body: unknown) => plane.call('PATCH', `/api/operator/platform-keys/${id}`, operator, body);
    expect((await promise({ zero_retention: true })).body.zero_retention).toBe(true);
    const { rows } = await owner.query("SELECT data FROM audit_events WHERE kind = 'key.changed' AND key_id = $1", [
      id,
    ]);
    expect(rows).toMatchObject([{ data: { zero_retention: true } }]);
    expect((await promise({ label: 'x' })).body.zero_retention).toBe(true);
    expect((await promise({ allowed_users: [company.memberId] })).body.code).toBe('request.invalid');
    expect((await patch(await addKey(), { zero_retention: true })).body.code).toBe('request.invalid');
    await owner.query('DELETE FROM keys WHERE id = $1', [id]);
  });

  test('lets the shared key take over from the last own key under zero retention only where all of them carry it', async () => {
    await plane.call('PUT', '/api/settings', company.admin, { zero_retention: true });
    const ids = [newId('key'), newId('key')];
    for (const id of ids)
      await owner.query(
        `INSERT INTO keys (id, owner, provider, destination, zero_retention) VALUES ($1, 'platform', 'openai', 'catalogue:openai', $2)`,
        [id, id === ids[0]],
      );
    await owner.query("INSERT INTO sources (company_id, provider, source) VALUES ($1, 'openai', 'own')", [company.id]);
    const key = await addKey();
    const next = async () => (await plane.call('GET', `/api/keys/${key}/impact`, company.admin)).body.next_payer;
    expect(await next()).toEqual({ source: null, key: null });
    await owner.query('UPDATE keys SET zero_retention = true WHERE id = $1', [ids[1]]);
    expect(await next()).toEqual({ source: 'platform', key: null });
    const removed = await plane.call('DELETE', `/api/keys/${key}`, company.admin);
    expect(removed.body.next_payer.source).toBe('platform');
    await owner.query('DELETE FROM keys WHERE id = ANY ($1)', [ids]);
  });
});
