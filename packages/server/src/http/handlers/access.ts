import type { AuditExportQuery } from '@ownkey/contract/api/audit';
import type { Settings } from '@ownkey/contract/api/settings';
import type { Token } from '@ownkey/contract/api/tokens';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { ACCESS_ROUTES } from '@ownkey/contract/routes/access';
import { hasScope } from '@ownkey/contract/scopes';
import { resolveProvider } from '@ownkey/providers/catalogue';
import { exportLines } from '../../domain/audit/export.ts';
import { type AuditView, findLine, lineOf, listEntries, listLines } from '../../domain/audit/list.ts';
import { recordEvent } from '../../domain/audit/record.ts';
import { verifyAudit } from '../../domain/audit/verify.ts';
import { findActorNames } from '../../domain/members/actor-names.ts';
import { usedPriceView } from '../../domain/prices/view.ts';
import { changeSettings, readSettings, type SettingsState } from '../../domain/settings/settings.ts';
import {
  assertGrantable,
  createToken,
  findTokenById,
  listTokens,
  removeToken,
  type TokenRow,
} from '../../domain/tokens/tokens.ts';
import { listUsers } from '../../domain/users/users.ts';
import type { Sql } from '../../storage/database.ts';
import type { CompanyCaller } from '../caller.ts';
import { fileHeaders } from '../csv.ts';
import { ID_POSITION, PAGE_SIZE, pageOf, readCursor } from '../cursor.ts';
import type { HandlersOf } from '../handler.ts';
import { auditCsv } from './audit-csv.ts';
import type { Parts } from './parts.ts';

const SEQ_POSITION = /^\d{1,19}$/;

/** Audit, tokens, people, settings of one company. */
export function accessHandlers(parts: Parts): HandlersOf<keyof typeof ACCESS_ROUTES> {
  const { database } = parts;
  return {
    listAudit: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const before = readCursor(query.cursor, SEQ_POSITION);
        const rows = await listLines(sql, auditView(caller), filtersOf(parts, query), before, query.limit + 1);
        return { status: 200, body: pageOf(rows, query.limit, lineOf, (row) => row.seq) };
      }),
    exportAuditCsv: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const lines = await exportLines(sql, auditView(caller), filtersOf(parts, query));
        return { status: 200, body: auditCsv(lines), headers: fileHeaders('audit.csv', 'text/csv; charset=utf-8') };
      }),
    exportAuditJson: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const data = await exportLines(sql, auditView(caller), filtersOf(parts, query));
        return { status: 200, body: { data }, headers: fileHeaders('audit.json', 'application/json; charset=utf-8') };
      }),
    getAuditEntry: ({ caller, params }) =>
      database.tenant(caller.companyId, async (sql) => {
        const line = await findLine(sql, auditView(caller), params.request_id);
        if (line === null) throw new OwnkeyError('not_found');
        const events = (await listEntries(sql, line)).map((entry) => ({ ...entry, at: entry.at.toISOString() }));
        const price = await usedPriceView(sql, caller.companyId, line.price_id);
        return { status: 200, body: { ...lineOf(line), price, events } };
      }),
    verifyAudit: async ({ caller, gone }) => ({
      status: 200,
      body: await verifyAudit(database, parts.signals, caller.companyId, caller.actor, gone),
    }),

    listTokens: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const limit = query.limit ?? PAGE_SIZE;
        const after = readCursor(query.cursor, ID_POSITION) ?? '';
        const of = { companyId: caller.companyId, userId: caller.role === 'admin' ? null : caller.userId };
        return { status: 200, body: await tokenPage(sql, of, after, limit) };
      }),
    createToken: ({ caller, body }) =>
      database.tenant(caller.companyId, async (sql) => {
        const personal = body.personal === true || caller.role !== 'admin';
        if (personal && caller.userId === null)
          throw new OwnkeyError('request.invalid', {
            problem: 'personal: there is no person here.',
            param: 'personal',
          });
        if (!personal && !hasScope(caller.scopes, 'company:admin'))
          throw new OwnkeyError('auth.scope', { scope: 'company:admin' });
        assertGrantable(caller.scopes, body.scopes);
        const made = await createToken(sql, {
          name: body.name,
          scopes: body.scopes,
          companyId: caller.companyId,
          userId: personal ? caller.userId : null,
          createdBy: caller.actor,
          expiresAt: readExpiry(body.expires_at),
          requestsPerMinute: body.requests_per_minute,
          concurrentRequests: body.concurrent_requests,
        });
        const data = { token: made.row.id, name: body.name, scopes: body.scopes };
        await recordEvent(sql, { company: caller.companyId, kind: 'token.created', actor: caller.actor, data });
        return { status: 201, body: { ...(await tokenView(sql, made.row)), token: made.token } };
      }),
    revokeToken: ({ caller, params }) =>
      database.tenant(caller.companyId, async (sql) => {
        const row = await findTokenById(sql, caller.companyId, params.id);
        const own = row !== null && row.user_id !== null && row.user_id === caller.userId;
        if (row === null || (caller.role !== 'admin' && !own)) throw new OwnkeyError('not_found');
        if (!own && !hasScope(caller.scopes, 'company:admin'))
          throw new OwnkeyError('auth.scope', { scope: 'company:admin' });
        await removeToken(sql, row.id);
        const data = { token: row.id, name: row.name };
        await recordEvent(sql, { company: caller.companyId, kind: 'token.revoked', actor: caller.actor, data });
        return { status: 204, body: null };
      }),

    listMembers: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const limit = query.limit ?? PAGE_SIZE;
        const after = readCursor(query.cursor, ID_POSITION) ?? '';
        const only = caller.role === 'admin' ? null : (caller.userId ?? '');
        const rows = await listUsers(sql, caller.companyId, only, after, limit + 1);
        const page = pageOf(
          rows,
          limit,
          (row) => ({
            id: row.id,
            external_id: row.external_id,
            name: row.name,
            email: row.email,
            role: row.role,
            has_login: row.login_id !== null,
            you: row.id === caller.userId,
            created_at: row.created_at.toISOString(),
          }),
          (row) => row.id,
        );
        return { status: 200, body: page };
      }),

    getSettings: ({ caller }) =>
      database.tenant(caller.companyId, async (sql) => {
        const body = await settingsView(sql, await readSettings(sql, caller.companyId));
        return { status: 200, body, headers: { etag: body.etag } };
      }),
    putSettings: ({ caller, body, headers }) =>
      database.tenant(caller.companyId, async (sql) => {
        const state = await changeSettings(sql, caller.companyId, body, headers['if-match'] ?? null, caller.actor);
        const view = await settingsView(sql, state);
        return { status: 200, body: view, headers: { etag: view.etag } };
      }),
  };
}

