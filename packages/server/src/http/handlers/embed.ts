import { OwnkeyError } from '@ownkey/contract/errors';
import type { EMBED_ROUTES } from '@ownkey/contract/routes/embed';
import { findCompany } from '../../domain/companies/companies.ts';
import { createEmbedSession, endEmbedSession } from '../../domain/embed/embed-sessions.ts';
import { putUser } from '../../domain/users/users.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

/** Sessions of the embed. */
export function embedHandlers({ database }: Parts): HandlersOf<keyof typeof EMBED_ROUTES> {
  return {
    createEmbedSession: ({ caller, body }) =>
      database.everywhere(async (sql) => {
        const company = await findCompany(sql, body.company);
        if (company === null) throw new OwnkeyError('not_found');
        const { user } = await putUser(sql, company.id, body.user, {}, caller.actor);
        const of = { id: user.id, companyId: company.id, role: user.role };
        return { status: 201, body: await createEmbedSession(sql, body, of, caller.actor) };
      }),
    endEmbedSession: ({ params }) =>
      database.everywhere(async (sql) => {
        if (!(await endEmbedSession(sql, params.id))) throw new OwnkeyError('not_found');
        return { status: 204, body: null };
      }),
  };
}
