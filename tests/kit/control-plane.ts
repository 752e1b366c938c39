import { randomBytes } from 'node:crypto';
import { newId } from '@ownkey/contract/ids';
import type { Scope } from '@ownkey/contract/scopes';
import type { Lookup } from '@ownkey/guard/resolve';
import { composeServer, type Server } from '@ownkey/server/compose';
import { readConfig } from '@ownkey/server/config';
import { startSession } from '@ownkey/server/domain/sign-in/session';
import { createToken } from '@ownkey/server/domain/tokens/tokens';
import { type Database, openDatabase } from '@ownkey/server/storage/database';
import { afterAll, beforeAll } from 'vitest';
import { type TestDatabase, useTestDatabase } from './postgres.ts';

export const AUTH_SECRET = 'a-secret-of-the-tests-0123456789abcdef';

export interface TestCompany {
  readonly id: string;
  readonly externalId: string;
  readonly adminId: string;
  readonly memberId: string;
  /** Headers of each way to call. */
  readonly admin: Headers;
  readonly member: Headers;
}

type Headers = Readonly<Record<string, string>>;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // Answers are looked into by tests, which say what they expect.
  // biome-ignore lint/suspicious/noExplicitAny: a test's own expectation is the type
  readonly body: any; // oxlint-disable-line typescript/no-explicit-any
}

/** A composed control plane on a database of its own, without sockets; companies, sessions and tokens on demand. */
export interface ControlPlane {
  readonly server: Server;
  readonly database: Database;
  readonly postgres: TestDatabase;
  readonly logLines: string[];
  readonly resetCodes: { email: string; code: string }[];
  call(method: string, path: string, headers?: Headers, body?: unknown): Promise<Answer>;
  createCompany(plan?: string): Promise<TestCompany>;
  createTokenHeaders(
    scopes: readonly Scope[],
    of?: { companyId?: string; userId?: string; expiresAt?: Date | null },
  ): Promise<Headers>;
  createOperatorHeaders(): Promise<Headers>;
}

/** `outbox`: codes go into the outbox, as they do in earnest; nothing is sent by itself. */
export function useControlPlane(
  settings: Readonly<Record<string, string>> = {},
  options: { readonly outbox?: true; readonly lookup?: Lookup; readonly wrongTokensMax?: number } = {},
): ControlPlane {
  const postgres = useTestDatabase();
  let server: Server | null = null;
  let database: Database | null = null;
  const logLines: string[] = [];
  const resetCodes: { email: string; code: string }[] = [];
  beforeAll(async () => {
    database = openDatabase(postgres.controlUrl, 4);
    const config = readConfig({
      OWNKEY_PORT: '0',
      OWNKEY_GATEWAY_URL: 'http://127.0.0.1:1',
      OWNKEY_CONTROL_DATABASE_URL: postgres.controlUrl,
      OWNKEY_AUTH_SECRET: AUTH_SECRET,
      ...settings,
    });
    server = await composeServer(config, {
      logTo: { write: (line) => logLines.push(line) },
      ...(options.outbox === true
        ? {}
        : {
            sendResetCode: async (_sql, { email }, code) => {
              resetCodes.push({ email, code });
            },
          }),
      dispatches: false,
      ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
      consoleFiles: null,
      wrongTokensMax: options.wrongTokensMax ?? 1_000_000,
    });
    await server.app.ready();
  });
  afterAll(async () => {
    await server?.close();
    await database?.close();
  });
  const made = <T>(value: T | null): T => {
    if (value === null) throw new Error('useControlPlane(): read it inside a test or hook, it is not made yet');
    return value;
  };

  const sessionHeaders = async (loginId: string): Promise<Headers> => {
    const client = { address: '127.0.0.1', userAgent: null };
    const { value } = await made(database).everywhere((sql) => startSession(sql, AUTH_SECRET, loginId, client));
    return { cookie: `ownkey_session=${value}` };
  };
  const createLogin = async (): Promise<string> => {
    const id = newId('login');
    const email = `${id}@example.com`;
    await made(database).outside.rows('INSERT INTO logins (id, email, password_hash) VALUES ($1, $2, $3)', [
      id,
      email,
      'none',
    ]);
    return id;
  };

  return {
    get server() {
      return made(server);
    },
    get database() {
      return made(database);
    },
    postgres,
    logLines,
    resetCodes,
    call: async (method, path, headers = {}, body) => {
      const known = (['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).find((name) => name === method);
      if (known === undefined) throw new Error(`no method ${method}`);
      const raw = typeof body === 'string' || body instanceof Buffer;
      const response = await made(server).app.inject({
        method: known,
        url: path,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { payload: raw ? body : JSON.stringify(body) }),
      });
      // What is done after answers is done before the test goes on.
      await made(server).settled();
      const isJson = String(response.headers['content-type'] ?? '').includes('json');
      return {
        status: response.statusCode,
        headers: response.headers,
        text: response.body,
        body: isJson && response.body !== '' ? JSON.parse(response.body) : null,
      };
    },
    createCompany: async (plan = 'business') => {
      const id = newId('company');
      const externalId = `ext-${randomBytes(4).toString('hex')}`;
      const people = { admin: newId('user'), member: newId('user') };
      const logins = { admin: await createLogin(), member: await createLogin() };
      await made(database).everywhere(async (sql) => {
        await sql.rows('INSERT INTO companies (id, external_id, name, plan) VALUES ($1, $2, $3, $4)', [
          id,
          externalId,
          `Company ${externalId}`,
          plan,
        ]);
        for (const role of ['admin', 'member'] as const) {
          await sql.rows(
            'INSERT INTO users (id, company_id, external_id, role, name, login_id) VALUES ($1, $2, $3, $4, $5, $6)',
            [people[role], id, `${role}-${externalId}`, role, role === 'admin' ? 'Ana' : 'Max', logins[role]],
          );
        }
      });
      return {
        id,
        externalId,
        adminId: people.admin,
        memberId: people.member,
        admin: await sessionHeaders(logins.admin),
        member: await sessionHeaders(logins.member),
      };
    },
    createTokenHeaders: async (scopes, { companyId, userId, expiresAt = null } = {}) => {
      const { token } = await made(database).everywhere((sql) =>
        createToken(sql, {
          name: 'test',
          scopes,
          companyId: companyId ?? null,
          userId: userId ?? null,
          createdBy: 'test',
          expiresAt,
        }),
      );
      return { authorization: `Bearer ${token}` };
    },
    createOperatorHeaders: async () => {
      const loginId = await createLogin();
      await made(database).outside.rows('INSERT INTO operators (id, login_id) VALUES ($1, $2)', [
        newId('operator'),
        loginId,
      ]);
      return sessionHeaders(loginId);
    },
  };
}
