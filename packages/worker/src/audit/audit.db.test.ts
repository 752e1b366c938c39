import { newId } from '@ownkey/contract/ids';
import type { KekRing } from '@ownkey/vault/kek';
import type { Client, Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testRing } from '../../../../tests/kit/egress.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { quiet } from '../../../../tests/kit/quiet-log.ts';
import { seedCompany } from '../../../../tests/kit/worker-rows.ts';
import { verifyAll } from '../audit-verify.ts';
import { createPool, sqlOf } from '../database.ts';
import { AuditSealer } from './sealer.ts';
import { verifyCompany } from './verify.ts';

const database = useTestDatabase();
let owner: Client;
let superuser: Client;
let pool: Pool;
let ring: KekRing;
let sealer: AuditSealer;
let company: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  superuser = await database.connect('superuser');
  pool = createPool({ connectionString: database.workerUrl, name: 'audit', connectionsMax: 6, log: quiet });
});
afterAll(() => pool.end());
beforeEach(async () => {
  await superuser.query('TRUNCATE ownkey.audit_events, ownkey.audit_chain, ownkey.audit_heads, ownkey.requests');
  ring = testRing();
  sealer = new AuditSealer({ pool, kekRing: ring, log: quiet });
  company = await seedCompany(owner);
});

async function event(companyId: string | null, kind = 'settings.changed', client: Client = owner): Promise<string> {
  const { rows } = await client.query(
    `INSERT INTO ownkey.audit_events (company_id, kind, actor, data) VALUES ($1, $2, 'usr_x', '{"a": 1}') RETURNING id`,
    [companyId, kind],
  );
  return rows[0].id;
}

/** One settled call through the ledger's own functions. */
async function settledCall(): Promise<string> {
  const id = newId('request');
  const { rows } = await owner.query(
    `SELECT c.config_version AS cv, i.config_version AS gv FROM ownkey.companies c, ownkey.installation i WHERE c.id = $1`,
    [company],
  );
  const call = {
    id,
    company_id: company,
    config_version: rows[0].cv,
    global_version: rows[0].gv,
    provider: 'openai',
    slug: 'openai',
    model: 'm',
    key_source: 'own',
    kind: 'call',
  };
  const reserved = await owner.query('SELECT day FROM ownkey.reserve($1::jsonb)', [JSON.stringify([call])]);
  const end = {
    id,
    day: reserved.rows[0].day,
    http_status: 200,
    input_tokens: 10,
    output_tokens: 5,
    cost_nano_usd: 1000,
  };
  await owner.query('SELECT ownkey.settle($1::jsonb)', [JSON.stringify([end])]);
  return id;
}

