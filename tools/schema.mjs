// The schema as it stands after all migrations, read from the catalogs: what a review of a migration looks at.
//   node tools/schema.mjs                 starts a database of its own, migrates it and writes docs/schema.sql
//   node tools/schema.mjs <database URL>  prints the schema of that database
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';

const SCHEMA = 'ownkey';
const FILE = fileURLToPath(new URL('../docs/schema.sql', import.meta.url));
/** Partitions come and go with the months. */
const NO_PARTITIONS = `NOT (c.relispartition AND c.relname ~ '_\\d{4}_\\d{2}$')`;

const TABLES = `SELECT c.oid, c.relname AS name, c.relrowsecurity AS rls, c.relforcerowsecurity AS forced,
    pg_get_partkeydef(c.oid) AS partitioned, pg_get_expr(c.relpartbound, c.oid) AS bound
  FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND ${NO_PARTITIONS} ORDER BY c.relname`;
const COLUMNS = `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS needed,
    a.attidentity AS identity, pg_get_expr(d.adbin, d.adrelid) AS otherwise
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;
// Not-null constraints are entries of their own from PostgreSQL 18 on; they stand beside the columns here.
const CONSTRAINTS = `SELECT conname AS name, pg_get_constraintdef(oid) AS text FROM pg_constraint
  WHERE conrelid = $1 AND contype <> 'n' AND conparentid = 0 ORDER BY conname`;
const INDEXES = `SELECT pg_get_indexdef(i.indexrelid) AS text FROM pg_index i
  WHERE i.indrelid = $1 AND NOT EXISTS (SELECT 1 FROM pg_constraint x WHERE x.conindid = i.indexrelid)
    AND NOT EXISTS (SELECT 1 FROM pg_inherits p WHERE p.inhrelid = i.indexrelid) ORDER BY 1`;
const POLICIES = `SELECT polname AS name, polcmd AS command,
    (SELECT string_agg(rolname, ', ' ORDER BY rolname) FROM pg_roles WHERE oid = ANY(polroles) AND rolname LIKE 'ownkey\\_%') AS roles,
    pg_get_expr(polqual, polrelid) AS reads, pg_get_expr(polwithcheck, polrelid) AS writes
  FROM pg_policy WHERE polrelid = $1 AND polname <> 'owner_all' ORDER BY polname`;
const TRIGGERS = `SELECT pg_get_triggerdef(oid) AS text FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal ORDER BY tgname`;
const GRANTS = `SELECT grantee.rolname AS role, x.privilege_type AS privilege, NULL AS columns
    FROM pg_class c, aclexplode(c.relacl) x JOIN pg_roles grantee ON grantee.oid = x.grantee
    WHERE c.oid = $1 AND grantee.rolname IN ('ownkey_control', 'ownkey_worker')
  UNION ALL SELECT grantee.rolname, x.privilege_type, string_agg(a.attname, ', ' ORDER BY a.attname)
    FROM pg_attribute a, aclexplode(a.attacl) x JOIN pg_roles grantee ON grantee.oid = x.grantee
    WHERE a.attrelid = $1 AND grantee.rolname IN ('ownkey_control', 'ownkey_worker') GROUP BY 1, 2
  ORDER BY 1, 2`;
const FUNCTIONS = `SELECT pg_get_functiondef(p.oid) AS text, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name,
    (SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) FROM aclexplode(p.proacl) x JOIN pg_roles r ON r.oid = x.grantee
     WHERE r.rolname IN ('ownkey_control', 'ownkey_worker')) AS callers,
    p.proacl IS NULL OR EXISTS (SELECT 1 FROM aclexplode(p.proacl) x WHERE x.grantee = 0) AS anybody
  FROM pg_proc p WHERE p.pronamespace = $1::regnamespace ORDER BY 2`;

/** The whole schema as text, the same for every version of PostgreSQL we support. `client` is an owner's connection. */
export async function dumpSchema(client) {
  await client.query(`SET search_path = ${SCHEMA}`);
  const all = async (text, value) => (await client.query(text, [value])).rows;
  const lines = ['-- Written by tools/schema.mjs from the migrations. Do not edit.', ''];
  for (const table of await all(TABLES, SCHEMA)) lines.push(...(await tableLines(all, table)), '');
  for (const { text, name, callers, anybody } of await all(FUNCTIONS, SCHEMA)) {
    lines.push(`${text.trimEnd()};`);
    lines.push(`-- ${name} may be called by: ${anybody ? 'ANYBODY' : (callers ?? 'the owner alone')}`, '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

async function tableLines(all, table) {
  const columns = (await all(COLUMNS, table.oid)).map(
    ({ name, type, needed, identity, otherwise }) =>
      `  ${name} ${type}${needed ? ' NOT NULL' : ''}${otherwise === null ? '' : ` DEFAULT ${otherwise}`}${identity === '' ? '' : ' IDENTITY'}`,
  );
  const constraints = (await all(CONSTRAINTS, table.oid)).map(({ name, text }) => `  CONSTRAINT ${name} ${text}`);
  const tail = table.partitioned
    ? ` PARTITION BY ${table.partitioned}`
    : table.bound
      ? ` -- partition: ${table.bound}`
      : '';
  const lines = [`CREATE TABLE ${table.name} (`, [...columns, ...constraints].join(',\n'), `);${tail}`];
  for (const { text } of await all(INDEXES, table.oid)) lines.push(`${text};`);
  lines.push(`-- row security: ${table.rls ? (table.forced ? 'forced' : 'on') : 'off'}`);
  for (const { name, command, roles, reads, writes } of await all(POLICIES, table.oid))
    lines.push(`-- policy ${name} (${command}) to ${roles}: using ${reads}; check ${writes}`);
  for (const { text } of await all(TRIGGERS, table.oid)) lines.push(`${text};`);
  for (const { role, privilege, columns: named } of await all(GRANTS, table.oid))
    lines.push(`GRANT ${privilege}${named === null ? '' : ` (${named})`} ON ${table.name} TO ${role};`);
  return lines;
}

async function withClient(url, work) {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function main(url) {
  if (url !== undefined) {
    process.stdout.write(await withClient(url, dumpSchema));
    return;
  }
  const { startEmbeddedPostgres } = await import('../packages/cli/dist/postgres/embedded.js');
  const { migrate } = await import('../packages/server/dist/storage/migrate.js');
  const directory = mkdtempSync(join(tmpdir(), 'ownkey-schema-'));
  const postgres = await startEmbeddedPostgres(directory, { sync: false });
  try {
    const text = await withClient(postgres.url('owner'), async (client) => {
      await migrate(client);
      return dumpSchema(client);
    });
    writeFileSync(FILE, text);
    process.stdout.write('Wrote docs/schema.sql\n');
  } finally {
    await postgres.stop({ fastMs: 2000, immediateMs: 1000 });
    rmSync(directory, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2]);
