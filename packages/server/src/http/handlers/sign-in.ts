import type { SessionAnswer } from '@ownkey/contract/api/auth';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { SIGN_IN_ROUTES } from '@ownkey/contract/routes/sign-in';
import { readEmbedSession } from '../../domain/embed/embed-sessions.ts';
import { readDemoAccounts } from '../../domain/sign-in/demo-accounts.ts';
import { type Account, recordAccountEvent } from '../../domain/sign-in/record.ts';
import { endSession, endSessions, findSession, listSessions, type SessionRow } from '../../domain/sign-in/session.ts';
import {
  changePassword,
  confirmReset,
  hasOperator,
  requestReset,
  setUp,
  signIn,
} from '../../domain/sign-in/sign-in.ts';
import type { Credential } from '../caller.ts';
import { clearSessionCookie, writeSessionCookie } from '../cookie.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/;
const LOCAL_NAME = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

/** Sign-in, sessions, the first operator. */
export function signInHandlers(parts: Parts): HandlersOf<keyof typeof SIGN_IN_ROUTES> {
  const { database, authSecret } = parts;
  const begun = (session: { value: string; expiresAt: Date }) => begunSession(parts, session);
  return {
    getInstallation: async ({ client, host }) => {
      const { mode, hostName, consoleUrl, gatewayUrl, sandboxUrl, mailUrl, mail } = parts.installation;
      // By address and by name: a foreign page whose name was pointed at this machine gets nothing.
      const showDemo = mode === 'development' && LOOPBACK.test(client.address) && LOCAL_NAME.test(host);
      const [isSetUp, demo] = await database.everywhere(async (sql) => [
        await hasOperator(sql),
        showDemo ? await readDemoAccounts(sql) : [],
      ]);
      const body = {
        mode,
        set_up: isSetUp,
        host_name: hostName,
        console_url: consoleUrl ?? '',
        gateway_url: gatewayUrl,
        sandbox_url: sandboxUrl,
        mail_url: mailUrl,
        sends_mail: mail !== 'none',
        demo_accounts: demo,
      };
      return { status: 200, body };
    },
    getSession: async ({ credential }) => {
      if (credential.kind === 'token' && credential.token.kind === 'embed') {
        const body = await database.everywhere((sql) => readEmbedSession(sql, credential.token.id));
        return { status: 200, body: body ?? { user: null } };
      }
      return { status: 200, body: answerOf(credential.kind === 'session' ? credential.session : null) };
    },
    signIn: async ({ body, client }) => ({
      status: 200,
      ...(await begun(await signIn(database, authSecret, body, client, parts.afterAnswers))),
    }),
    signOut: async ({ credential }) => {
      if (credential.kind === 'session') {
        const { session } = credential;
        await database.everywhere(async (sql) => {
          await endSession(sql, session.id, session.login_id);
          await recordAccountEvent(sql, accountOf(session), 'signed_out', { session: session.id });
        });
      }
      const headers = { 'set-cookie': clearSessionCookie(parts.cookieName, parts.secure) };
      return { status: 200, body: { ok: true }, headers };
    },
    setUp: async ({ body, client }) => ({
      status: 201,
      ...(await begun(await setUp(database, authSecret, body, client))),
    }),
    requestReset: async ({ body, client }) => {
      await requestReset(database, body.email, client, parts.sendResetCode, parts.afterAnswers);
      return { status: 202, body: { ok: true } };
    },
    confirmReset: async ({ body, client }) => {
      await confirmReset(database, body, client);
      return { status: 200, body: { ok: true } };
    },
    listSessions: async ({ credential }) => {
      const { id: current, login_id } = sessionOf(credential);
      const rows = await listSessions(database.outside, login_id);
      const data = rows.map((row) => ({
        id: row.id,
        current: row.id === current,
        created_at: row.created_at.toISOString(),
        last_seen_at: row.last_seen_at.toISOString(),
        expires_at: row.expires_at.toISOString(),
        user_agent: row.user_agent,
        address: row.address,
      }));
      return { status: 200, body: { data, next_cursor: null } };
    },
    endSession: async ({ credential, params }) => {
      const session = sessionOf(credential);
      await database.everywhere(async (sql) => {
        if (!(await endSession(sql, params.id, session.login_id))) throw new OwnkeyError('not_found');
        await recordAccountEvent(sql, accountOf(session), 'session.revoked', { session: params.id, sessions: 1 });
      });
      return { status: 204, body: null };
    },
    endOtherSessions: async ({ credential }) => {
      const session = sessionOf(credential);
      const ended = await database.everywhere(async (sql) => {
        const sessions = await endSessions(sql, session.login_id, session.id);
        if (sessions > 0) await recordAccountEvent(sql, accountOf(session), 'session.revoked', { sessions });
        return sessions;
      });
      return { status: 200, body: { ended } };
    },
    changePassword: async ({ credential, body, client }) => ({
      status: 200,
      body: { ended: await changePassword(database, sessionOf(credential), body, client) },
    }),
  };
}

/** The answer that hands a new session to the browser. */
export async function begunSession(parts: Parts, session: { value: string; expiresAt: Date }) {
  const row = await findSession(parts.database.outside, parts.authSecret, session.value);
  const cookie = writeSessionCookie(parts.cookieName, session.value, session.expiresAt, parts.secure);
  return { body: answerOf(row), headers: { 'set-cookie': cookie } };
}

function sessionOf(credential: Credential): SessionRow {
  if (credential.kind !== 'session') throw new OwnkeyError('auth.missing');
  return credential.session;
}

function accountOf({ login_id, operator_id, user_id, company_id }: SessionRow): Account {
  return { id: login_id, operator_id, user_id, company_id };
}

function answerOf(row: SessionRow | null): SessionAnswer {
  if (row === null) return { user: null };
  const company =
    row.company_id === null ? null : { id: row.company_id, name: row.company_name ?? '', plan: row.plan ?? '' };
  return {
    user: {
      id: row.user_id ?? row.operator_id ?? row.login_id,
      kind: row.user_id === null ? 'operator' : 'user',
      email: row.email,
      name: row.user_name ?? row.operator_name,
      role: row.user_id === null ? 'operator' : (row.role ?? 'member'),
      company,
    },
    expires_at: row.expires_at.toISOString(),
  };
}
