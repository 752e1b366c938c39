import { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import { type Database, first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { RESET_MINUTES } from './code-lives.ts';
import { createCode, takeCode } from './one-time-code.ts';
import { hashPassword, isPassword } from './password.ts';
import { startSession } from './session.ts';
import { countTry, forgetTries } from './tries.ts';

/**
 * Signing in, setting up, setting a new password. What callers may rely on: an unknown address and a wrong password cannot be
 * told apart, by answer or by time; five tries a minute and account from one client, counted over all servers before the
 * password is looked at; a code works once.
 */

export interface Client {
  readonly address: string;
  readonly userAgent: string | null;
}

interface LoginRow {
  id: string;
  password_hash: string;
  operator_id: string | null;
  user_id: string | null;
  company_id: string | null;
}

const SET_UP_MINUTES = 24 * 60;
export const SET_UP_HOURS = SET_UP_MINUTES / 60;

/** @throws OwnkeyError auth.wrong_password, auth.too_many_tries */
export async function signIn(
  database: Database,
  secret: string,
  given: { email: string; password: string },
  client: Client,
): Promise<{ value: string; expiresAt: Date }> {
  const email = normaliseEmail(given.email);
  await database.everywhere((sql) => countTry(sql, 'sign-in', email, client.address));
  const login = await database.everywhere((sql) => findLogin(sql, email));
  const right = await isPassword(given.password, login?.password_hash ?? null);
  if (!right || login === null) {
    if (login !== null) await database.everywhere((sql) => recordSignIn(sql, login, 'sign_in_refused', client));
    throw new OwnkeyError('auth.wrong_password');
  }
  return database.everywhere(async (sql) => {
    await forgetTries(sql, 'sign-in', email, client.address);
    await recordSignIn(sql, login, 'signed_in', client);
    return startSession(sql, secret, login.id, client);
  });
}

/** The first operator, made with the code of `ownkey init`. @throws OwnkeyError request.invalid, conflict.exists, auth.too_many_tries */
export async function setUp(
  database: Database,
  secret: string,
  given: { code: string; email: string; password: string; name?: string | undefined },
  client: Client,
): Promise<{ value: string; expiresAt: Date }> {
  await database.everywhere((sql) => countTry(sql, 'set-up', client.address, client.address));
  const passwordHash = await hashPassword(given.password);
  return database.everywhere(async (sql) => {
    const code = await takeCode(sql, 'set-up', given.code);
    if (code === null) throw wrongCode('Run `ownkey init` for a new one.');
    const loginId = await createLogin(sql, given.email, passwordHash);
    const operatorId = newId('operator');
    await sql.rows('INSERT INTO operators (id, login_id, name) VALUES ($1, $2, $3)', [
      operatorId,
      loginId,
      given.name ?? null,
    ]);
    await recordEvent(sql, { company: null, kind: 'signed_in', actor: operatorId, data: { set_up: true } });
    return startSession(sql, secret, loginId, client);
  });
}

/** Where a code goes. `sql` is the transaction the code is made in: a mail written there stands or falls with it. */
export type SendResetCode = (sql: Sql, to: { email: string; company: string | null }, code: string) => Promise<void>;

/** Makes a code for a new password, or does nothing where the address is unknown. `send` gets it; nobody else does. */
export async function requestReset(
  database: Database,
  email: string,
  client: Client,
  send: SendResetCode,
): Promise<void> {
  const address = normaliseEmail(email);
  await database.everywhere((sql) => countTry(sql, 'reset', address, client.address));
  await database.everywhere(async (sql) => {
    const login = await findLogin(sql, address);
    if (login === null) return;
    const code = await createCode(sql, 'reset', { loginId: login.id }, RESET_MINUTES);
    await send(sql, { email: address, company: login.company_id }, code);
  });
}

/** Sets a new password and ends every session of the account. @throws OwnkeyError request.invalid, auth.too_many_tries */
export async function confirmReset(
  database: Database,
  given: { code: string; password: string },
  client: Client,
): Promise<void> {
  await database.everywhere((sql) => countTry(sql, 'reset-confirm', client.address, client.address));
  const passwordHash = await hashPassword(given.password);
  await database.everywhere(async (sql) => {
    const code = await takeCode(sql, 'reset', given.code);
    if (code === null) throw wrongCode('Ask for a new one.');
    await setPassword(sql, code.login_id, passwordHash);
  });
}

export async function setPassword(sql: Sql, loginId: string | null, passwordHash: string): Promise<void> {
  await sql.rows('UPDATE logins SET password_hash = $2, password_changed_at = now() WHERE id = $1', [
    loginId,
    passwordHash,
  ]);
  await sql.rows('DELETE FROM sessions WHERE login_id = $1', [loginId]);
}

/** @throws OwnkeyError conflict.exists */
export async function createLogin(sql: Sql, email: string, passwordHash: string): Promise<string> {
  const id = newId('login');
  const made = await sql.rows(
    'INSERT INTO logins (id, email, password_hash) VALUES ($1, $2, $3) ON CONFLICT (email) DO NOTHING RETURNING id',
    [id, normaliseEmail(email), passwordHash],
  );
  if (made.length === 0) throw new OwnkeyError('conflict.exists', { what: 'An account with this email' });
  return id;
}

/** The code that lets one person become the first operator; null when there is an operator already. */
export async function createSetUpCode(sql: Sql): Promise<string | null> {
  if (await hasOperator(sql)) return null;
  return createCode(sql, 'set-up', {}, SET_UP_MINUTES);
}

export async function hasOperator(sql: Sql): Promise<boolean> {
  return (await sql.rows('SELECT 1 FROM operators LIMIT 1')).length > 0;
}

export function normaliseEmail(email: string): string {
  return email.trim().toLowerCase();
}

function findLogin(sql: Sql, email: string): Promise<LoginRow | null> {
  return first(
    sql,
    `SELECT l.id, l.password_hash, o.id AS operator_id, u.id AS user_id, u.company_id FROM logins l
     LEFT JOIN operators o ON o.login_id = l.id LEFT JOIN users u ON u.login_id = l.id WHERE l.email = $1`,
    [email],
  );
}

function recordSignIn(sql: Sql, login: LoginRow, kind: 'signed_in' | 'sign_in_refused', client: Client): Promise<void> {
  const who = login.user_id ?? login.operator_id ?? login.id;
  // A refused try says nothing about who made it.
  const actor = kind === 'signed_in' ? who : 'unknown';
  return recordEvent(sql, {
    company: login.company_id,
    kind,
    actor,
    user: login.user_id,
    data: { address: client.address },
  });
}

export function wrongCode(next: string): OwnkeyError {
  const problem = `This code is not valid: it was used, has expired or was typed wrongly. ${next}`;
  return new OwnkeyError('request.invalid', { problem, param: 'code' });
}
