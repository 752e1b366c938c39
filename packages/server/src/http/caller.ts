import { OwnkeyError } from '@ownkey/contract/errors';
import { REQUEST_HEADERS, TAG_PATTERN } from '@ownkey/contract/headers';
import { isId, newId } from '@ownkey/contract/ids';
import type { RouteAccess } from '@ownkey/contract/routes/route';
import { hasScope, type Scope } from '@ownkey/contract/scopes';
import type { FastifyRequest } from 'fastify';
import { recordEvent } from '../domain/audit/record.ts';
import { findSession, type SessionRow } from '../domain/sign-in/session.ts';
import { type FoundToken, findToken } from '../domain/tokens/tokens.ts';
import { type Database, first, type Sql } from '../storage/database.ts';
import { readSessionCookie } from './cookie.ts';

/** Who calls. Read once a request, from the token where there is one, else from the session cookie. */
export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'session'; readonly session: SessionRow }
  | { readonly kind: 'token'; readonly token: FoundToken };

/** A caller within one company. */
export interface CompanyCaller {
  readonly companyId: string;
  readonly userId: string | null;
  readonly role: 'admin' | 'member';
  readonly scopes: readonly string[];
  /** As it is written into audit events and `changed_by`. */
  readonly actor: string;
  readonly tokenId: string | null;
}

/** A caller above companies: the host's backend or an operator. */
export interface InstallationCaller {
  readonly actor: string;
  readonly scopes: readonly string[];
}

/** `caps:write`: members may lower their own. */
const MEMBER_SCOPES: readonly Scope[] = [
  'keys:read',
  'keys:write',
  'caps:write',
  'usage:read',
  'audit:read',
  'inference',
];
const ADMIN_SCOPES: readonly Scope[] = ['company:admin'];
const OPERATOR_SCOPES: readonly Scope[] = ['host', 'operator'];

/**
 * @throws OwnkeyError auth.invalid for a token that is not valid; a cookie that is not valid is no credential at all
 */
export async function readCredential(
  database: Database,
  secret: string,
  cookieName: string,
  request: FastifyRequest,
): Promise<Credential> {
  const bearer = readBearer(request);
  if (bearer !== null) {
    const token = await findToken(database.outside, bearer);
    if (token === null) throw new OwnkeyError('auth.invalid');
    return { kind: 'token', token };
  }
  const cookie = readSessionCookie(request.headers.cookie, cookieName);
  const session = cookie === null ? null : await findSession(database.outside, secret, cookie);
  return session === null ? { kind: 'none' } : { kind: 'session', session };
}

function readBearer(request: FastifyRequest): string | null {
  const { authorization } = request.headers;
  const apiKey = request.headers['x-api-key'];
  if (authorization !== undefined) {
    const [scheme, value] = authorization.split(/ +/, 2);
    if (scheme?.toLowerCase() !== 'bearer' || value === undefined || value === '')
      throw new OwnkeyError('auth.invalid');
    return value;
  }
  return typeof apiKey === 'string' && apiKey !== '' ? apiKey : null;
}

/** The host or an operator. @throws OwnkeyError auth.missing, auth.scope */
export function asInstallation(credential: Credential, needed: 'host' | 'operator'): InstallationCaller {
  if (credential.kind === 'none') throw new OwnkeyError('auth.missing');
  const caller = installationOf(credential);
  if (caller === null || !hasScope(caller.scopes, needed)) throw new OwnkeyError('auth.scope', { scope: needed });
  return caller;
}

function installationOf(credential: Credential): InstallationCaller | null {
  if (credential.kind === 'session' && credential.session.operator_id !== null)
    return { actor: credential.session.operator_id, scopes: OPERATOR_SCOPES };
  if (credential.kind === 'token' && credential.token.company_id === null)
    return { actor: credential.token.id, scopes: credential.token.scopes };
  return null;
}

/**
 * The caller within a company: its own, or the one a host token or operator names in `x-ownkey-company`.
 * @throws OwnkeyError auth.missing, auth.scope, auth.role, auth.act_as_user, auth.company_required, not_found (a company or user
 *   that is not there or not the caller's)
 */
export async function asCompany(
  database: Database,
  credential: Credential,
  access: Extract<RouteAccess, { who: 'company' }>,
  request: FastifyRequest,
): Promise<CompanyCaller> {
  if (credential.kind === 'none') throw new OwnkeyError('auth.missing');
  const named = {
    company: readTag(request, REQUEST_HEADERS.company),
    user: readTag(request, REQUEST_HEADERS.user),
  };
  const installation = installationOf(credential);
  const caller =
    installation === null
      ? await ownCompany(database, credential, access, named)
      : await namedCompany(database, installation, access, named);
  if (access.admin === true && caller.role !== 'admin') throw new OwnkeyError('auth.role');
  return caller;
}

interface Named {
  readonly company: string | null;
  readonly user: string | null;
}

