import { OwnkeyError } from '@ownkey/contract/errors';
import { isId, newId } from '@ownkey/contract/ids';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { endSessions } from '../sign-in/session.ts';

/** People of a company. A user belongs to one company; removing one removes their personal keys, tokens, login, mails
 * and jobs. */
export interface UserRow {
  id: string;
  company_id: string;
  external_id: string | null;
  role: 'admin' | 'member';
  email: string | null;
  name: string | null;
  login_id: string | null;
  created_at: Date;
}

const COLUMNS = 'id, company_id, external_id, role, email, name, login_id, created_at';

export interface WantedUser {
  readonly external_id?: string | undefined;
  readonly role?: 'admin' | 'member' | undefined;
  readonly email?: string | null | undefined;
  readonly name?: string | null | undefined;
}

export function findUser(sql: Sql, companyId: string, name: string): Promise<UserRow | null> {
  return first(
    sql,
    `SELECT ${COLUMNS} FROM users WHERE company_id = $1 AND (id = $2 OR external_id = $2) ORDER BY (id = $2) DESC LIMIT 1`,
    [companyId, name],
  );
}

/** At most `limit` after `after` (id). `only` limits to admins and that person. Index: users_by_company. */
export function listUsers(
  sql: Sql,
  companyId: string,
  only: string | null,
  after: string,
  limit: number,
): Promise<UserRow[]> {
  return sql.rows(
    `SELECT ${COLUMNS} FROM users WHERE company_id = $1 AND ($2::text IS NULL OR role = 'admin' OR id = $2) AND id > $3
     ORDER BY id LIMIT $4`,
    [companyId, only, after, limit],
  );
}

/** Idempotent, also when two callers race. Members not named stay. @throws OwnkeyError not_found for a wrong id of ours */
export async function putUser(
  sql: Sql,
  companyId: string,
  reference: string,
  wanted: WantedUser,
  actor: string,
): Promise<{ user: UserRow; created: boolean }> {
  const existing = await findUser(sql, companyId, reference);
  if (existing !== null) return { user: await changeUser(sql, existing, wanted, actor), created: false };
  if (isId('user', reference)) throw new OwnkeyError('not_found');
  const made = await first<UserRow>(
    sql,
    `INSERT INTO users (id, company_id, external_id, role, email, name) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (company_id, external_id) DO NOTHING RETURNING ${COLUMNS}`,
    [
      newId('user'),
      companyId,
      wanted.external_id ?? reference,
      wanted.role ?? 'member',
      wanted.email ?? null,
      wanted.name ?? null,
    ],
  );
  if (made === null) {
    const winner = await findUser(sql, companyId, wanted.external_id ?? reference);
    if (winner === null) throw new OwnkeyError('internal', {}, 'user neither made nor found');
    return { user: await changeUser(sql, winner, wanted, actor), created: false };
  }
  await recordEvent(sql, { company: companyId, kind: 'user.created', actor, user: made.id, data: { role: made.role } });
  return { user: made, created: true };
}

async function changeUser(sql: Sql, user: UserRow, wanted: WantedUser, actor: string): Promise<UserRow> {
  const next: UserRow = {
    ...user,
    external_id: wanted.external_id ?? user.external_id,
    role: wanted.role ?? user.role,
    email: wanted.email === undefined ? user.email : wanted.email,
    name: wanted.name === undefined ? user.name : wanted.name,
  };
  const changed = (['external_id', 'role', 'email', 'name'] as const).filter((field) => next[field] !== user[field]);
  if (changed.length === 0) return user;
  if (changed.includes('external_id') && (await findUser(sql, user.company_id, next.external_id ?? '')) !== null)
    throw new OwnkeyError('conflict.exists', { what: `A user ${next.external_id}` });
  await sql.rows('UPDATE users SET external_id = $2, role = $3, email = $4, name = $5 WHERE id = $1', [
    user.id,
    next.external_id,
    next.role,
    next.email,
    next.name,
  ]);
  await recordEvent(sql, {
    company: user.company_id,
    kind: 'user.changed',
    actor,
    user: user.id,
    data: { changed, ...(changed.includes('role') ? { role: next.role } : {}) },
  });
  return next;
}

/** Ends every session of a person; resolves to how many. */
export async function endUserSessions(sql: Sql, user: UserRow, actor: string): Promise<number> {
  if (user.login_id === null) return 0;
  const sessions = await endSessions(sql, user.login_id, null);
  if (sessions > 0)
    await recordEvent(sql, {
      company: user.company_id,
      kind: 'session.revoked',
      actor,
      user: user.id,
      data: { sessions },
    });
  return sessions;
}

/** Everything that says who they were goes; the record keeps their id, which resolves to nothing any more. */
export async function removeUser(sql: Sql, user: UserRow, actor: string): Promise<void> {
  await sql.rows('SELECT erase_user($1, $2)', [user.company_id, user.id]);
  // A list that is empty now stays one: a key for nobody does not become a key for everybody.
  await sql.rows(
    'UPDATE keys SET allowed_users = array_remove(allowed_users, $2) WHERE company_id = $1 AND $2 = ANY (allowed_users)',
    [user.company_id, user.id],
  );
  await recordEvent(sql, { company: user.company_id, kind: 'user.removed', actor, user: user.id });
}
