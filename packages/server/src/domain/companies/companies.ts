import { OwnkeyError } from '@ownkey/contract/errors';
import { isId, newId } from '@ownkey/contract/ids';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';

/**
 * Companies of the host. All calls take our id or the host's. `putCompany` is idempotent also when two hosts' requests race: one
 * creates, the other finds. `eraseCompany` leaves nothing of a company but one entry in the installation's audit.
 */
export interface CompanyRow {
  id: string;
  external_id: string | null;
  name: string;
  plan: string;
  ai_enabled: boolean;
  created_at: Date;
}

const COLUMNS = 'id, external_id, name, plan, ai_enabled, created_at';

export function findCompany(sql: Sql, name: string): Promise<CompanyRow | null> {
  return first(
    sql,
    `SELECT ${COLUMNS} FROM companies WHERE id = $1 OR external_id = $1 ORDER BY (id = $1) DESC LIMIT 1`,
    [name],
  );
}

export async function putCompany(
  sql: Sql,
  reference: string,
  wanted: { name?: string | undefined; external_id?: string | undefined; plan?: string | undefined },
  actor: string,
): Promise<{ company: CompanyRow; created: boolean }> {
  const existing = await findCompany(sql, reference);
  if (existing !== null) return { company: await changeCompany(sql, existing, wanted, actor), created: false };
  // Something in the form of our own ids is a wrong id, not a new company.
  if (isId('company', reference)) throw new OwnkeyError('not_found');
  const plan = wanted.plan ?? (await firstPlan(sql));
  await assertPlan(sql, plan);
  const made = await first<CompanyRow>(
    sql,
    `INSERT INTO companies (id, external_id, name, plan) VALUES ($1, $2, $3, $4)
     ON CONFLICT (external_id) DO NOTHING RETURNING ${COLUMNS}`,
    [newId('company'), wanted.external_id ?? reference, wanted.name ?? reference, plan],
  );
  if (made === null) {
    const winner = await findCompany(sql, wanted.external_id ?? reference);
    if (winner === null) throw new OwnkeyError('internal', {}, 'company neither made nor found');
    return { company: await changeCompany(sql, winner, wanted, actor), created: false };
  }
  await recordEvent(sql, { company: made.id, kind: 'company.created', actor, data: { name: made.name, plan } });
  // Also above companies: a company whose whole record is taken away is missed there.
  await recordEvent(sql, { company: null, kind: 'company.created', actor, data: { company: made.id } });
  return { company: made, created: true };
}

async function changeCompany(
  sql: Sql,
  company: CompanyRow,
  wanted: { name?: string | undefined; external_id?: string | undefined; plan?: string | undefined },
  actor: string,
): Promise<CompanyRow> {
  const name = wanted.name ?? company.name;
  const externalId = wanted.external_id ?? company.external_id;
  let changed = company;
  if (name !== company.name || externalId !== company.external_id) {
    if (externalId !== company.external_id && externalId !== null && (await findCompany(sql, externalId)) !== null)
      throw new OwnkeyError('conflict.exists', { what: `A company ${externalId}` });
    changed = { ...company, name, external_id: externalId };
    await sql.rows('UPDATE companies SET name = $2, external_id = $3 WHERE id = $1', [company.id, name, externalId]);
    await recordEvent(sql, {
      company: company.id,
      kind: 'company.changed',
      actor,
      data: { name, external_id: externalId },
    });
  }
  return wanted.plan === undefined ? changed : putPlan(sql, changed, wanted.plan, actor);
}

/** @throws OwnkeyError request.invalid for a plan that is not there */
export async function putPlan(sql: Sql, company: CompanyRow, plan: string, actor: string): Promise<CompanyRow> {
  if (plan === company.plan) return company;
  await assertPlan(sql, plan);
  await sql.rows('UPDATE companies SET plan = $2 WHERE id = $1', [company.id, plan]);
  await recordEvent(sql, {
    company: company.id,
    kind: 'company.plan_changed',
    actor,
    data: { from: company.plan, to: plan },
  });
  return { ...company, plan };
}

/** Everything of the company goes, people's logins included, in one transaction, however long that takes. */
export async function eraseCompany(sql: Sql, id: string, actor: string): Promise<void> {
  await sql.rows("SET LOCAL statement_timeout = '10min'");
  await sql.rows('SELECT erase_company($1, $2)', [id, actor]);
}

async function assertPlan(sql: Sql, plan: string): Promise<void> {
  if ((await sql.rows('SELECT 1 FROM plans WHERE id = $1', [plan])).length === 0)
    throw new OwnkeyError('request.invalid', { problem: `There is no plan called ${plan}.`, param: 'plan' });
}

async function firstPlan(sql: Sql): Promise<string> {
  const plan = await first<{ id: string }>(sql, 'SELECT id FROM plans ORDER BY position, id LIMIT 1');
  if (plan === null) throw new OwnkeyError('request.invalid', { problem: 'There is no plan yet.', param: 'plan' });
  return plan.id;
}
