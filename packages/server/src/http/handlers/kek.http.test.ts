import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useControlPlane } from '../../../../../tests/kit/control-plane.ts';

const plane = useControlPlane();
let owner: Client;
let operator: Readonly<Record<string, string>>;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  operator = await plane.createOperatorHeaders();
});
beforeEach(() => owner.query('TRUNCATE keks, kek_holders, kek_rotations'));

const insertKek = (id: string, state: string, daysAgo: number) =>
  owner.query(
    `INSERT INTO keks (id, check_value, source, state, current_at, replaced_at)
     VALUES ($1, 'check-value', 'file', $2, CASE WHEN $2 = 'current' THEN now() - make_interval(days => $3) END,
       CASE WHEN $2 = 'closed' THEN now() - make_interval(days => $3) END)`,
    [id, state, daysAgo],
  );

describe('the state of the master key', () => {
  test('before a worker has started there is none, and nothing is promised', async () => {
    const { status, body } = await plane.call('GET', '/api/operator/kek', operator);
    expect(status).toBe(200);
    expect(body).toMatchObject({ current: null, keks: [], rotation: null, epoch: { removed_unreadable_by: null } });
  });

  test('names master keys, what is under each, who holds them and what does not open, and no check value', async () => {
    await insertKek('kek_old', 'closed', 1);
    await insertKek('kek_now', 'current', 1);
    await owner.query(
      `INSERT INTO kek_holders (worker_id, kek_ids, writes, seen_at)
       VALUES ('w1', '{kek_old,kek_now}', 'kek_now', now()), ('gone', '{kek_old}', 'kek_old', now() - interval '1 hour')`,
    );
    const company = await plane.createCompany();
    const key = newId('key');
    await owner.query(
      `INSERT INTO keys (id, owner, company_id, provider, destination, status)
       VALUES ($1, 'company', $2, 'openai', 'catalogue:openai', 'undecryptable')`,
      [key, company.id],
    );
    await owner.query(
      `INSERT INTO envelopes (key_id, version, kek_id, wrapped_dek, commitment, body) VALUES ($1, 1, 'kek_now', 'a', 'b', 'c')`,
      [key],
    );
    const { body, text } = await plane.call('GET', '/api/operator/kek', operator);
    expect(body.current).toMatchObject({ id: 'kek_now', source: 'file' });
    expect(body.keks.map(({ id, rows }: { id: string; rows: object }) => [id, rows])).toEqual([
      ['kek_old', { stored_keys: 0, sealing_keys: 0, audit_heads: 0 }],
      ['kek_now', { stored_keys: 1, sealing_keys: 0, audit_heads: 0 }],
    ]);
    expect(body.workers.map(({ id }: { id: string }) => id)).toEqual(['w1']);
    expect(body.unopenable).toEqual({ count: 1, keys: [{ id: key, company: company.id }] });
    expect(text).not.toContain('check-value');
  });

  test('the date for removed keys is the end of the epoch and of the backups, also where a key is removed', async () => {
    await insertKek('kek_now', 'current', 10);
    const { body } = await plane.call('GET', '/api/operator/kek', operator);
    const since = new Date(body.current.since).getTime();
    const by = new Date(since + 60 * 86_400_000).toISOString();
    expect(body.epoch).toMatchObject({ days: 30, backup_days: 30, overdue: false, removed_unreadable_by: by });
    const company = await plane.createCompany();
    const key = newId('key');
    await owner.query(
      `INSERT INTO keys (id, owner, company_id, provider, destination) VALUES ($1, 'company', $2, 'openai', 'catalogue:openai')`,
      [key, company.id],
    );
    const impact = await plane.call('GET', `/api/keys/${key}/impact`, company.admin);
    expect(impact.body.backups_unreadable_by).toBe(by);
    const removed = await plane.call('DELETE', `/api/keys/${key}`, company.admin);
    expect(removed.body).toMatchObject({ removed: true, backups_unreadable_by: by });
  });

  test('no date is promised once a rotation or a destruction is overdue', async () => {
    await insertKek('kek_now', 'current', 31);
    const late = await plane.call('GET', '/api/operator/kek', operator);
    expect(late.body.epoch).toMatchObject({ overdue: true, removed_unreadable_by: null });
    await owner.query(`UPDATE keks SET current_at = now() - interval '1 day'`);
    await insertKek('kek_old', 'closed', 31);
    const kept = await plane.call('GET', '/api/operator/kek', operator);
    expect(kept.body.epoch).toMatchObject({ overdue: true, removed_unreadable_by: null });
  });
});

describe('a rotation', () => {
  test('is ordered once, shown with its progress, and recorded', async () => {
    const ordered = await plane.call('POST', '/api/operator/kek/rotations', operator);
    expect(ordered.status).toBe(202);
    expect(ordered.body).toMatchObject({ step: 'ordered', finished_at: null });
    await owner.query(
      `UPDATE kek_rotations SET step = 'rewrapping', rows_total = 10, rows_done = 4, waiting_for = '{w9}', damaged = '{key_x}'`,
    );
    const { body } = await plane.call('GET', '/api/operator/kek', operator);
    expect(body.rotation).toMatchObject({
      id: ordered.body.id,
      step: 'rewrapping',
      rows_total: 10,
      rows_done: 4,
      waiting_for: ['w9'],
      damaged: ['key_x'],
    });
    const { rows } = await owner.query("SELECT data FROM audit_events WHERE kind = 'kek.rotation_ordered'");
    expect(rows).toEqual([{ data: { rotation: ordered.body.id } }]);
  });

  test('is refused while one is open: of ten orders at once one is taken', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => plane.call('POST', '/api/operator/kek/rotations', operator)),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    for (const { status, body } of answers.filter(({ status: seen }) => seen !== 202)) {
      expect([status, body.code]).toEqual([409, 'conflict.exists']);
    }
    await owner.query("UPDATE kek_rotations SET step = 'done', finished_at = now()");
    expect((await plane.call('POST', '/api/operator/kek/rotations', operator)).status).toBe(202);
  });

  test('cannot be ordered together with destroying, nor into another step', async () => {
    const control = await plane.postgres.connect('control');
    for (const columns of [
      "(id, ordered_by, destroy_old) VALUES ('r', 'x', true)",
      "(id, ordered_by, step) VALUES ('r', 'x', 'done')",
    ]) {
      await expect(control.query(`INSERT INTO kek_rotations ${columns}`)).rejects.toMatchObject({ code: '42501' });
    }
  });
});
