import type { Plan } from '@ownkey/contract/api/operator';
import { OwnkeyError } from '@ownkey/contract/errors';
import { formatUsd } from '@ownkey/contract/money';
import type { OPERATOR_ROUTES } from '@ownkey/contract/routes/operator';
import { recordEvent } from '../../domain/audit/record.ts';
import { listOverviews, needOverview, readPlanEffect } from '../../domain/companies/overview.ts';
import { readHealth } from '../../domain/health/health.ts';
import { readUnreadableBy } from '../../domain/kek/kek.ts';
import { findPlan, listPlans, type PlanRow, putPlan, removePlan } from '../../domain/plans/plans.ts';
import { assertGrantable, createToken, findTokenById, removeToken } from '../../domain/tokens/tokens.ts';
import { ID_POSITION, PAGE_SIZE, pageOf, readCursor } from '../cursor.ts';
import type { HandlersOf } from '../handler.ts';
import { readExpiry, tokenPage, tokenView } from './access.ts';
import type { Parts } from './parts.ts';

const PLAN_POSITION = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const INSTALLATION_SCOPES: readonly string[] = ['host', 'operator'];

/** Plans, companies, tokens and health, for operators. */
export function operatorHandlers({
  catalogue,
  database,
  version,
  installation,
  kekEpoch,
  log,
}: Parts): HandlersOf<keyof typeof OPERATOR_ROUTES> {
  return {
    listPlans: ({ query }) =>
      database.everywhere(async (sql) => {
        const limit = query.limit ?? PAGE_SIZE;
        const rows = await listPlans(sql, readCursor(query.cursor, PLAN_POSITION) ?? '', limit + 1);
        return { status: 200, body: pageOf(rows, limit, planView, (row) => row.id) };
      }),
    getPlan: ({ params }) =>
      database.everywhere(async (sql) => {
        const plan = await findPlan(sql, params.id);
        if (plan === null) throw new OwnkeyError('not_found');
        return { status: 200, body: planView(plan) };
      }),
    putPlan: ({ caller, params, body }) =>
      database.everywhere(async (sql) => {
        const { plan, created } = await putPlan(sql, params.id, body, caller.actor);
        return { status: created ? 201 : 200, body: planView(plan) };
      }),
    removePlan: ({ caller, params }) =>
      database.everywhere(async (sql) => {
        await removePlan(sql, params.id, caller.actor);
        return { status: 204, body: null };
      }),
    listCompanies: ({ query }) =>
      database.everywhere(async (sql) => {
        const limit = query.limit ?? PAGE_SIZE;
        const { q = '', plan = null, state = null, cursor } = query;
        const rows = await listOverviews(sql, { q, plan, state }, readCursor(cursor, ID_POSITION), limit + 1);
        return {
          status: 200,
          body: pageOf(
            rows,
            limit,
            (row) => row,
            (row) => row.id,
          ),
        };
      }),
    getOperatorCompany: ({ params }) =>
      database.everywhere(async (sql) => ({
        status: 200,
        body: {
          ...(await needOverview(sql, params.id)),
          backups_unreadable_by: await readUnreadableBy(sql, kekEpoch),
        },
      })),
    getPlanEffect: ({ params, query }) =>
      database.everywhere(async (sql) => ({ status: 200, body: await readPlanEffect(sql, params.id, query.plan) })),
    listOperatorTokens: ({ query }) =>
      database.everywhere(async (sql) => {
        const after = readCursor(query.cursor, ID_POSITION) ?? '';
        const of = { companyId: null, userId: null };
        return { status: 200, body: await tokenPage(sql, of, after, query.limit ?? PAGE_SIZE) };
      }),
    createOperatorToken: ({ caller, body }) =>
      database.everywhere(async (sql) => {
        const foreign = body.scopes.find((scope) => !INSTALLATION_SCOPES.includes(scope));
        if (foreign !== undefined || body.personal === true)
          throw new OwnkeyError('request.invalid', {
            problem: 'A token above companies has the scopes host and operator alone.',
            param: 'scopes',
          });
        assertGrantable(caller.scopes, body.scopes);
        const made = await createToken(sql, {
          name: body.name,
          scopes: body.scopes,
          companyId: null,
          userId: null,
          createdBy: caller.actor,
          expiresAt: readExpiry(body.expires_at),
          requestsPerMinute: body.requests_per_minute,
          concurrentRequests: body.concurrent_requests,
        });
        const data = { token: made.row.id, name: body.name, scopes: body.scopes };
        await recordEvent(sql, { company: null, kind: 'token.created', actor: caller.actor, data });
        return { status: 201, body: { ...(await tokenView(sql, made.row)), token: made.token } };
      }),
    revokeOperatorToken: ({ caller, params }) =>
      database.everywhere(async (sql) => {
        const row = await findTokenById(sql, null, params.id);
        if (row === null) throw new OwnkeyError('not_found');
        await removeToken(sql, row.id);
        const data = { token: row.id, name: row.name };
        await recordEvent(sql, { company: null, kind: 'token.revoked', actor: caller.actor, data });
        return { status: 204, body: null };
      }),
    getHealth: async () => ({
      status: 200,
      body: await readHealth(
        database,
        version,
        installation.mail,
        (id) => catalogue.entries.get(id)?.name ?? id,
        (part, error) => log.warn({ part, err: error }, 'health: a part could not be read'),
      ),
    }),
  };
}

function planView({ credits_nano_usd, ...plan }: PlanRow): Plan {
  return { ...plan, credits_usd: credits_nano_usd === null ? null : formatUsd(BigInt(credits_nano_usd)) };
}
