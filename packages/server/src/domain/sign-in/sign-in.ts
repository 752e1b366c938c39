import { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import { networkOf } from '@ownkey/guard/client-address';
import type { AfterAnswers } from '../../platform/after-answers.ts';
import { type Database, first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { RESET_MINUTES } from './code-lives.ts';
import { createCode, takeCode } from './one-time-code.ts';
import { hashPassword, isPassword } from './password.ts';
import { type Account, recordAccountEvent, recordRefusedSignIn } from './record.ts';
import { endSessions, startSession } from './session.ts';
import { countTry, forgetTries, takeTry, tooManyTries } from './tries.ts';

/**
 * Signing in, setting up, setting a new password. What callers may rely on: an unknown address and a wrong password cannot be
 * told apart, by answer or by time (what differs is done after the answer); five tries a minute and account from one client,
 * counted over all servers before the password is looked at; a code works once.
 */

export interface Client {
  readonly address: string;
  readonly userAgent: string | null;
}

export interface LoginRow extends Account {
  readonly password_hash: string;
}

type Later = Pick<AfterAnswers, 'add'>;

const SET_UP_MINUTES = 24 * 60;
export const SET_UP_HOURS = SET_UP_MINUTES / 60;

/** @throws OwnkeyError auth.wrong_password, auth.too_many_tries */
export async function signIn(
  database: Database,
  secret: string,
  given: { email: string; password: string },
  client: Client,
  later: Later,
): Promise<{ value: string; expiresAt: Date }> {
  const email = normaliseEmail(given.email);
  const { tries, firstToWait, waitSeconds } = await database.everywhere((sql) =>
    countTry(sql, 'sign-in', email, client.address),
  );
  const refused = async (): Promise<void> => {
    const account = await database.everywhere((sql) => findLogin(sql, email));
    await recordRefusedSignIn(database, account, client.address, waitSeconds > 0);
  };
  if (waitSeconds > 0) {
    if (firstToWait) later.add(refused);
    throw tooManyTries(waitSeconds);
  }
  const login = await database.everywhere((sql) => findLogin(sql, email));
  const right = await isPassword(given.password, login?.password_hash ?? null);
  if (!right || login === null) {
    if (tries === 1) later.add(refused);
    throw new OwnkeyError('auth.wrong_password');
  }
  return database.everywhere(async (sql) => {
    await forgetTries(sql, 'sign-in', email, client.address);
    const session = await startSession(sql, secret, login.id, client);
    const data = { network: networkOf(client.address), session: session.id };
    await recordAccountEvent(sql, login, 'signed_in', data);
    return session;
  });
}

/** The first operator, made with the code of `ownkey init`. @throws OwnkeyError request.invalid, conflict.exists, auth.too_many_tries */
export async function setUp(
  database: Database,
  secret: string,
  given: { code: string; email: string; password: string; name?: string | undefined },
  client: Client,
): Promise<{ value: string; expiresAt: Date }> {
  await takeTry(database, 'set-up', client.address, client.address);
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

/**
 * Makes a code for a new password, or does nothing where the address is unknown: both after the answer. `send` gets the code; nobody
 * else does. @throws OwnkeyError auth.too_many_tries
 */
export async function requestReset(
  database: Database,
  email: string,
  client: Client,
  send: SendResetCode,
  later: Later,
): Promise<void> {
  const address = normaliseEmail(email);
  await takeTry(database, 'reset', address, client.address);
  later.add(() =>
    database.everywhere(async (sql) => {
      const login = await findLogin(sql, address);
      if (login === null) return;
      const code = await createCode(sql, 'reset', { loginId: login.id }, RESET_MINUTES);
      await send(sql, { email: address, company: login.company_id }, code);
      await recordAccountEvent(sql, login, 'password.reset_asked', { network: networkOf(client.address) }, 'unknown');
    }),
  );
}

/** Sets a new password and ends every session of the account. @throws OwnkeyError request.invalid, auth.too_many_tries */
export async function confirmReset(
  database: Database,
  given: { code: string; password: string },
  client: Client,
): Promise<void> {
  await takeTry(database, 'reset-confirm', client.address, client.address);
  const passwordHash = await hashPassword(given.password);
  await database.everywhere(async (sql) => {
    const code = await takeCode(sql, 'reset', given.code);
    if (code === null) throw wrongCode('Ask for a new one.');
    const login = await findLoginById(sql, code.login_id ?? '');
    if (login === null) throw wrongCode('Ask for a new one.');
    const sessions = await setPassword(sql, login.id, passwordHash, null);
    await recordAccountEvent(sql, login, 'password.changed', { how: 'code', sessions });
  });
}

/**
 * Sets another password for somebody who is signed in and knows the old one; ends every other session of theirs. Wrong old passwords
 * are counted like wrong sign-ins; they are an error of the form, the session stands. @throws OwnkeyError request.invalid,
 * auth.too_many_tries
 */
export async function changePassword(
  database: Database,
  session: { id: string; login_id: string },
  given: { current_password: string; new_password: string },
  client: Client,
): Promise<number> {
  await takeTry(database, 'password', session.login_id, client.address);
  const login = await database.everywhere((sql) => findLoginById(sql, session.login_id));
  if (login === null || !(await isPassword(given.current_password, login.password_hash)))
    throw new OwnkeyError('request.invalid', {
      problem: 'This is not the present password.',
      param: 'current_password',
    });
  const passwordHash = await hashPassword(given.new_password);
  return database.everywhere(async (sql) => {
    await forgetTries(sql, 'password', login.id, client.address);
    const sessions = await setPassword(sql, login.id, passwordHash, session.id);
    await recordAccountEvent(sql, login, 'password.changed', { how: 'old password', sessions });
    return sessions;
  });
}

/** Resolves to how many sessions ended: all of the account but `kept`. Codes for a new password end too. */
export async function setPassword(
  sql: Sql,
  loginId: string,
  passwordHash: string,
  kept: string | null = null,
): Promise<number> {
  await sql.rows('UPDATE logins SET password_hash = $2, password_changed_at = now() WHERE id = $1', [
    loginId,
    passwordHash,
  ]);
  await sql.rows('DELETE FROM one_time_codes WHERE login_id = $1', [loginId]);
  return endSessions(sql, loginId, kept);
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

const LOGIN = `SELECT l.id, l.password_hash, o.id AS operator_id, u.id AS user_id, u.company_id FROM logins l
  LEFT JOIN operators o ON o.login_id = l.id LEFT JOIN users u ON u.login_id = l.id`;

function findLogin(sql: Sql, email: string): Promise<LoginRow | null> {
  return first(sql, `${LOGIN} WHERE l.email = $1`, [email]);
}

function findLoginById(sql: Sql, id: string): Promise<LoginRow | null> {
  return first(sql, `${LOGIN} WHERE l.id = $1`, [id]);
}

export function wrongCode(next: string): OwnkeyError {
  const problem = `This code is not valid: it was used, has expired or was typed wrongly. ${next}`;
  return new OwnkeyError('request.invalid', { problem, param: 'code' });
}
