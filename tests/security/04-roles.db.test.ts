import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error plain JavaScript, also run by people
import { dumpSchema } from '../../tools/schema.mjs';
import { useTestDatabase } from '../kit/postgres.ts';

/**
 * What each plane's role may do to each table. S select, I insert, U update, D delete; columns in brackets where a right is for
 * those alone. A table that is not here, or a right that is not written here, fails.
 */
const RIGHTS: Record<string, { control: string; worker: string }> = {
  alerts: { control: 'S U(told_at)', worker: '' },
  audit_chain: { control: 'S', worker: 'I S' },
  audit_checkpoints: { control: 'S', worker: 'I S U(kek_id,mac)' },
  audit_events: { control: 'I S', worker: 'I S' },
  audit_heads: { control: 'S', worker: 'I S U' },
  audit_sealer: { control: '', worker: 'S U' },
  caps: { control: 'D I S U', worker: 'S' },
  companies: { control: 'I S U', worker: 'S' },
  envelopes: { control: '', worker: 'I S U' },
  installation: { control: 'S U(settings)', worker: 'S' },
  invitations: { control: 'D I S', worker: '' },
  kek_holders: { control: 'S', worker: 'D I S U' },
  kek_rotations: { control: 'I(id,ordered_by) S', worker: 'I S U' },
  keks: { control: 'S', worker: 'I S U' },
  keys: {
    control:
      'D S U(allowed_models,allowed_users,changed_at,changed_by,enabled,label,position,row_version,zero_retention)',
    worker:
      'I S U(base_url,changed_at,changed_by,destination,keyless,last4,latency_ms,mask,models_count,permissions,row_version,status,status_detail,tested_at,version)',
  },
  logins: { control: 'D I S U(password_changed_at,password_hash)', worker: '' },
  meters: { control: 'S', worker: 'S' },
  model_lists: { control: 'S', worker: 'I S U' },
  notices: { control: 'S U(dismissed_by,end_told_at,start_told_at)', worker: 'S' },
  one_time_codes: { control: 'D I S', worker: '' },
  operation_models: { control: 'D I S U', worker: 'S' },
  operators: { control: 'D I S', worker: '' },
  outbox: {
    control: 'D I S U(attempts,http_status,last_error,leased_until,next_try_at,payload,sent_at,state)',
    worker: '',
  },
  plans: { control: 'D I S U', worker: 'S' },
  prices: { control: 'I S U(ended_at)', worker: 'S' },
  removed_keys: { control: '', worker: 'S' },
  requests: { control: 'S', worker: 'S' },
  requests_other: { control: '', worker: '' },
  reservations: { control: 'S', worker: 'S' },
  sealing_keys: { control: 'S(created_at,fingerprint,kid,public_key,retired_at)', worker: 'I S U' },
  sessions: { control: 'D I S U(expires_at,last_seen_at)', worker: '' },
  sign_in_tries: { control: 'D I S U', worker: '' },
  sources: { control: 'D I S U', worker: 'I S U' },
  tokens: {
    control: 'D I S U(concurrent_requests,expires_at,last_used_at,name,requests_per_minute)',
    worker: 'S U(last_used_at)',
  },
  usage_hourly: { control: 'S', worker: '' },
  used_nonces: { control: '', worker: 'D I S' },
  users: { control: 'D I S U', worker: 'I S' },
  webhooks: {
    control: 'D I S U(enabled,events,last_delivered_at,last_status,last_tried_at,url)',
    worker: '',
  },
  worker_jobs: {
    control:
      'I S(actor,company_id,created_at,error_code,expires_at,finished_at,id,idempotency_key,kind,payload,result,state,steps,taken_at)',
    worker: 'D I S U',
  },
};

