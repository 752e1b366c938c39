import { randomBytes } from 'node:crypto';
import { newId } from '@ownkey/contract/ids';
import { findUser, removeUser } from '@ownkey/server/domain/users/users';
import { type Database, openDatabase } from '@ownkey/server/storage/database';
import { AuditSealer } from '@ownkey/worker/audit/sealer';
import { verifyCompany } from '@ownkey/worker/audit/verify';
import { sqlOf } from '@ownkey/worker/database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testRing } from '../kit/egress.ts';
import { holdOf, settlement, useLedger } from '../kit/ledger.ts';
import { quiet } from '../kit/quiet-log.ts';

/** What is erased is nowhere any more: every table is looked through, and every moment an erasure can fall into. */
const kit = useLedger();
const ring = testRing();
let control: Database;

beforeAll(() => {
  control = openDatabase(kit.controlUrl, 4);
});
afterAll(() => control.close());

/** Tables (partitions apart) in any row of which `text` stands. */
async function tablesWith(text: string): Promise<string[]> {
  const { rows } = await kit.owner.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'ownkey'::regnamespace AND relkind IN ('r', 'p')
     AND NOT relispartition ORDER BY 1`,
  );
  const found: string[] = [];
  for (const { name } of rows) {
    const hit = await kit.owner.query(`SELECT 1 FROM ${name} t WHERE position($1 IN t::text) > 0 LIMIT 1`, [text]);
    if ((hit.rowCount ?? 0) > 0) found.push(name);
  }
  return found;
}

async function tablesWithColumn(column: string): Promise<string[]> {
  const { rows } = await kit.owner.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = $1
     WHERE c.relnamespace = 'ownkey'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`,
    [column],
  );
  return rows.map(({ name }) => name);
}

const erase = (id: string): Promise<unknown> =>
  control.everywhere((sql) => sql.rows("SELECT erase_company($1, 'op_test')", [id]));

async function sealAll(): Promise<void> {
  const sealer = new AuditSealer({ pool: kit.pool, kekRing: ring, log: quiet });
  await expect
    .poll(
      async () => {
        await sealer.sealAll();
        const { rows } = await kit.owner.query(
          'SELECT count(*)::int AS left FROM audit_events e LEFT JOIN audit_chain c ON c.event_id = e.id WHERE c.n IS NULL',
        );
        return rows[0].left;
      },
      { timeout: 15_000 },
    )
    .toBe(0);
}

/** A person with something in every table that may know them. */
async function seedPerson() {
  const id = newId('user');
  const tag = randomBytes(8).toString('hex');
  const person = { id, email: `mail-${tag}@example.com`, name: `name-${tag}`, externalId: `host-${tag}` };
  const login = newId('login');
  const [key, invitation] = [newId('key'), newId('invitation')];
  const { companyId } = kit;
  const rows: [string, unknown[]][] = [
    ["INSERT INTO logins (id, email, password_hash) VALUES ($1, $2, 'none')", [login, person.email]],
    [
      'INSERT INTO users (id, company_id, external_id, email, name, login_id) VALUES ($1, $2, $3, $4, $5, $6)',
      [id, companyId, person.externalId, person.email, person.name, login],
    ],
    [
      "INSERT INTO sessions (id, hash, login_id, expires_at, user_agent) VALUES ($1, $2, $3, now() + interval '1 day', $4)",
      [newId('session'), randomBytes(32), login, person.name],
    ],
    [
      "INSERT INTO one_time_codes (hash, purpose, login_id, expires_at) VALUES ($1, 'reset', $2, now() + interval '1 day')",
      [randomBytes(32), login],
    ],
    [
      "INSERT INTO tokens (id, hash, prefix, last4, name, company_id, user_id, scopes) VALUES ($1, $2, '', '', $3, $4, $5, '{}')",
      [newId('token'), randomBytes(32), person.name, companyId, id],
    ],
    [
      "INSERT INTO keys (id, owner, company_id, user_id, provider, destination, label) VALUES ($1, 'user', $2, $3, 'x', 'x', $4)",
      [key, companyId, id, person.name],
    ],
    ["INSERT INTO envelopes VALUES ($1, 1, 'kek_x', '', '', '')", [key]],
    [
      "INSERT INTO worker_jobs (id, kind, company_id, payload, actor) VALUES ($1, 'key.test', $2, $3, $4)",
      [newId('job'), companyId, JSON.stringify({ key_id: key, label: person.name }), id],
    ],
    [
      "INSERT INTO outbox (id, company_id, channel, event, dedupe_key, target, give_up_at) VALUES ($1, $2, 'mail', 'reset', $1, $3, now())",
      [newId('outbox'), companyId, person.email],
    ],
    [
      "INSERT INTO invitations (id, company_id, email, role, expires_at) VALUES ($1, $2, $3, 'member', now())",
      [invitation, companyId, person.email],
    ],
    [
      "INSERT INTO caps (company_id, subject, period) VALUES ($1, $2, 'day'), ($1, $3, 'day')",
      [companyId, id, `me:${id}`],
    ],
    [
      `UPDATE companies SET settings = settings || jsonb_build_object('notice_recipients', jsonb_build_array($2::text, 'other@example.com'))
       WHERE id = $1`,
      [companyId, person.email.toUpperCase()],
    ],
  ];
  for (const [statement, values] of rows) await kit.owner.query(statement, values);
  return person;
}