/** A provider may be named as people do; the record knows its id. */
function filtersOf<Q extends AuditExportQuery>({ catalogue }: Parts, query: Q): Q {
  if (query.provider === undefined) return query;
  return { ...query, provider: resolveProvider(catalogue, query.provider)?.id ?? query.provider };
}

/** Members see what is theirs. */
function auditView(caller: CompanyCaller): AuditView {
  return { companyId: caller.companyId, onlyUser: caller.role === 'admin' ? null : (caller.userId ?? '') };
}

export async function tokenPage(
  sql: Sql,
  of: { companyId: string | null; userId: string | null },
  after: string,
  limit: number,
): Promise<{ data: Token[]; next_cursor: string | null }> {
  const rows = await listTokens(sql, of, after, limit + 1);
  const name = await findActorNames(
    sql,
    rows.map((row) => row.created_by),
  );
  return pageOf(
    rows,
    limit,
    (row) => viewOfToken(row, name),
    (row) => row.id,
  );
}

export async function tokenView(sql: Sql, row: TokenRow): Promise<Token> {
  return viewOfToken(row, await findActorNames(sql, [row.created_by]));
}

function viewOfToken(row: TokenRow, name: (actor: string | null) => string | null): Token {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    last4: row.last4,
    scopes: row.scopes,
    user: row.user_id,
    created_by: name(row.created_by),
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    requests_per_minute: row.requests_per_minute,
    concurrent_requests: row.concurrent_requests,
  };
}

/** @throws OwnkeyError request.invalid for a moment that has passed */
export function readExpiry(text: string | null | undefined): Date | null {
  if (text === null || text === undefined) return null;
  const at = new Date(text);
  if (at.getTime() > Date.now()) return at;
  throw new OwnkeyError('request.invalid', { problem: 'expires_at: this moment has passed.', param: 'expires_at' });
}

async function settingsView(sql: Sql, state: SettingsState): Promise<Settings> {
  const name = await findActorNames(sql, [state.ai_changed_by]);
  return { ...state, ai_changed_at: state.ai_changed_at.toISOString(), ai_changed_by: name(state.ai_changed_by) };
}
