import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KekRing } from '@ownkey/vault/kek';
import { loadKekFile } from '@ownkey/vault/kek-file';
import { createKekFile } from '@ownkey/vault/kek-write';
import { AuditSealer } from '@ownkey/worker/audit/sealer';
import { createPool } from '@ownkey/worker/database';
import type { Client, Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testRing } from '../kit/egress.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { quiet } from '../kit/quiet-log.ts';
import { seedCompany } from '../kit/worker-rows.ts';

/**
 * Threat 22: the audit is changed by a role of the product, or by the superuser of the database, who lacks the master key alone. What
 * finds it is the command as an operator runs it. packages/worker/src/audit/audit.db.test.ts has every kind of row.
 */
const CLI = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const database = useTestDatabase();
let folder: string;
let superuser: Client;
let pool: Pool;
let ring: KekRing;
let mine: string;
let other: string;
/** Ids of my events, oldest first. */
let ids: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ownkey-audit-'));
  createKekFile(join(folder, 'kek'));
  ring = new KekRing(loadKekFile(join(folder, 'kek')));
  superuser = await database.connect('superuser');
  await superuser.query('SET search_path = ownkey');
  pool = createPool({ connectionString: database.workerUrl, name: 'audit', connectionsMax: 2, log: quiet });
});
afterAll(async () => {
  await pool.end();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  await superuser.query('TRUNCATE audit_events, audit_chain, audit_heads, companies CASCADE');
  await superuser.query("UPDATE audit_sealer SET xid = '0', seq = 0");
  [mine, other] = [await makeCompany(), await makeCompany()];
  for (const company of [mine, other, mine, mine]) await event(company);
  await sealAll();
  ids = (await superuser.query('SELECT id FROM audit_events WHERE company_id = $1 ORDER BY seq', [mine])).rows.map(
    ({ id }) => id,
  );
});

/** A company with the events that its making leaves. */
async function makeCompany(): Promise<string> {
  const id = await seedCompany(superuser);
  await event(id, 'company.created');
  await superuser.query(
    "INSERT INTO audit_events (kind, actor, data) VALUES ('company.created', 'x', jsonb_build_object('company', $1::text))",
    [id],
  );
  return id;
}

async function event(company: string, kind = 'settings.changed'): Promise<void> {
  await superuser.query(
    `INSERT INTO audit_events (company_id, kind, actor, data) VALUES ($1, $2, 'usr_x', '{"a": 1}')`,
    [company, kind],
  );
}

async function sealAll(withRing = ring): Promise<void> {
  const sealer = new AuditSealer({ pool, kekRing: withRing, log: quiet });
  for (;;) {
    await sealer.sealAll();
    const { rows } = await superuser.query(
      'SELECT (SELECT count(*) FROM audit_events) = (SELECT count(*) FROM audit_chain) AS whole',
    );
    if (rows[0].whole) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** `ownkey audit verify`, as an operator runs it: exit code and lines. */
function verify(): Promise<{ code: number | null; lines: string[] }> {
  const env = {
    PATH: process.env.PATH ?? '',
    OWNKEY_DATA_DIR: folder,
    OWNKEY_KEK_FILE: join(folder, 'kek'),
    OWNKEY_WORKER_DATABASE_URL: database.workerUrl,
  };
  const child = spawn(process.execPath, [CLI, 'audit', 'verify'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, lines: text.trim().split('\n') })));
}

test('unchanged, the command says so of every company', async () => {
  const { code, lines } = await verify();
  expect(lines.filter((line) => line.startsWith('ok '))).toHaveLength(3);
  expect([code, lines.at(-1)]).toEqual([0, 'The audit is unchanged.']);
});

describe('neither role of the product may change what is on record:', () => {
  const TABLES = ['audit_events', 'audit_chain'] as const;
  const roles = ['control', 'worker'] as const;
  const tries = roles.flatMap((role) =>
    TABLES.flatMap((table) => [
      [role, `UPDATE ${table} SET ${table === 'audit_events' ? "actor = 'x'" : "hash = 'x'"}`] as const,
      [role, `DELETE FROM ${table}`] as const,
      [role, `TRUNCATE ${table}`] as const,
      [role, `ALTER TABLE ${table} DISABLE TRIGGER ALL`] as const,
    ]),
  );
  const heads = ["UPDATE audit_heads SET mac = 'x'", "INSERT INTO audit_heads VALUES ('x', 1, 'x', 'x', 'x')"];
  test.each([
    ...tries,
    ...heads.map((statement) => ['control', statement] as const),
    ...roles.map((role) => [role, 'DELETE FROM audit_heads'] as const),
    ['control', 'UPDATE audit_sealer SET seq = 0'] as const,
  ])('%s: %s', async (role, statement) => {
    const client = await database.connect(role);
    await client.query('SET search_path = ownkey');
    await client.query("SET ownkey.company = '*'");
    await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
    await client.end();
  });
});