describe('a person who is removed', () => {
  test('is in no row of any table: no email, no name, no id of the host', async () => {
    const person = await seedPerson();
    const hold = holdOf(await kit.ask({ userId: person.id }));
    await kit.ledger.settle(hold, settlement(5n));
    for (const canary of [person.email, person.name, person.externalId])
      expect(await tablesWith(canary), canary).not.toEqual([]);
    await control.everywhere(async (sql) => {
      const user = await findUser(sql, kit.companyId, person.id);
      if (user === null) throw new Error('the person is not there');
      await removeUser(sql, user, 'op_test');
    });
    for (const canary of [person.email, person.email.toUpperCase(), person.name, person.externalId])
      expect(await tablesWith(canary), canary).toEqual([]);
    const { rows } = await kit.owner.query('SELECT settings FROM companies WHERE id = $1', [kit.companyId]);
    expect(rows[0].settings.notice_recipients).toEqual(['other@example.com']);
    // What is left is the id, in the record, in calls and in sums: it resolves to nothing, and the record still verifies.
    expect(await tablesWith(person.id)).toEqual(['audit_events', 'meters', 'requests', 'usage_hourly']);
    await sealAll();
    expect((await verifyCompany(sqlOf(kit.pool), ring, kit.companyId)).broken).toBeNull();
  });

  test('a table with people in it that erasing does not know of fails here', async () => {
    expect(await tablesWithColumn('user_id')).toEqual([
      'audit_events',
      'keys',
      'notices',
      'requests',
      'tokens',
      'usage_hourly',
    ]);
    expect(await tablesWithColumn('login_id')).toEqual(['one_time_codes', 'operators', 'sessions', 'users']);
    const { rows } = await kit.owner.query(
      `SELECT conrelid::regclass::text AS name FROM pg_constraint WHERE contype = 'f' AND confrelid IN ('users'::regclass, 'logins'::regclass)
       AND confdeltype <> 'c' AND conname <> 'users_login_id_fkey'`,
    );
    expect(rows).toEqual([]);
  });
});

