import { beforeEach, describe, expect, test } from 'vitest';
import { useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { type ArrivedMail, useMailPeer } from '../../../../../tests/kit/mail-peer.ts';
import { useOutboxBench } from '../../../../../tests/kit/outbox.ts';

const plane = useControlPlane({}, { outbox: true });
const peer = useMailPeer();
const bench = useOutboxBench(plane, peer);
const PASSWORD = 'correct horse battery';
let count = 0;
let email: string;

beforeEach(async () => {
  email = `new-${++count}@example.com`;
  await plane.database.outside.rows('DELETE FROM sign_in_tries');
  await plane.database.outside.rows('DELETE FROM one_time_codes');
});

const invite = (body: unknown = { email, role: 'member' }, who = bench.company.admin) =>
  plane.call('POST', '/api/invitations', who, body);
const accept = (code: string, extra = {}) =>
  plane.call('POST', '/api/auth/accept-invitation', {}, { code, password: PASSWORD, ...extra });
const signIn = (password = PASSWORD, who = email) =>
  plane.call('POST', '/api/auth/sign-in', {}, { email: who, password });

async function nextMail(): Promise<ArrivedMail> {
  peer.mails.length = 0;
  await bench.server().drain();
  const [mail] = peer.mails;
  if (mail === undefined || peer.mails.length > 1) throw new Error(`${peer.mails.length} mails arrived`);
  return mail;
}
const codeOf = (mail: ArrivedMail): string => /#code=([0-9A-Z-]{29})\b/.exec(mail.text)?.[1] ?? 'no code';

async function invitedCode(body?: unknown): Promise<string> {
  expect((await invite(body)).status).toBe(201);
  return codeOf(await nextMail());
}

describe('an invitation', () => {
  test('arrives as a mail whose code joins the company, signs in, and signs in again by password', async () => {
    await bench.owner.query('UPDATE companies SET name = $2 WHERE id = $1', [bench.company.id, 'Acme <b>']);
    const made = await invite({ email: ` ${email.toUpperCase()}`.trim(), role: 'admin', name: 'Bo' });
    expect(made.body).toMatchObject({ email, role: 'admin', name: 'Bo', created_by: 'Ana' });
    expect(made.text).not.toContain('code');
    const mail = await nextMail();
    expect([mail.to, mail.subject]).toEqual([[email], 'Ana invites you to Acme <b>']);
    expect(mail.html).toContain('Acme &lt;b&gt;');
    expect(mail.text).toContain('https://keys.example.com/invitation#code=');
    const joined = await accept(codeOf(mail));
    expect(joined.status).toBe(201);
    expect(joined.body.user).toMatchObject({ email, role: 'admin', name: 'Bo', company: { id: bench.company.id } });
    const cookie = { cookie: String(joined.headers['set-cookie']).split(';')[0] ?? '' };
    expect((await plane.call('GET', '/api/keys', cookie)).status).toBe(200);
    expect((await signIn()).body.user.id).toBe(joined.body.user.id);
    expect((await plane.call('GET', '/api/invitations', bench.company.admin)).body.data).toEqual([]);
  });

  test('makes somebody the host created with this address that person', async () => {
    await bench.owner.query('UPDATE users SET email = $2, login_id = NULL WHERE id = $1', [
      bench.company.memberId,
      email,
    ]);
    const joined = await accept(await invitedCode(), { name: 'Max B.' });
    expect(joined.body.user).toMatchObject({ id: bench.company.memberId, name: 'Max B.' });
  });

  test('works once, also when two use it at the same moment', async () => {
    const code = await invitedCode();
    const both = await Promise.all([accept(code), accept(code)]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 400]);
    const again = await accept(code);
    expect([again.status, again.body.code, again.body.param]).toEqual([400, 'request.invalid', 'code']);
  });

  test('works for seven days', async () => {
    const code = await invitedCode();
    const { rows } = await bench.owner.query(
      `SELECT i.expires_at - i.created_at AS invitation, c.expires_at - c.created_at AS code
       FROM invitations i JOIN one_time_codes c ON c.invitation_id = i.id WHERE i.email = $1`,
      [email],
    );
    expect(rows).toEqual([
      { invitation: expect.objectContaining({ days: 7 }), code: expect.objectContaining({ days: 7 }) },
    ]);
    await bench.owner.query(
      "UPDATE one_time_codes SET expires_at = now() - interval '1 second' WHERE purpose = 'invite'",
    );
    expect((await accept(code)).body.code).toBe('request.invalid');
  });

  test('sent again ends the one before, and has one row', async () => {
    const first = await invitedCode();
    const second = await invitedCode({ email, role: 'admin' });
    expect((await accept(first)).status).toBe(400);
    const { body } = await plane.call('GET', '/api/invitations', bench.company.admin);
    expect(body.data).toEqual([expect.objectContaining({ email, role: 'admin' })]);
    expect((await accept(second)).body.user.role).toBe('admin');
  });

  test('withdrawn ends, and its mail is not sent any more', async () => {
    const sent = await invite();
    const code = codeOf(await nextMail());
    expect((await plane.call('DELETE', `/api/invitations/${sent.body.id}`, bench.company.admin)).status).toBe(204);
    expect((await accept(code)).status).toBe(400);
    const waiting = await invite();
    await plane.call('DELETE', `/api/invitations/${waiting.body.id}`, bench.company.admin);
    peer.mails.length = 0;
    await bench.server().drain();
    expect(peer.mails).toEqual([]);
  });

  test('of another company is not there', async () => {
    const other = await plane.createCompany();
    const made = await invite();
    const code = codeOf(await nextMail());
    const answer = await plane.call('DELETE', `/api/invitations/${made.body.id}`, other.admin);
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
    expect((await plane.call('GET', '/api/invitations', other.admin)).body.data).toEqual([]);
    // And its code leads nowhere but into the company that invited.
    expect((await accept(code)).body.user.company.id).toBe(bench.company.id);
  });

  test('to an address with an account elsewhere changes nothing, and the inviting company cannot tell', async () => {
    await accept(await invitedCode());
    const other = await plane.createCompany();
    const answer = await invite({ email, role: 'member' }, other.admin);
    expect(answer.status).toBe(201);
    const joined = await accept(codeOf(await nextMail()));
    expect([joined.status, joined.body.code]).toEqual([409, 'conflict.exists']);
    expect((await signIn()).body.user.company.id).toBe(bench.company.id);
    expect((await plane.call('GET', '/api/invitations', other.admin)).body.data).toHaveLength(1);
  });

  test('to a member who can sign in is refused', async () => {
    await accept(await invitedCode());
    expect((await invite()).body.code).toBe('conflict.exists');
  });

  test('is for admins, of a known form, and by the code of nothing else', async () => {
    expect((await invite(undefined, bench.company.member)).body.code).toBe('auth.scope');
    for (const body of [
      {},
      { email, role: 'operator' },
      { email: 'x', role: 'member' },
      { email: 'a@b.com\nBcc: c@d.com', role: 'member' },
    ])
      expect((await invite(body)).body.code).toBe('request.invalid');
    expect((await accept('WRONG')).body.code).toBe('request.invalid');
    const code = await invitedCode();
    const reset = await plane.call('POST', '/api/auth/reset/confirm', {}, { code, password: PASSWORD });
    expect(reset.body.code).toBe('request.invalid');
    expect((await accept(code, { password: 'short' })).body.code).toBe('request.invalid');
    expect((await accept(code)).status).toBe(201);
  });

  test('can be tried five times a minute from one client', async () => {
    const tries = await Promise.all(Array.from({ length: 6 }, () => accept('WRONG')));
    expect(tries.map(({ body }) => body.code).filter((code) => code === 'auth.too_many_tries')).toHaveLength(1);
  });
});