describe('what somebody with the database did is named by the command:', () => {
  test.each<[string, () => Promise<unknown>, () => RegExp]>([
    [
      'one row edited',
      () => superuser.query(`UPDATE audit_events SET data = '{"a": 2}' WHERE id = $1`, [ids[1]]),
      () => new RegExp(`^BROKEN +${mine}: event ${ids[1]}: the event was changed`),
    ],
    [
      'one row removed',
      () => superuser.query('DELETE FROM audit_events WHERE id = $1', [ids[2]]),
      () => new RegExp(`^BROKEN +${mine}: event ${ids[2]}: the event was removed`),
    ],
    [
      'the tail cut off, events and chain',
      async () => {
        await superuser.query('DELETE FROM audit_chain WHERE event_id = $1', [ids[3]]);
        await superuser.query('DELETE FROM audit_events WHERE id = $1', [ids[3]]);
      },
      () => new RegExp(`^BROKEN +${mine}: event ${ids[2]}: 1 entries after it are missing`),
    ],
    [
      'two entries of the chain swapped',
      async () => {
        const { rows } = await superuser.query(
          'DELETE FROM audit_chain WHERE event_id IN ($1, $2) RETURNING n::text, event_id, hash',
          [ids[1], ids[2]],
        );
        for (const [at, { n, hash }] of rows.entries())
          await superuser.query('INSERT INTO audit_chain (company_id, n, event_id, hash) VALUES ($1, $2, $3, $4)', [
            mine,
            n,
            rows[1 - at].event_id,
            hash,
          ]);
      },
      () => new RegExp(`^BROKEN +${mine}: event ${ids[2]}: the event was changed, or its entry`),
    ],
    [
      'an event moved to the other company',
      () => superuser.query('UPDATE audit_events SET company_id = $2 WHERE id = $1', [ids[1], other]),
      () => new RegExp(`^BROKEN +${mine}: event ${ids[1]}: the event was changed`),
    ],
    [
      'a head forged over a shorter chain, without the master key',
      async () => {
        await superuser.query('DELETE FROM audit_chain WHERE event_id = $1', [ids[3]]);
        await superuser.query('DELETE FROM audit_events WHERE id = $1', [ids[3]]);
        await superuser.query(
          `UPDATE audit_heads h SET n = c.n, hash = c.hash, mac = sha256('forged') FROM audit_chain c
           WHERE h.company_id = $1 AND c.event_id = $2`,
          [mine, ids[2]],
        );
      },
      () => new RegExp(`^BROKEN +${mine}: event ${ids[2]}: the head of the chain is not authentic`),
    ],
    [
      'the head of the other company put in the place of mine',
      () =>
        superuser.query(
          `UPDATE audit_heads m SET n = o.n, hash = o.hash, mac = o.mac FROM audit_heads o
           WHERE m.company_id = $1 AND o.company_id = $2`,
          [mine, other],
        ),
      () => new RegExp(`^BROKEN +${mine}: .*(?:not authentic|missing)`),
    ],
    [
      'everything sealed anew over changed events, with another master key of the same id',
      async () => {
        await superuser.query(`UPDATE audit_events SET data = '{"a": 2}' WHERE id = $1`, [ids[1]]);
        await superuser.query('TRUNCATE audit_chain, audit_heads');
        await superuser.query("UPDATE audit_sealer SET xid = '0', seq = 0");
        await sealAll(testRing());
        await superuser.query('UPDATE audit_heads SET kek_id = $1', [ring.currentId]);
      },
      () => new RegExp(`^BROKEN +${mine}: .*not authentic`),
    ],
    [
      "a company's whole chain, its events left",
      () =>
        superuser.query(
          'WITH h AS (DELETE FROM audit_heads WHERE company_id = $1) DELETE FROM audit_chain WHERE company_id = $1',
          [mine],
        ),
      () => new RegExp(`^BROKEN +${mine}: event ${ids[0]}: .*not in the chain`),
    ],
    [
      "a company's whole record, chain, head and events",
      async () => {
        for (const table of ['audit_chain', 'audit_heads', 'audit_events'])
          await superuser.query(`DELETE FROM ${table} WHERE company_id = $1`, [mine]);
      },
      () => new RegExp(`^BROKEN +installation: event aud_\\w+: the whole record of ${mine}.* is missing`),
    ],
    [
      'a company with all it has, past the function that erases it',
      async () => {
        for (const table of ['audit_chain', 'audit_heads', 'audit_events'])
          await superuser.query(`DELETE FROM ${table} WHERE company_id = $1`, [mine]);
        await superuser.query('DELETE FROM companies WHERE id = $1', [mine]);
      },
      () => new RegExp(`^BROKEN +installation: event aud_\\w+: the whole record of ${mine}.* is missing`),
    ],
  ])('%s', async (_, tamper, expected) => {
    await tamper();
    const { code, lines } = await verify();
    expect(lines.filter((line) => line.startsWith('BROKEN'))).toContainEqual(expect.stringMatching(expected()));
    expect(code).toBe(1);
  });
});

test('a company erased as the product does it leaves an audit that verifies', async () => {
  await superuser.query("SELECT erase_company($1, 'op_x')", [mine]);
  await sealAll();
  const { code, lines } = await verify();
  expect([code, lines.at(-1)]).toEqual([0, 'The audit is unchanged.']);
  expect(lines.join('\n')).not.toContain(mine);
});