/** Other databases of the same server hold the sealing line back for moments. */
async function sealAll(one = sealer): Promise<number> {
  for (let sealed = 0; ; ) {
    sealed += await one.sealAll();
    const { rows } = await superuser.query(
      'SELECT (SELECT count(*) FROM ownkey.audit_events) = (SELECT count(*) FROM ownkey.audit_chain) AS whole',
    );
    if (rows[0].whole) return sealed;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const verify = (of = company) => verifyCompany(sqlOf(pool), ring, of);

test('events are sealed in chains of their companies, and an untouched audit verifies', async () => {
  for (let i = 0; i < 5; i++) await event(company);
  const other = await seedCompany(owner);
  await event(other);
  await event(null);
  await settledCall();
  expect(await sealAll()).toBe(9);
  expect(await sealer.sealAll()).toBe(0);
  expect(await verify()).toMatchObject({ checked: 7, broken: null });
  expect(await verify(other)).toMatchObject({ checked: 1, broken: null });
  expect(await verify('')).toMatchObject({ checked: 1, broken: null });
  await event(company);
  await sealAll();
  expect(await verify()).toMatchObject({ checked: 8, broken: null });
});

test('an event is not sealed while an older transaction may still add one before it', async () => {
  const open = await database.connect('owner');
  await open.query('BEGIN');
  const early = await event(company, 'settings.changed', open);
  const late = await event(company);
  expect(await sealer.sealAll()).toBe(0);
  await open.query('COMMIT');
  expect(await sealAll()).toBe(2);
  const { rows } = await owner.query('SELECT event_id FROM ownkey.audit_chain WHERE company_id = $1 ORDER BY n', [
    company,
  ]);
  expect(rows.map(({ event_id }) => event_id)).toEqual([early, late]);
  expect((await verify()).broken).toBeNull();
});

test('several sealers at once, in small batches, make one chain without a gap', async () => {
  for (let i = 0; i < 60; i++) await event(company);
  const sealers = Array.from({ length: 4 }, () => new AuditSealer({ pool, kekRing: ring, log: quiet, batch: 7 }));
  let sealed = 0;
  while (sealed < 60) sealed += (await Promise.all(sealers.map((one) => one.sealAll()))).reduce((a, b) => a + b, 0);
  expect(await verify()).toMatchObject({ checked: 60, broken: null });
});

describe('tampering is found and named:', () => {
  test.each<[string, (ids: readonly string[]) => [string, unknown[]], string]>([
    [
      'a changed fact',
      (ids) => [`UPDATE ownkey.audit_events SET data = '{"a": 2}' WHERE id = $1`, [ids[2]]],
      'changed',
    ],
    ['a changed actor', (ids) => [`UPDATE ownkey.audit_events SET actor = 'other' WHERE id = $1`, [ids[2]]], 'changed'],
    [
      'a changed time',
      (ids) => [`UPDATE ownkey.audit_events SET at = at + interval '1 us' WHERE id = $1`, [ids[2]]],
      'changed',
    ],
    [
      'an event given to another company',
      (ids) => [`UPDATE ownkey.audit_events SET company_id = NULL WHERE id = $1`, [ids[2]]],
      'changed',
    ],
    ['a removed event', (ids) => ['DELETE FROM ownkey.audit_events WHERE id = $1', [ids[2]]], 'removed'],
    [
      'a changed entry of the chain',
      (ids) => [`UPDATE ownkey.audit_chain SET hash = sha256('x') WHERE event_id = $1`, [ids[2]]],
      'changed',
    ],
  ])('%s', async (_, tamper, problem) => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await event(company));
    await sealAll();
    const [sql, values] = tamper(ids);
    await superuser.query(sql, values);
    const { broken, checked } = await verify();
    expect(broken).toMatchObject({ company, event_id: ids[2] });
    expect(broken?.problem).toContain(problem);
    expect(checked).toBe(2);
  });

  test('an entry taken out of the chain', async () => {
    const ids = [await event(company), await event(company), await event(company)];
    await sealAll();
    await superuser.query('DELETE FROM ownkey.audit_chain WHERE event_id = $1', [ids[1]]);
    expect((await verify()).broken).toMatchObject({ event_id: ids[2] });
  });

  test('the end cut off, with its events, its chain and its head', async () => {
    const ids = [await event(company), await event(company), await event(company)];
    await sealAll();
    const head = await owner.query('SELECT * FROM ownkey.audit_heads WHERE company_id = $1', [company]);
    await superuser.query('DELETE FROM ownkey.audit_events WHERE id = $1', [ids[2]]);
    await superuser.query('DELETE FROM ownkey.audit_chain WHERE event_id = $1', [ids[2]]);
    expect((await verify()).broken).toMatchObject({ event_id: ids[1] });
    const { rows } = await owner.query('SELECT n, hash FROM ownkey.audit_chain WHERE event_id = $1', [ids[1]]);
    await superuser.query('UPDATE ownkey.audit_heads SET n = $2, hash = $3 WHERE company_id = $1', [
      company,
      rows[0].n,
      rows[0].hash,
    ]);
    expect((await verify()).broken?.problem).toContain('not authentic');
    expect(head.rows).toHaveLength(1);
  });

  test('a chain made anew over changed events, without the master key', async () => {
    const ids = [await event(company), await event(company)];
    await sealAll();
    await superuser.query(`UPDATE ownkey.audit_events SET data = '{"a": 2}' WHERE id = $1`, [ids[1]]);
    await superuser.query('DELETE FROM ownkey.audit_chain');
    await superuser.query('DELETE FROM ownkey.audit_heads');
    await superuser.query("UPDATE ownkey.audit_sealer SET xid = '0', seq = 0");
    await sealAll(new AuditSealer({ pool, kekRing: testRing(), log: quiet }));
    expect((await verify()).broken?.problem).toContain('not authentic');
  });

  test('an event put in below the line', async () => {
    await event(company);
    await sealAll();
    await superuser.query(
      `INSERT INTO ownkey.audit_events (xid, company_id, kind, data) SELECT xid, company_id, kind, '{"forged": true}'
       FROM ownkey.audit_events WHERE company_id = $1`,
      [company],
    );
    await superuser.query('UPDATE ownkey.audit_sealer SET seq = (SELECT max(seq) FROM ownkey.audit_events)');
    expect((await verify()).broken?.problem).toContain('put in afterwards');
  });

  test.each([
    ['the cost of a settled call', 'UPDATE ownkey.requests SET cost_nano_usd = 1 WHERE id = $1'],
    ['its cost set to unknown', 'UPDATE ownkey.requests SET cost_nano_usd = NULL WHERE id = $1'],
    ['its tokens', 'UPDATE ownkey.requests SET output_tokens = 1 WHERE id = $1'],
    ['its payer', "UPDATE ownkey.requests SET key_source = 'platform' WHERE id = $1"],
    ['the whole row', 'DELETE FROM ownkey.requests WHERE id = $1'],
  ])('%s', async (_, sql) => {
    const id = await settledCall();
    await sealAll();
    expect((await verify()).broken).toBeNull();
    await superuser.query(sql, [id]);
    const { rows } = await owner.query(
      `SELECT id FROM ownkey.audit_events WHERE request_id = $1 AND kind = 'call.settled'`,
      [id],
    );
    expect((await verify()).broken).toMatchObject({ company, event_id: rows[0].id });
    expect((await verify()).broken?.problem).toContain(id);
  });

  test('a settled call without its event', async () => {
    const id = await settledCall();
    await superuser.query("DELETE FROM ownkey.audit_events WHERE request_id = $1 AND kind = 'call.settled'", [id]);
    await sealAll();
    expect((await verify()).broken).toMatchObject({ event_id: id });
  });
});