/** Who may call which function; those of triggers and inner ones are for nobody. */
const FUNCTIONS: Record<string, string> = {
  audit_days: 'control worker',
  audit_text: 'control worker',
  bump_company: '',
  bump_on_change: '',
  bump_on_company_change: '',
  bump_on_plan_change: '',
  bump_on_price_change: '',
  bury_keys: 'worker',
  clean_meters: 'control',
  end_notices: 'worker',
  company_lock: '',
  drop_old_partitions: 'control',
  due_retention: 'control',
  ensure_partitions: 'control',
  erase_company: 'control',
  erase_rows: '',
  erase_user: 'control',
  expire: 'worker',
  find_session: 'control',
  find_token: 'control',
  kek_rows: 'control worker',
  ledger_now: 'control worker',
  meet_caps: 'control',
  note_alert: '',
  notice_fallbacks: '',
  notice_key_change: '',
  notice_rule_change: '',
  notice_source_change: '',
  open_notice: '',
  note_expired_use: 'control worker',
  note_removed_key: '',
  refuse_closed_kek: '',
  remove_login: '',
  renew: 'worker',
  reserve: 'worker',
  reserve_held: '',
  retain_step: 'control',
  retain_sums: 'control',
  settle: 'worker',
  sweep_erased: 'control',
  tell_alert: '',
  tell_company_gone: '',
  tell_job: '',
  tell_key_gone: '',
};

const database = useTestDatabase();
let superuser: Client;
let control: Client;
let worker: Client;

beforeAll(async () => {
  superuser = await database.connect('superuser');
  await superuser.query('SET search_path = ownkey');
  control = await database.connect('control');
  worker = await database.connect('worker');
});

/** The rights of a role on a table as PostgreSQL itself sees them, in the notation of `RIGHTS`. */
async function rightsOf(role: string, table: string): Promise<string> {
  const { rows } = await superuser.query<{ right: string; whole: boolean; columns: string[] | null; other: boolean }>(
    `SELECT left(p, 1) AS right, has_table_privilege($1, $2::regclass, p) AS whole,
       CASE WHEN p = 'DELETE' THEN NULL ELSE (SELECT array_agg(attname::text ORDER BY attname) FROM pg_attribute
         WHERE attrelid = $2::regclass AND attnum > 0 AND NOT attisdropped
           AND has_column_privilege($1, $2::regclass, attnum, p)) END AS columns,
       has_table_privilege($1, $2::regclass, 'TRUNCATE, REFERENCES, TRIGGER') AS other
     FROM unnest(ARRAY['DELETE', 'INSERT', 'SELECT', 'UPDATE']) p`,
    [role, `ownkey.${table}`],
  );
  const parts = rows.flatMap(({ right, whole, columns, other }) => {
    if (other) return ['more'];
    if (whole) return [right];
    return columns === null ? [] : [`${right}(${columns.join(',')})`];
  });
  return parts.join(' ');
}

