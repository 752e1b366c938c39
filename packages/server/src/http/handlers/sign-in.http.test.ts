import type { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { hashPassword } from '../../domain/sign-in/password.ts';
import { recordRefusedSignIn } from '../../domain/sign-in/record.ts';
import { createSetUpCode, requestReset, signIn as signInTo } from '../../domain/sign-in/sign-in.ts';
import { takeTry } from '../../domain/sign-in/tries.ts';
import { type Database, openDatabase } from '../../storage/database.ts';

const plane = useControlPlane();
const PASSWORD = 'correct horse battery';
let passwordHash: string;
let email: string;

beforeAll(async () => {
  passwordHash = await hashPassword(PASSWORD);
});
beforeEach(async () => {
  const company = await plane.createCompany();
  email = `ana-${company.externalId}@example.com`;
  await plane.database.everywhere(async (sql) => {
    const id = newId('login');
    await sql.rows('INSERT INTO logins (id, email, password_hash) VALUES ($1, $2, $3)', [id, email, passwordHash]);
    await sql.rows('UPDATE users SET login_id = $2 WHERE id = $1', [company.adminId, id]);
  });
});

const signIn = (password = PASSWORD, who = email, headers = {}) =>
  plane.call('POST', '/api/auth/sign-in', headers, { email: who, password });
const cookieOf = (answer: { headers: Readonly<Record<string, unknown>> }) => ({
  cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '',
});

describe('signing in', () => {
  test('gives a session in a cookie that scripts cannot read, and signing out ends it', async () => {
    const answer = await signIn();
    expect(answer.body.user).toMatchObject({ email, role: 'admin', kind: 'user', company: { plan: 'business' } });
    expect(String(answer.headers['set-cookie'])).toMatch(
      /^ownkey_session=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
    );
    const cookie = cookieOf(answer);
    expect((await plane.call('GET', '/api/auth/session', cookie)).body.user.email).toBe(email);
    await plane.call('POST', '/api/auth/sign-out', cookie);
    expect((await plane.call('GET', '/api/auth/session', cookie)).body).toEqual({ user: null });
  });

  test('the signed-out session call is 200 with user null', async () => {
    const answer = await plane.call('GET', '/api/auth/session');
    expect([answer.status, answer.text]).toEqual([200, '{"user":null}']);
  });

  test('takes the email in any case', async () => {
    expect((await signIn(PASSWORD, ` ${email.toUpperCase()} `)).status).toBe(200);
  });

  test('a wrong password and an unknown address answer the same', async () => {
    const strip = ({ status, body }: Awaited<ReturnType<typeof signIn>>) => ({
      status,
      body: { ...body, request_id: '' },
    });
    const wrong = strip(await signIn('wrong password'));
    const unknown = strip(await signIn(PASSWORD, 'nobody@example.com'));
    expect(wrong).toEqual(unknown);
    expect([wrong.status, wrong.body.code]).toEqual([401, 'auth.wrong_password']);
  });

  test('the sixth try in a minute waits, also with the right password, and says how long', async () => {
    const tries = await Promise.all(Array.from({ length: 5 }, () => signIn('wrong password')));
    expect(tries.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    const sixth = await signIn();
    expect([sixth.status, sixth.body.code]).toEqual([429, 'auth.too_many_tries']);
    expect(Number(sixth.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(sixth.headers['retry-after'])).toBeLessThanOrEqual(60);
    await plane.database.outside.rows("UPDATE sign_in_tries SET since = since - interval '61 seconds'");
    expect((await signIn()).status).toBe(200);
  });

  test('the database holds neither the cookie nor anything that makes one', async () => {
    const value = cookieOf(await signIn()).cookie.split('=')[1] ?? '';
    const [row] = await plane.database.outside.rows<{ text: string }>(
      'SELECT string_agg(s::text, chr(10)) AS text FROM sessions s',
    );
    expect(row?.text).not.toContain(value);
    expect(row?.text).not.toContain(Buffer.from(value, 'base64url').toString('hex'));
  });

  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a sister host', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['no origin at all', { origin: 'null' }],
  ])('a page of %s cannot write with the cookie', async (_, headers) => {
    const cookie = cookieOf(await signIn());
    const answer = await plane.call('PUT', '/api/settings', { ...cookie, ...headers }, { ai_enabled: false });
    expect([answer.status, answer.body.code]).toEqual([403, 'auth.csrf']);
    const own = { ...cookie, origin: 'http://localhost:8420', 'sec-fetch-site': 'same-origin', host: 'localhost:8420' };
    expect((await plane.call('PUT', '/api/settings', own, { ai_enabled: true })).status).toBe(200);
  });
});

describe('tokens at the door', () => {
  const hostile = [
    "oky_co_' OR '1'='1",
    'oky_co_"; DROP TABLE tokens; --',
    `oky_co_${'x'.repeat(5000)}`,
    'oky_co_%00',
    'oky_co_\\x00',
    'not-a-token',
    '"quoted"',
  ];
  test.each(hostile)('%s is refused like any other wrong token', async (token) => {
    const answer = await plane.call('GET', '/api/keys', { authorization: `Bearer ${token}` });
    expect([answer.status, answer.body.code]).toEqual([401, 'auth.invalid']);
    expect(answer.text).not.toContain(token.slice(0, 12));
  });

  test.each(['Basic b2s6cHc=', 'Bearer', 'Bearer ', 'token oky_x'])('%s is no credential', async (authorization) => {
    const answer = await plane.call('GET', '/api/keys', { authorization });
    expect([answer.status, answer.body.code]).toEqual([401, 'auth.invalid']);
  });
});

describe('setting up', () => {
  test('the code of init makes one operator, once', async () => {
    const code = await plane.database.everywhere(createSetUpCode);
    const body = { code, email: 'op@example.com', password: 'a long password' };
    const wrong = await plane.call('POST', '/api/auth/set-up', {}, { ...body, code: 'AAAAA-BBBBB' });
    expect([wrong.status, wrong.body.code]).toEqual([400, 'request.invalid']);
    const weak = await plane.call('POST', '/api/auth/set-up', {}, { ...body, password: 'short' });
    expect(weak.status).toBe(400);
    const made = await plane.call('POST', '/api/auth/set-up', {}, body);
    expect([made.status, made.body.user.role]).toEqual([201, 'operator']);
    expect((await plane.call('GET', '/api/operator/plans', cookieOf(made))).status).toBe(200);
    const again = await plane.call('POST', '/api/auth/set-up', {}, { ...body, email: 'other@example.com' });
    expect(again.status).toBe(400);
    expect(await plane.database.everywhere(createSetUpCode)).toBeNull();
    expect((await plane.call('GET', '/api/installation')).body).toMatchObject({ set_up: true, demo_accounts: [] });
  });
});

describe('a new password', () => {
  test('needs the mailed code, which works once, and ends all sessions', async () => {
    const cookie = cookieOf(await signIn());
    expect((await plane.call('POST', '/api/auth/reset', {}, { email })).status).toBe(202);
    const { code } = plane.resetCodes.at(-1) ?? { code: '' };
    const confirm = () =>
      plane.call('POST', '/api/auth/reset/confirm', {}, { code: code.toLowerCase(), password: 'another password' });
    expect((await confirm()).status).toBe(200);
    expect((await confirm()).status).toBe(400);
    expect((await plane.call('GET', '/api/auth/session', cookie)).body).toEqual({ user: null });
    expect((await signIn()).status).toBe(401);
    expect((await signIn('another password')).status).toBe(200);
  });

  test('asked for an unknown address answers the same and sends nothing', async () => {
    const sent = plane.resetCodes.length;
    const answer = await plane.call('POST', '/api/auth/reset', {}, { email: 'nobody@example.com' });
    expect([answer.status, answer.body]).toEqual([202, { ok: true }]);
    expect(plane.resetCodes).toHaveLength(sent);
  });
});

test('a person sees and ends their own sessions', async () => {
  const [first, second] = [cookieOf(await signIn()), cookieOf(await signIn())];
  const { body } = await plane.call('GET', '/api/auth/sessions', second);
  const older = body.data.find((item: { current: boolean }) => !item.current);
  expect(body.data).toHaveLength(2);
  expect((await plane.call('DELETE', `/api/auth/sessions/${older.id}`, second)).status).toBe(204);
  expect((await plane.call('GET', '/api/auth/session', first)).body).toEqual({ user: null });
});

describe('sessions end', () => {
  const seen = async (cookie: Record<string, string>) =>
    (await plane.call('GET', '/api/auth/session', cookie)).body.user?.email ?? null;
  const eventsOf = async (kind: string) =>
    plane.database.everywhere((sql) =>
      sql.rows<{ data: Record<string, unknown>; text: string }>(
        `SELECT e.data, e::text AS text FROM audit_events e JOIN users u ON u.id = e.user_id JOIN logins l ON l.id = u.login_id
         WHERE l.email = $1 AND e.kind = $2 ORDER BY seq`,
        [email, kind],
      ),
    );

  test('all but one’s own, with one request', async () => {
    const [first, second, third] = [cookieOf(await signIn()), cookieOf(await signIn()), cookieOf(await signIn())];
    expect((await plane.call('DELETE', '/api/auth/sessions', second)).body).toEqual({ ended: 2 });
    expect([await seen(first), await seen(second), await seen(third)]).toEqual([null, email, null]);
    expect((await plane.call('DELETE', '/api/auth/sessions', second)).body).toEqual({ ended: 0 });
    expect((await eventsOf('session.revoked')).map(({ data }) => data)).toEqual([{ sessions: 2 }]);
  });

  test('with a new password: every other one of the account, and codes that were on their way', async () => {
    const [old, here] = [cookieOf(await signIn()), cookieOf(await signIn())];
    await plane.call('POST', '/api/auth/reset', {}, { email });
    const { code } = plane.resetCodes.at(-1) ?? { code: '' };
    const change = (current: string) =>
      plane.call('POST', '/api/auth/password', here, { current_password: current, new_password: 'another password' });
    const wrong = await change('not the old one');
    expect([wrong.status, wrong.body.code]).toEqual([400, 'request.invalid']);
    expect(await seen(old)).toBe(email);
    expect((await change(PASSWORD)).body).toEqual({ ended: 1 });
    expect([await seen(old), await seen(here)]).toEqual([null, email]);
    const late = await plane.call('POST', '/api/auth/reset/confirm', {}, { code, password: 'a third password' });
    expect(late.status).toBe(400);
    expect((await signIn('another password')).status).toBe(200);
    expect((await eventsOf('password.changed')).map(({ data }) => data)).toEqual([
      { how: 'old password', sessions: 1 },
    ]);
    expect((await eventsOf('password.reset_asked')).length).toBe(1);
  });

  test('the old password is guessed five times a minute, not more', async () => {
    const here = cookieOf(await signIn());
    const guess = () =>
      plane.call('POST', '/api/auth/password', here, { current_password: 'guess', new_password: 'another password' });
    for (let i = 0; i < 5; i++) expect((await guess()).status).toBe(400);
    expect((await guess()).status).toBe(429);
  });

  test('for a person of a company, by the host or an operator, and by nobody else', async () => {
    const company = await plane.createCompany();
    const path = `/api/companies/${company.externalId}/users/member-${company.externalId}/sessions`;
    expect((await plane.call('DELETE', path, company.admin)).status).toBe(403);
    const host = await plane.createTokenHeaders(['host']);
    expect((await plane.call('DELETE', path, host)).body).toEqual({ ended: 1 });
    expect((await plane.call('GET', '/api/auth/session', company.member)).body).toEqual({ user: null });
    expect((await plane.call('GET', '/api/auth/session', company.admin)).body.user).not.toBeNull();
    expect((await plane.call('DELETE', path, await plane.createOperatorHeaders())).body).toEqual({ ended: 0 });
    expect((await plane.call('DELETE', path.replace('member-', 'nobody-'), host)).status).toBe(404);
  });

  test('the record tells who came and from which network, never the address, and holds no email', async () => {
    await signIn('wrong password');
    await signIn('wrong password again');
    const cookie = cookieOf(await signIn());
    await plane.call('POST', '/api/auth/sign-out', cookie);
    const [signedIn, refused, signedOut] = await Promise.all(
      ['signed_in', 'sign_in_refused', 'signed_out'].map(eventsOf),
    );
    expect(signedIn?.map(({ data }) => data)).toMatchObject([{ network: '127.0.0.0/24' }]);
    expect(refused).toHaveLength(1);
    expect(signedOut).toHaveLength(1);
    for (const event of [...(signedIn ?? []), ...(refused ?? [])]) {
      expect(event.text).not.toContain('127.0.0.1');
      expect(event.text).not.toContain(email);
    }
  });

  test('tries that have to wait are told once, and unknown accounts without what was typed', async () => {
    for (let i = 0; i < 7; i++) await signIn('wrong password');
    expect((await eventsOf('sign_in_refused')).map(({ data }) => data)).toEqual([
      { network: '127.0.0.0/24' },
      { network: '127.0.0.0/24', waits: true },
    ]);
    await plane.database.outside.rows('DELETE FROM sign_in_tries');
    const unknownTold = () =>
      plane.database.everywhere((sql) =>
        sql.rows<{ text: string }>(
          "SELECT e::text AS text FROM audit_events e WHERE company_id IS NULL AND kind = 'sign_in_refused'",
        ),
      );
    const before = (await unknownTold()).length;
    await signIn('a typed password', 'nobody-1@example.com');
    for (let i = 0; i < 40; i++) await recordRefusedSignIn(plane.database, null, `198.51.100.${i}`, false);
    // However many addresses it comes from.
    const rows = await unknownTold();
    expect(rows.length - before).toBe(5);
    for (const { text } of rows) expect(text).not.toMatch(/nobody-|typed/);
  });
});

test('what differs between a known and an unknown account is done after the answer', async () => {
  const order: string[] = [];
  const later = { add: () => order.push('later') };
  const client = { address: '192.0.2.77', userAgent: null };
  for (const who of [email, 'nobody@example.com']) {
    const statements: string[] = [];
    const counting: Database = {
      ...plane.database,
      everywhere: (work) =>
        plane.database.everywhere((sql) =>
          work({
            rows: (statement, values) => {
              statements.push(statement);
              return sql.rows(statement, values);
            },
          }),
        ),
    };
    await requestReset(counting, who, client, async () => {}, later);
    await expect(signInTo(counting, 'secret', { email: who, password: 'wrong' }, client, later)).rejects.toMatchObject({
      code: 'auth.wrong_password',
    });
    order.push(statements.join('\n'));
  }
  const half = order.length / 2;
  expect(order.slice(0, half)).toEqual(order.slice(half));
  expect(order.filter((what) => what === 'later')).toHaveLength(4);
});

test('tries are counted over all servers', async () => {
  const second = openDatabase(plane.postgres.controlUrl, 2);
  const client = { address: '192.0.2.78', userAgent: null };
  const later = { add: () => {} };
  const statuses: string[] = [];
  for (let i = 0; i < 6; i++) {
    const server = i % 2 === 0 ? second : plane.database;
    await signInTo(server, 'secret', { email, password: 'wrong' }, client, later).catch((error: OwnkeyError) =>
      statuses.push(error.code),
    );
  }
  for (const take of ['set-up', 'reset-confirm', 'invitation']) {
    for (let i = 0; i < 5; i++)
      await takeTry(i % 2 === 0 ? second : plane.database, take, client.address, client.address);
    await expect(takeTry(second, take, client.address, client.address)).rejects.toMatchObject({
      code: 'auth.too_many_tries',
    });
  }
  await second.close();
  expect(statuses).toEqual([...Array.from({ length: 5 }, () => 'auth.wrong_password'), 'auth.too_many_tries']);
});