test('neither role can change or remove what is on record', async () => {
  await event(company);
  await sealAll();
  for (const role of ['control', 'worker'] as const) {
    const client = await database.connect(role);
    await client.query("SET ownkey.company = '*'");
    for (const sql of [
      'UPDATE audit_events SET data = data',
      'DELETE FROM audit_events',
      'UPDATE audit_chain SET hash = hash',
      'DELETE FROM audit_chain',
      'DELETE FROM audit_heads',
      'TRUNCATE audit_events',
    ]) {
      await expect(client.query(sql), `${role}: ${sql}`).rejects.toMatchObject({ code: '42501' });
    }
  }
});

test('the report of the command names every company and says by its exit code whether all is unchanged', async () => {
  const ids = [await event(company), await event(company)];
  await sealAll();
  const lines: string[] = [];
  expect(await verifyAll(database.workerUrl, ring, (line) => lines.push(line))).toBe(0);
  expect(lines.find((line) => line.includes(company))).toMatch(/^ok .*: 2 events, sealed up to /);
  await superuser.query("UPDATE ownkey.audit_events SET actor = 'x' WHERE id = $1", [ids[0]]);
  lines.length = 0;
  expect(await verifyAll(database.workerUrl, ring, (line) => lines.push(line))).toBe(1);
  expect(lines.join('\n')).toContain(`BROKEN  ${company}: event ${ids[0]}`);
});