describe('rights', () => {
  test('every table has exactly the rights of its row', async () => {
    const { rows } = await superuser.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'ownkey'::regnamespace AND relkind IN ('r', 'p')
       AND NOT (relispartition AND relname ~ '_\\d{4}_\\d{2}$') ORDER BY 1`,
    );
    const found: typeof RIGHTS = {};
    for (const { name } of rows) {
      found[name] = { control: await rightsOf('ownkey_control', name), worker: await rightsOf('ownkey_worker', name) };
    }
    expect(found).toEqual(RIGHTS);
  });

  test('monthly partitions give nobody a way around the table they belong to', async () => {
    const { rows } = await superuser.query<{ name: string }>(
      "SELECT relname AS name FROM pg_class WHERE relnamespace = 'ownkey'::regnamespace AND relispartition AND relkind = 'r'",
    );
    expect(rows.length).toBeGreaterThan(1);
    for (const { name } of rows) {
      expect([name, await rightsOf('ownkey_control', name), await rightsOf('ownkey_worker', name)]).toEqual([
        name,
        '',
        '',
      ]);
    }
  });

  test('every function may be called by exactly the roles of its row', async () => {
    const { rows } = await superuser.query<{ name: string; control: boolean; worker: boolean }>(
      `SELECT proname AS name, has_function_privilege('ownkey_control', oid, 'EXECUTE') AS control,
         has_function_privilege('ownkey_worker', oid, 'EXECUTE') AS worker
       FROM pg_proc WHERE pronamespace = 'ownkey'::regnamespace ORDER BY 1`,
    );
    const found = Object.fromEntries(
      rows.map((row) => [row.name, [...(row.control ? ['control'] : []), ...(row.worker ? ['worker'] : [])].join(' ')]),
    );
    expect(found).toEqual(FUNCTIONS);
  });

  test('a function that runs with more rights than its caller pins the schemas it looks in', async () => {
    const { rows } = await superuser.query(
      `SELECT proname FROM pg_proc WHERE pronamespace = 'ownkey'::regnamespace AND prosecdef
       AND NOT coalesce('search_path=ownkey, pg_temp' = ANY(proconfig), false)`,
    );
    expect(rows).toEqual([]);
  });

  test('neither role is more than a login: no superuser, no role above it, nothing it may create', async () => {
    const { rows } = await superuser.query(
      `SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication,
         has_schema_privilege(oid, 'ownkey', 'CREATE') AS creates,
         (SELECT count(*)::int FROM pg_auth_members WHERE member = r.oid) AS memberships
       FROM pg_roles r WHERE rolname IN ('ownkey_control', 'ownkey_worker') ORDER BY 1`,
    );
    const nothing = {
      rolsuper: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolbypassrls: false,
      rolreplication: false,
      creates: false,
      memberships: 0,
    };
    expect(rows).toEqual([
      { rolname: 'ownkey_control', ...nothing },
      { rolname: 'ownkey_worker', ...nothing },
    ]);
  });
});

describe('tries by a control plane that runs somebody else’s code', () => {
  const tries: [string, string][] = [
    ['read an envelope', 'SELECT body FROM envelopes'],
    ['write an envelope', "INSERT INTO envelopes VALUES ('key_x', 1, 'kek_x', 'a', 'b', 'c')"],
    ['read the wrapped private key', 'SELECT wrapped_private FROM sealing_keys'],
    ['read a sealed key in transit', 'SELECT sealed FROM worker_jobs'],
    [
      'get a sealed key back from its own insert',
      "INSERT INTO worker_jobs (id, kind, sealed) VALUES ('j', 'x', 's') RETURNING sealed",
    ],
    [
      'make a key',
      "INSERT INTO keys (id, owner, company_id, provider, destination) VALUES ('key_x', 'company', 'co_x', 'x', 'x')",
    ],
    ['point a key elsewhere', "UPDATE keys SET destination = 'https://evil.example'"],
    ['point a key elsewhere by its address', "UPDATE keys SET base_url = 'https://evil.example'"],
    ['mark a key valid', "UPDATE keys SET status = 'valid'"],
    ['write the ledger', 'UPDATE requests SET cost_nano_usd = 0'],
    ['write sums', 'UPDATE usage_hourly SET cost_nano_usd = 0'],
    ['reserve', "SELECT * FROM reserve('[]')"],
    ['change the record', 'UPDATE audit_events SET actor = $$somebody$$'],
    ['shorten the record', 'DELETE FROM audit_events'],
    ['forge the chain', 'DELETE FROM audit_chain'],
    ['become the worker', 'SET ROLE ownkey_worker'],
    ['become the owner', 'SET ROLE ownkey_owner'],
    ['turn row security off', 'ALTER TABLE keys DISABLE ROW LEVEL SECURITY'],
    ['read a file of the database server', "SELECT pg_read_file('PG_VERSION')"],
    ['run a program', "COPY (SELECT 1) TO PROGRAM 'cat'"],
    [
      'make a trigger that copies keys',
      'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$',
    ],
  ];
  test.each(tries)('%s is denied', async (_, statement) => {
    await expect(control.query(statement)).rejects.toMatchObject({ code: '42501' });
  });
});

describe('tries by a worker', () => {
  test.each([
    ['move a company to another plan', "UPDATE companies SET plan = 'business'"],
    ['change a plan', 'UPDATE plans SET byok = true'],
    ['make a token', "INSERT INTO tokens (id, hash, prefix, last4, name, scopes) VALUES ('t', '', '', '', '', '{}')"],
    ['read passwords', 'SELECT password_hash FROM logins'],
    ['read sessions', 'SELECT hash FROM sessions'],
    ['write the ledger past its functions', 'UPDATE requests SET cost_nano_usd = 0'],
    ['change the record', 'DELETE FROM audit_events'],
  ])('%s is denied', async (_, statement) => {
    await expect(worker.query(statement)).rejects.toMatchObject({ code: '42501' });
  });
});

describe('rows of another company', () => {
  const TABLES = [
    'operation_models',
    'notices',
    'companies',
    'users',
    'tokens',
    'keys',
    'sources',
    'model_lists',
    'worker_jobs',
    'requests',
    'audit_events',
    'audit_chain',
    'audit_heads',
    'audit_checkpoints',
    'usage_hourly',
    'prices',
    'caps',
    'meters',
    'alerts',
    'outbox',
    'webhooks',
    'invitations',
  ];
  let mine: string;
  let foreign: string;

  beforeAll(async () => {
    mine = await addCompany();
    foreign = await addCompany();
  });

  async function addCompany(): Promise<string> {
    const id = newId('company');
    const key = newId('key');
    const rows: [string, unknown[]][] = [
      ["INSERT INTO companies (id, name, plan) VALUES ($1, 'x', 'free')", [id]],
      ['INSERT INTO users (id, company_id) VALUES ($2, $1)', [id, newId('user')]],
      [
        "INSERT INTO tokens (id, hash, prefix, last4, name, company_id, scopes) VALUES ($2, $3, '', '', '', $1, '{}')",
        [id, newId('token'), randomBytes(32)],
      ],
      [
        "INSERT INTO keys (id, owner, company_id, provider, destination) VALUES ($2, 'company', $1, 'x', 'x')",
        [id, key],
      ],
      ["INSERT INTO sources (company_id, provider, source) VALUES ($1, 'x', 'own')", [id]],
      ["INSERT INTO operation_models (company_id, operation, model) VALUES ($1, 'x', 'x/y')", [id]],
      [
        "INSERT INTO notices (company_id, kind, key_id, slug, reason) VALUES ($1, 'key', $2, 'x', 'invalid')",
        [id, key],
      ],
      ['INSERT INTO model_lists (key_id, company_id) VALUES ($2, $1)', [id, key]],
      ["INSERT INTO worker_jobs (id, kind, company_id, state) VALUES ($2, 'x', $1, 'done')", [id, newId('job')]],
      [
        "INSERT INTO requests (id, company_id, provider, slug, model, key_source) VALUES ($2, $1, 'x', 'x', 'x', 'own')",
        [id, newId('request')],
      ],
      ["INSERT INTO audit_events (company_id, kind) VALUES ($1, 'x')", [id]],
      ["INSERT INTO audit_chain (company_id, n, event_id, hash) VALUES ($1, 1, $1, 'x')", [id]],
      ["INSERT INTO audit_heads (company_id, n, hash, mac, kek_id) VALUES ($1, 1, 'x', 'x', 'x')", [id]],
      [
        "INSERT INTO audit_checkpoints (company_id, day, n, hash, mac, kek_id) VALUES ($1, '2026-01-01', 1, 'x', 'x', 'x')",
        [id],
      ],
      [
        "INSERT INTO usage_hourly (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source) VALUES ($1, now(), '', '', '', '', '', '', '')",
        [id],
      ],
      [
        "INSERT INTO prices (id, origin, company_id, slug, model, rates) VALUES ($1, 'company', $1, 'x', 'x', '{}')",
        [id],
      ],
      ["INSERT INTO caps (company_id, subject, period) VALUES ($1, 'company', 'day')", [id]],
      ["INSERT INTO meters (company_id, meter, kind, start) VALUES ($1, '', 'day', now())", [id]],
      [
        "INSERT INTO alerts (company_id, meter, kind, start, threshold, cap_nano_usd, settled_nano_usd, reserved_nano_usd, cause) VALUES ($1, '', 'day', now(), 80, 1, 1, 0, 'spent')",
        [id],
      ],
      [
        "INSERT INTO outbox (id, company_id, channel, event, dedupe_key, target, give_up_at) VALUES ($2, $1, 'mail', 'x', $2, 'x', now())",
        [id, newId('outbox')],
      ],
      [
        "INSERT INTO webhooks (id, company_id, url, secret, events) VALUES ($2, $1, 'https://example.com', '', '{}')",
        [id, newId('webhook')],
      ],
      [
        "INSERT INTO invitations (id, company_id, email, role, expires_at) VALUES ($2, $1, 'a@example.com', 'member', now())",
        [id, newId('invitation')],
      ],
    ];
    for (const [statement, values] of rows) await superuser.query(statement, values);
    return id;
  }

  async function companiesSeen(table: string, setting: string | null): Promise<(string | null)[]> {
    const columns: Record<string, string> = { companies: 'id' };
    await control.query('BEGIN');
    if (setting !== null) await control.query("SELECT set_config('ownkey.company', $1, true)", [setting]);
    const { rows } = await control.query(`SELECT ${columns[table] ?? 'company_id'} AS company FROM ${table}`);
    await control.query('COMMIT');
    return rows.map(({ company }) => company);
  }

  test.each(TABLES)('%s: control sees one company at a time, and none without naming it', async (table) => {
    expect(await companiesSeen(table, mine)).toEqual([mine]);
    expect(await companiesSeen(table, null)).toEqual([]);
    expect(await companiesSeen(table, '')).toEqual([]);
    expect(await companiesSeen(table, '*')).toEqual(expect.arrayContaining([mine, foreign]));
  });

  test('the table above has every table that belongs to companies', async () => {
    const { rows } = await superuser.query<{ name: string }>(
      `SELECT DISTINCT table_name AS name FROM information_schema.columns c WHERE table_schema = 'ownkey' AND column_name = 'company_id'
       AND table_name !~ '^requests_' ORDER BY 1`,
    );
    expect([...rows.map(({ name }) => name), 'companies'].sort()).toEqual([...TABLES].sort());
  });

  test('control writes nothing into another company than the one it works in', async () => {
    const writes: [string, unknown[]][] = [
      ["INSERT INTO sources (company_id, provider, source) VALUES ($1, 'y', 'own')", [foreign]],
      ['INSERT INTO users (id, company_id) VALUES ($2, $1)', [foreign, newId('user')]],
      ["INSERT INTO audit_events (company_id, kind) VALUES ($1, 'y')", [foreign]],
      ["INSERT INTO worker_jobs (id, kind, company_id) VALUES ($2, 'y', $1)", [foreign, newId('job')]],
      ['UPDATE users SET company_id = $1', [foreign]],
    ];
    for (const [statement, values] of writes) {
      await control.query('BEGIN');
      await control.query("SELECT set_config('ownkey.company', $1, true)", [mine]);
      await expect(control.query(statement, values)).rejects.toMatchObject({ code: '42501' });
      await control.query('ROLLBACK');
    }
  });

  test('erasing a company leaves no row of it in any table', async () => {
    const gone = await addCompany();
    await control.query("SELECT erase_company($1, 'test')", [gone]);
    for (const table of TABLES) {
      const column = table === 'companies' ? 'id' : 'company_id';
      const { rowCount } = await superuser.query(`SELECT 1 FROM ${table} WHERE ${column} = $1`, [gone]);
      expect([table, rowCount]).toEqual([table, 0]);
    }
    const { rows } = await superuser.query(
      "SELECT data FROM audit_events WHERE kind = 'company.erased' AND company_id IS NULL",
    );
    expect(rows).toContainEqual({ data: { company: gone } });
  });
});

test('docs/schema.sql is what the migrations make', async () => {
  const written = readFileSync(new URL('../../docs/schema.sql', import.meta.url), 'utf8');
  const owner = await database.connect('owner');
  expect(await dumpSchema(owner), 'run `node tools/schema.mjs`').toBe(written);
});
