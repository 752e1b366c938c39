import type { Company, User } from '@ownkey/contract/api/companies';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { COMPANY_ROUTES } from '@ownkey/contract/routes/companies';
import { type CompanyRow, eraseCompany, findCompany, putCompany, putPlan } from '../../domain/companies/companies.ts';
import { endUserSessions, findUser, putUser, removeUser, type UserRow } from '../../domain/users/users.ts';
import type { Sql } from '../../storage/database.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

/** What the host does: companies, their users and plans. */
export function companyHandlers({ database }: Parts): HandlersOf<keyof typeof COMPANY_ROUTES> {
  return {
    putCompany: ({ caller, params, body }) =>
      database.everywhere(async (sql) => {
        const { company, created } = await putCompany(sql, params.company, body, caller.actor);
        return { status: created ? 201 : 200, body: companyView(company) };
      }),
    getCompany: ({ params }) =>
      database.everywhere(async (sql) => ({ status: 200, body: companyView(await needCompany(sql, params.company)) })),
    deleteCompany: ({ caller, params }) =>
      database.everywhere(async (sql) => {
        await eraseCompany(sql, (await needCompany(sql, params.company)).id, caller.actor);
        return { status: 204, body: null };
      }),
    putCompanyPlan: ({ caller, params, body }) =>
      database.everywhere(async (sql) => {
        const company = await needCompany(sql, params.company);
        return { status: 200, body: companyView(await putPlan(sql, company, body.plan, caller.actor)) };
      }),
    putUser: ({ caller, params, body }) =>
      database.everywhere(async (sql) => {
        const company = await needCompany(sql, params.company);
        const { user, created } = await putUser(sql, company.id, params.user, body, caller.actor);
        return { status: created ? 201 : 200, body: userView(user) };
      }),
    getUser: ({ params }) =>
      database.everywhere(async (sql) => {
        const company = await needCompany(sql, params.company);
        return { status: 200, body: userView(await needUser(sql, company.id, params.user)) };
      }),
    deleteUser: ({ caller, params }) =>
      database.everywhere(async (sql) => {
        const company = await needCompany(sql, params.company);
        await removeUser(sql, await needUser(sql, company.id, params.user), caller.actor);
        return { status: 204, body: null };
      }),
    endUserSessions: ({ caller, params }) =>
      database.everywhere(async (sql) => {
        const company = await needCompany(sql, params.company);
        const user = await needUser(sql, company.id, params.user);
        return { status: 200, body: { ended: await endUserSessions(sql, user, caller.actor) } };
      }),
  };
}

async function needCompany(sql: Sql, name: string): Promise<CompanyRow> {
  const company = await findCompany(sql, name);
  if (company === null) throw new OwnkeyError('not_found');
  return company;
}

async function needUser(sql: Sql, companyId: string, name: string): Promise<UserRow> {
  const user = await findUser(sql, companyId, name);
  if (user === null) throw new OwnkeyError('not_found');
  return user;
}

export function companyView({ created_at, ...company }: CompanyRow): Company {
  return { ...company, created_at: created_at.toISOString() };
}

function userView({ company_id, login_id, created_at, ...user }: UserRow): User {
  return { ...user, company: company_id, has_login: login_id !== null, created_at: created_at.toISOString() };
}
