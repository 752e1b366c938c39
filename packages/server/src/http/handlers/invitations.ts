import type { Invitation } from '@ownkey/contract/api/invitations';
import type { INVITATION_ROUTES } from '@ownkey/contract/routes/invitations';
import { acceptInvitation } from '../../domain/invitations/accept.ts';
import {
  createInvitation,
  type InvitationRow,
  listInvitations,
  removeInvitation,
} from '../../domain/invitations/invitations.ts';
import { findActorNames } from '../../domain/members/actor-names.ts';
import { ID_POSITION, PAGE_SIZE, pageOf, readCursor } from '../cursor.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';
import { begunSession } from './sign-in.ts';

/** Asking people to join, and joining. */
export function invitationHandlers(parts: Parts): HandlersOf<keyof typeof INVITATION_ROUTES> {
  const { database, authSecret } = parts;
  return {
    listInvitations: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const limit = query.limit ?? PAGE_SIZE;
        const after = readCursor(query.cursor, ID_POSITION) ?? '';
        const rows = await listInvitations(sql, caller.companyId, after, limit + 1);
        const name = await findActorNames(
          sql,
          rows.map((row) => row.created_by),
        );
        const page = pageOf(
          rows,
          limit,
          (row) => viewOf(row, name),
          (row) => row.id,
        );
        return { status: 200, body: page };
      }),
    createInvitation: ({ caller, body }) =>
      database.tenant(caller.companyId, async (sql) => {
        const { companyId, actor } = caller;
        const { email, role, name } = body;
        const row = await createInvitation(sql, authSecret, { companyId, email, role, name, actor });
        return { status: 201, body: viewOf(row, await findActorNames(sql, [row.created_by])) };
      }),
    removeInvitation: ({ caller, params }) =>
      database.tenant(caller.companyId, async (sql) => {
        await removeInvitation(sql, caller.companyId, params.id, caller.actor);
        return { status: 204, body: null };
      }),
    acceptInvitation: async ({ body, client }) => ({
      status: 201,
      ...(await begunSession(parts, await acceptInvitation(database, authSecret, body, client))),
    }),
  };
}

function viewOf(row: InvitationRow, name: (actor: string | null) => string | null): Invitation {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    role: row.role,
    created_by: name(row.created_by),
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
  };
}
