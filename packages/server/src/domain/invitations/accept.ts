import { newId } from '@ownkey/contract/ids';
import { networkOf } from '@ownkey/guard/client-address';
import { type Database, first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { takeCode } from '../sign-in/one-time-code.ts';
import { hashPassword } from '../sign-in/password.ts';
import { startSession } from '../sign-in/session.ts';
import { type Client, createLogin, wrongCode } from '../sign-in/sign-in.ts';
import { takeTry } from '../sign-in/tries.ts';

interface Invited {
  id: string;
  company_id: string;
  email: string;
  name: string | null;
  role: 'admin' | 'member';
}

/**
 * Joins the company that invited, and signs in. The code is used up, and of two callers with it one joins. Somebody the host
 * created with this address and no login becomes this person, with the role of the invitation. Where the address has an account
 * elsewhere nothing happens, and the code stays.
 * @throws OwnkeyError request.invalid (no such code, used, too late, withdrawn), conflict.exists, auth.too_many_tries
 */
export async function acceptInvitation(
  database: Database,
  secret: string,
  given: { code: string; password: string; name?: string | undefined },
  client: Client,
): Promise<{ value: string; expiresAt: Date }> {
  await takeTry(database, 'invitation', client.address, client.address);
  const passwordHash = await hashPassword(given.password);
  return database.everywhere(async (sql) => {
    const code = await takeCode(sql, 'invite', given.code);
    const invited = await first<Invited>(
      sql,
      'DELETE FROM invitations WHERE id = $1 AND expires_at > now() RETURNING id, company_id, email, name, role',
      [code?.invitation_id ?? null],
    );
    if (invited === null) throw wrongCode('Ask for a new invitation.');
    const loginId = await createLogin(sql, invited.email, passwordHash);
    const name = given.name ?? invited.name;
    const userId = await linkUser(sql, invited, loginId, name);
    await recordEvent(sql, {
      company: invited.company_id,
      kind: 'signed_in',
      actor: userId,
      user: userId,
      data: { network: networkOf(client.address), invitation: invited.id },
    });
    return startSession(sql, secret, loginId, client);
  });
}

async function linkUser(sql: Sql, invited: Invited, loginId: string, name: string | null): Promise<string> {
  const known = await first<{ id: string }>(
    sql,
    `SELECT id FROM users WHERE company_id = $1 AND lower(email) = $2 AND login_id IS NULL ORDER BY created_at, id LIMIT 1
     FOR UPDATE`,
    [invited.company_id, invited.email],
  );
  const data = { invitation: invited.id, role: invited.role };
  if (known !== null) {
    await sql.rows('UPDATE users SET login_id = $2, role = $3, name = coalesce($4, name) WHERE id = $1', [
      known.id,
      loginId,
      invited.role,
      name,
    ]);
    await recordEvent(sql, {
      company: invited.company_id,
      kind: 'user.changed',
      actor: known.id,
      user: known.id,
      data: { ...data, changed: ['login', 'role'] },
    });
    return known.id;
  }
  const id = newId('user');
  await sql.rows('INSERT INTO users (id, company_id, role, email, name, login_id) VALUES ($1, $2, $3, $4, $5, $6)', [
    id,
    invited.company_id,
    invited.role,
    invited.email,
    name,
    loginId,
  ]);
  await recordEvent(sql, { company: invited.company_id, kind: 'user.created', actor: id, user: id, data });
  return id;
}