describe('a company that is erased', () => {
  test("leaves its id in one entry of the installation's record alone, and that record verifies", async () => {
    const person = await seedPerson();
    await kit.ledger.settle(holdOf(await kit.ask({ userId: person.id, limits: [] })), settlement(5n));
    const { rows } = await kit.owner.query('SELECT name FROM companies WHERE id = $1', [kit.companyId]);
    await sealAll();
    await erase(kit.companyId);
    for (const canary of [person.email, person.name, person.externalId, person.id])
      expect(await tablesWith(canary), canary).toEqual([]);
    expect(await tablesWith(rows[0].name)).toEqual([]);
    expect(await tablesWith(kit.companyId)).toEqual(['audit_events']);
    await sealAll();
    expect((await verifyCompany(sqlOf(kit.pool), ring, '')).broken).toBeNull();
  });

  test('a table that belongs to companies is emptied by the catalog, also one that was made today', async () => {
    await kit.owner.query('CREATE TABLE made_today (company_id text, what text)');
    await kit.owner.query("INSERT INTO made_today VALUES ($1, 'x')", [kit.companyId]);
    await erase(kit.companyId);
    const { rowCount } = await kit.owner.query('SELECT 1 FROM made_today');
    await kit.owner.query('DROP TABLE made_today');
    expect(rowCount).toBe(0);
  });

  test('a reservation that is being made at that moment is waited for and erased with it', async () => {
    const slow = await kit.pool.connect();
    const reservation = await kit.reservation();
    await slow.query('BEGIN');
    const { rows } = await slow.query('SELECT outcome FROM reserve($1::jsonb)', [callOf(reservation)]);
    expect(rows[0].outcome).toBe('ok');
    const erased = erase(kit.companyId);
    await waitsForLock();
    await slow.query('COMMIT');
    slow.release();
    await erased;
    expect(await tablesWith(kit.companyId)).toEqual(['audit_events']);
    expect(await tablesWith(reservation.id)).toEqual([]);
  });

  test('a reservation that comes while it is being erased finds no company', async () => {
    const reservation = await kit.reservation();
    const eraser = kit.owner;
    await eraser.query('BEGIN');
    await eraser.query("SELECT erase_company($1, 'op_test')", [kit.companyId]);
    const late = kit.ledger.reserve(reservation);
    await waitsForLock();
    await eraser.query('COMMIT');
    expect(await late).toEqual({ outcome: 'missing' });
    expect(await tablesWith(reservation.id)).toEqual([]);
  });

  test('a settlement that comes during or after it leaves nothing', async () => {
    const [hold, other] = [holdOf(await kit.ask()), holdOf(await kit.ask())];
    const slow = await kit.pool.connect();
    await slow.query('BEGIN');
    await slow.query('SELECT id FROM settle($1::jsonb)', [
      JSON.stringify([{ id: hold.id, day: hold.day, http_status: 200, cost_nano_usd: '5' }]),
    ]);
    const erased = erase(kit.companyId);
    await waitsForLock();
    await slow.query('COMMIT');
    slow.release();
    await erased;
    await kit.ledger.settle(other, settlement(5n));
    expect(await tablesWith(kit.companyId)).toEqual(['audit_events']);
  });

  test('many calls and an erasure at once leave nothing', async () => {
    const calls = Array.from({ length: 40 }, async () => {
      const outcome = await kit.ask();
      if (outcome.outcome === 'ok') await kit.ledger.settle(outcome.hold, settlement(1n));
      return outcome.outcome;
    });
    const { companyId } = kit;
    const [outcomes] = await Promise.all([Promise.allSettled(calls), erase(companyId)]);
    expect(outcomes.length).toBe(40);
    expect(await tablesWith(companyId)).toEqual(['audit_events']);
  });

  test('an entry that a late transaction adds to its record goes with the next upkeep', async () => {
    await erase(kit.companyId);
    await kit.owner.query("INSERT INTO audit_events (company_id, kind) VALUES ($1, 'signed_out')", [kit.companyId]);
    await control.everywhere((sql) => sql.rows('SELECT sweep_erased()'));
    const { rowCount } = await kit.owner.query('SELECT 1 FROM audit_events WHERE company_id = $1', [kit.companyId]);
    expect(rowCount).toBe(0);
  });
});

/** Until some statement of this database waits for a lock. */
async function waitsForLock(): Promise<void> {
  await expect
    .poll(async () => {
      const watcher = await kit.pool.query(
        'SELECT count(*)::int AS waiting FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()',
      );
      return watcher.rows[0].waiting;
    })
    .toBeGreaterThan(0);
}

function callOf(reservation: Awaited<ReturnType<typeof kit.reservation>>): string {
  return JSON.stringify([
    {
      id: reservation.id,
      company_id: reservation.companyId,
      config_version: reservation.configVersion,
      global_version: reservation.globalVersion,
      provider: 'acme',
      slug: 'acme',
      model: 'm',
      key_source: 'own',
      kind: 'call',
      reserved_nano_usd: '10',
    },
  ]);
}