async function namedCompany(
  database: Database,
  installation: InstallationCaller,
  access: { readonly scope: Scope },
  named: Named,
): Promise<CompanyCaller> {
  if (!hasScope(installation.scopes, 'host')) throw new OwnkeyError('auth.scope', { scope: access.scope });
  if (named.company === null) throw new OwnkeyError('auth.company_required');
  const companyId = await database.everywhere((sql) => findCompanyId(sql, named.company ?? ''));
  if (companyId === null) throw new OwnkeyError('not_found');
  const base = { companyId, scopes: ADMIN_SCOPES, actor: installation.actor, tokenId: null };
  if (named.user === null) return { ...base, userId: null, role: 'admin' };
  const user = await database.tenant(companyId, (sql) =>
    findOrCreateUser(sql, companyId, named.user ?? '', base.actor),
  );
  return { ...base, userId: user.id, role: user.role };
}

async function ownCompany(
  database: Database,
  credential: Exclude<Credential, { kind: 'none' }>,
  access: { readonly scope: Scope; readonly or?: Scope },
  named: Named,
): Promise<CompanyCaller> {
  const caller = credential.kind === 'session' ? ofSession(credential.session) : ofToken(credential.token);
  const allowed = [access.scope, access.or].some((scope) => scope !== undefined && hasScope(caller.scopes, scope));
  if (!allowed) throw new OwnkeyError('auth.scope', { scope: access.scope });
  if (named.company !== null && named.company !== caller.companyId) {
    const id = await database.tenant(caller.companyId, (sql) => findCompanyId(sql, named.company ?? ''));
    if (id !== caller.companyId) throw new OwnkeyError('not_found');
  }
  if (named.user === null || named.user === caller.userId) return caller;
  if (credential.kind === 'session' || caller.userId !== null || !hasScope(caller.scopes, 'act_as_user'))
    throw new OwnkeyError('auth.act_as_user');
  const user = await database.tenant(caller.companyId, (sql) => findUser(sql, caller.companyId, named.user ?? ''));
  if (user === null) throw new OwnkeyError('not_found');
  return { ...caller, userId: user.id, role: user.role };
}

function ofSession(session: SessionRow): CompanyCaller {
  if (session.company_id === null || session.user_id === null) throw new OwnkeyError('auth.missing');
  const role = session.role ?? 'member';
  return {
    companyId: session.company_id,
    userId: session.user_id,
    role,
    scopes: role === 'admin' ? ADMIN_SCOPES : MEMBER_SCOPES,
    actor: session.user_id,
    tokenId: null,
  };
}

/** A company's token acts with its scopes alone; a personal one never beyond what its person may do. */
function ofToken(token: FoundToken): CompanyCaller {
  if (token.company_id === null) throw new OwnkeyError('auth.company_required');
  const member = token.user_id !== null && token.role !== 'admin';
  return {
    companyId: token.company_id,
    userId: token.user_id,
    role: member ? 'member' : 'admin',
    scopes: member ? token.scopes.filter((scope) => hasScope(MEMBER_SCOPES, asScope(scope))) : token.scopes,
    actor: token.user_id ?? token.id,
    tokenId: token.id,
  };
}

function asScope(scope: string): Scope {
  return MEMBER_SCOPES.find((known) => known === scope) ?? 'operator';
}

function readTag(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  if (value === undefined) return null;
  if (typeof value === 'string' && TAG_PATTERN.test(value)) return value;
  throw new OwnkeyError('request.invalid', {
    problem: `${name} must be 1 to 128 visible ASCII characters.`,
    param: name,
  });
}

/** By our id or the host's; ours wins. */
export async function findCompanyId(sql: Sql, name: string): Promise<string | null> {
  const row = await first<{ id: string }>(
    sql,
    'SELECT id FROM companies WHERE id = $1 OR external_id = $1 ORDER BY (id = $1) DESC LIMIT 1',
    [name],
  );
  return row?.id ?? null;
}

interface UserRole {
  id: string;
  role: 'admin' | 'member';
}

function findUser(sql: Sql, companyId: string, name: string): Promise<UserRole | null> {
  return first(
    sql,
    'SELECT id, role FROM users WHERE company_id = $1 AND (id = $2 OR external_id = $2) ORDER BY (id = $2) DESC LIMIT 1',
    [companyId, name],
  );
}

/** An unknown user named by the host becomes a member; what has the form of our own ids is a wrong id. */
async function findOrCreateUser(sql: Sql, companyId: string, name: string, actor: string): Promise<UserRole> {
  const found = await findUser(sql, companyId, name);
  if (found !== null) return found;
  if (isId('user', name)) throw new OwnkeyError('not_found');
  const made = await first<UserRole>(
    sql,
    `INSERT INTO users (id, company_id, external_id) VALUES ($1, $2, $3)
     ON CONFLICT (company_id, external_id) DO NOTHING RETURNING id, role`,
    [newId('user'), companyId, name],
  );
  if (made === null) return (await findUser(sql, companyId, name)) ?? { id: '', role: 'member' };
  await recordEvent(sql, { company: companyId, kind: 'user.created', actor, user: made.id });
  return made;
}
