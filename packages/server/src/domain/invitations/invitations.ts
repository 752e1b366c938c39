import { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import { sealText } from '../../platform/sealed-text.ts';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { findActorNames } from '../members/actor-names.ts';
import { enqueue, MAIL_HOURS } from '../outbox/entry.ts';
import { INVITATION_DAYS } from '../sign-in/code-lives.ts';
import { createCode } from '../sign-in/one-time-code.ts';
import { normaliseEmail } from '../sign-in/sign-in.ts';

/** People asked to join who have not yet. One invitation per company and address; its code is in the mail alone. */
export interface InvitationRow {
  id: string;
  company_id: string;
  email: string;
  name: string | null;
  role: 'admin' | 'member';
  created_by: string | null;
  created_at: Date;
  expires_at: Date;
}

const COLUMNS = 'id, company_id, email, name, role, created_by, created_at, expires_at';
const INVITATIONS_MAX = 200;

export function listInvitations(sql: Sql, companyId: string, after: string, limit: number): Promise<InvitationRow[]> {
  return sql.rows(`SELECT ${COLUMNS} FROM invitations WHERE company_id = $1 AND id > $2 ORDER BY id LIMIT $3`, [
    companyId,
    after,
    limit,
  ]);
}

/**
 * Invites, with code and mail in the same transaction. The same address again is a new invitation: the earlier one and its link end.
 * Says nothing about accounts outside of the company. @throws OwnkeyError conflict.exists, invitation.too_many
 */
export async function createInvitation(
  sql: Sql,
  authSecret: string,
  wanted: { companyId: string; email: string; role: 'admin' | 'member'; name: string | undefined; actor: string },
): Promise<InvitationRow> {
  const email = normaliseEmail(wanted.email);
  // One at a time per company, so that two callers cannot pass the limit together.
  const company = await first<{ name: string }>(sql, 'SELECT name FROM companies WHERE id = $1 FOR NO KEY UPDATE', [
    wanted.companyId,
  ]);
  if (company === null) throw new OwnkeyError('not_found');
  const member = await first(
    sql,
    'SELECT 1 FROM users WHERE company_id = $1 AND lower(email) = $2 AND login_id IS NOT NULL LIMIT 1',
    [wanted.companyId, email],
  );
  if (member !== null) throw new OwnkeyError('conflict.exists', { what: 'A member with this email' });
  await sql.rows('DELETE FROM invitations WHERE company_id = $1 AND (email = $2 OR expires_at < now())', [
    wanted.companyId,
    email,
  ]);
  const open = await first<{ n: number }>(sql, 'SELECT count(*)::int AS n FROM invitations WHERE company_id = $1', [
    wanted.companyId,
  ]);
  if ((open?.n ?? 0) >= INVITATIONS_MAX) throw new OwnkeyError('invitation.too_many', { limit: INVITATIONS_MAX });
  const row = await first<InvitationRow>(
    sql,
    `INSERT INTO invitations (id, company_id, email, name, role, created_by, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7)) RETURNING ${COLUMNS}`,
    [newId('invitation'), wanted.companyId, email, wanted.name ?? null, wanted.role, wanted.actor, INVITATION_DAYS],
  );
  if (row === null) throw new OwnkeyError('internal', {}, 'an invitation was not made');
  const code = await createCode(sql, 'invite', { invitationId: row.id }, INVITATION_DAYS * 24 * 60);
  const name = await findActorNames(sql, [wanted.actor]);
  await enqueue(sql, {
    company: wanted.companyId,
    channel: 'mail',
    event: 'invitation',
    dedupeKey: `invitation:${row.id}`,
    target: email,
    facts: {
      company: company.name,
      by: name(wanted.actor),
      role: wanted.role,
      sealed: sealText(authSecret, 'mail-code', email, code).toString('base64url'),
    },
    hours: MAIL_HOURS,
  });
  const data = { invitation: row.id, role: row.role };
  await recordEvent(sql, { company: wanted.companyId, kind: 'invitation.created', actor: wanted.actor, data });
  return row;
}

/** Its link ends, and its mail is not sent any more. @throws OwnkeyError not_found */
export async function removeInvitation(sql: Sql, companyId: string, id: string, actor: string): Promise<void> {
  const gone = await sql.rows('DELETE FROM invitations WHERE company_id = $1 AND id = $2 RETURNING id', [
    companyId,
    id,
  ]);
  if (gone.length === 0) throw new OwnkeyError('not_found');
  await sql.rows("DELETE FROM outbox WHERE dedupe_key = $1 AND state = 'queued'", [`invitation:${id}`]);
  await recordEvent(sql, { company: companyId, kind: 'invitation.withdrawn', actor, data: { invitation: id } });
}
