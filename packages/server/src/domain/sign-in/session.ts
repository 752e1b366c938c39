import { createHmac, randomBytes } from 'node:crypto';
import { newId } from '@ownkey/contract/ids';
import { first, type Sql } from '../../storage/database.ts';

/** A session as `find_session` gives it: of a company's user, or of an operator. */
export interface SessionRow {
  id: string;
  login_id: string;
  email: string;
  expires_at: Date;
  last_seen_at: Date;
  operator_id: string | null;
  operator_name: string | null;
  user_id: string | null;
  user_name: string | null;
  role: 'admin' | 'member' | null;
  company_id: string | null;
  company_name: string | null;
  plan: string | null;
}

const LIFE_MS = 14 * 24 * 3_600_000;
const SESSIONS_MAX = 50;
const TOUCH_AFTER_MS = 3_600_000;
const COOKIE_VALUE = /^[A-Za-z0-9_-]{43}$/;

/** The stored form: without the secret a copy of the database opens no session, and a writer to it makes none. */
export function sessionHash(value: string, secret: string): Buffer {
  return createHmac('sha256', secret).update('session\0').update(value).digest();
}

/** Starts a session and gives the cookie's value, which is stored nowhere. At most 50 stay: the oldest end. */
export async function startSession(
  sql: Sql,
  secret: string,
  loginId: string,
  client: { userAgent: string | null; address: string },
): Promise<{ id: string; value: string; expiresAt: Date }> {
  const id = newId('session');
  const value = randomBytes(32).toString('base64url');
  const expiresAt = new Date(Date.now() + LIFE_MS);
  await sql.rows(
    'INSERT INTO sessions (id, hash, login_id, expires_at, user_agent, address) VALUES ($1, $2, $3, $4, $5, $6)',
    [id, sessionHash(value, secret), loginId, expiresAt, client.userAgent?.slice(0, 300) ?? null, client.address],
  );
  await sql.rows(
    `DELETE FROM sessions WHERE login_id = $1 AND (expires_at < now() OR id IN (
       SELECT id FROM sessions WHERE login_id = $1 ORDER BY created_at DESC OFFSET ${SESSIONS_MAX}))`,
    [loginId],
  );
  return { id, value, expiresAt };
}

/** Whose session a cookie's value is; null = none. Its life is prolonged once an hour. */
export async function findSession(sql: Sql, secret: string, value: string): Promise<SessionRow | null> {
  if (!COOKIE_VALUE.test(value)) return null;
  const row = await first<SessionRow>(sql, 'SELECT * FROM find_session($1)', [sessionHash(value, secret)]);
  if (row !== null && Date.now() - row.last_seen_at.getTime() > TOUCH_AFTER_MS) {
    row.expires_at = new Date(Date.now() + LIFE_MS);
    await sql.rows('UPDATE sessions SET last_seen_at = now(), expires_at = $2 WHERE id = $1', [row.id, row.expires_at]);
  }
  return row;
}

export async function endSession(sql: Sql, id: string, loginId: string): Promise<boolean> {
  const rows = await sql.rows('DELETE FROM sessions WHERE id = $1 AND login_id = $2 RETURNING id', [id, loginId]);
  return rows.length > 0;
}

/** Ends every session of an account but `kept`; resolves to how many. */
export async function endSessions(sql: Sql, loginId: string, kept: string | null): Promise<number> {
  const rows = await sql.rows('DELETE FROM sessions WHERE login_id = $1 AND id IS DISTINCT FROM $2 RETURNING id', [
    loginId,
    kept,
  ]);
  return rows.length;
}

export interface SessionItemRow {
  id: string;
  created_at: Date;
  last_seen_at: Date;
  expires_at: Date;
  user_agent: string | null;
  address: string | null;
}

/** At most 50, the newest first. */
export function listSessions(sql: Sql, loginId: string): Promise<SessionItemRow[]> {
  return sql.rows(
    `SELECT id, created_at, last_seen_at, expires_at, user_agent, address FROM sessions
     WHERE login_id = $1 AND expires_at > now() ORDER BY created_at DESC LIMIT ${SESSIONS_MAX}`,
    [loginId],
  );
}