describe('the mail of a password reset', () => {
  const ask = (who: string) => plane.call('POST', '/api/auth/reset', {}, { email: who });

  test('sets a new password, and ends with its code in no row', async () => {
    await accept(await invitedCode());
    expect((await ask(email)).status).toBe(202);
    const [waiting] = (
      await bench.owner.query(
        "SELECT payload::text, give_up_at - created_at AS tried FROM outbox WHERE event = 'reset'",
      )
    ).rows;
    expect(waiting?.tried).toMatchObject({ minutes: 30 });
    const mail = await nextMail();
    const code = codeOf(mail);
    expect([mail.to, mail.subject]).toEqual([[email], 'Set a new password at Leads']);
    expect(waiting?.payload).not.toContain(code);
    expect((await bench.owner.query("SELECT payload, state FROM outbox WHERE event = 'reset'")).rows).toEqual([
      { payload: null, state: 'sent' },
    ]);
    const password = 'another horse battery';
    expect((await plane.call('POST', '/api/auth/reset/confirm', {}, { code, password })).status).toBe(200);
    expect([(await signIn()).status, (await signIn(password)).status]).toEqual([401, 200]);
  });

  test('an unknown address is answered alike, and gets none', async () => {
    await accept(await invitedCode());
    const strip = ({ status, text, headers }: Awaited<ReturnType<typeof ask>>) => {
      const { date: _, 'x-ownkey-request-id': __, ...rest } = headers;
      return { status, text, rest };
    };
    expect(strip(await ask('nobody@example.com'))).toEqual(strip(await ask(email)));
    expect((await nextMail()).to).toEqual([email]);
  });

  test('code and mail stand or fall together', async () => {
    await accept(await invitedCode());
    await bench.owner.query("ALTER TABLE outbox ADD CONSTRAINT broken CHECK (event <> 'reset')");
    // The answer is the one an unknown address gets.
    expect((await ask(email)).status).toBe(202);
    await bench.owner.query('ALTER TABLE outbox DROP CONSTRAINT broken');
    expect((await bench.owner.query("SELECT 1 FROM one_time_codes WHERE purpose = 'reset'")).rows).toEqual([]);
  });

  test('given up, its code is gone from the outbox as well', async () => {
    await accept(await invitedCode());
    await ask(email);
    await bench.owner.query("UPDATE outbox SET give_up_at = now() WHERE event = 'reset'");
    await bench.server().drain();
    expect((await bench.owner.query("SELECT payload, state FROM outbox WHERE event = 'reset'")).rows).toEqual([
      { payload: null, state: 'failed' },
    ]);
  });
});
