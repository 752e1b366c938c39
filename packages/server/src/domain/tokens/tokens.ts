import { createHash } from 'node:crypto';
import { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import { hasScope, type Scope } from '@ownkey/contract/scopes';
import { isTokenForm, newToken, type TokenKind, tokenPrefix } from '@ownkey/contract/token-form';
import { first, type Sql } from '../../storage/database.ts';

/**
 * Tokens of 190 random bits with a checksum. Only the SHA-256 is stored: a database row is no token, and a token is shown once, by
 * the call that makes it. What has no checksum of ours is refused without a question to the database.
 */

export interface NewToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** null = the host's or an operator's. */
  readonly companyId: string | null;
  readonly userId: string | null;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
  /** Calls of the gateway with this token; null = no limit of its own. */
  readonly requestsPerMinute?: number | null | undefined;
  readonly concurrentRequests?: number | null | undefined;
}

export interface TokenRow {
  id: string;
  name: string;
  prefix: string;
  last4: string;
  scopes: string[];
  user_id: string | null;
  created_by: string | null;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  requests_per_minute: number | null;
  concurrent_requests: number | null;
}

const COLUMNS = `id, name, prefix, last4, scopes, user_id, created_by, created_at, expires_at, last_used_at,
  requests_per_minute, concurrent_requests`;

/** Who a token is, as `find_token` gives it. */
export interface FoundToken {
  id: string;
  name: string;
  company_id: string | null;
  user_id: string | null;
  role: 'admin' | 'member' | null;
  kind: 'token' | 'embed';
  scopes: string[];
  expires_at: Date | null;
}

export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/**
 * The token's row by the token itself; null for anything that is not a stored one or has expired, from the very moment on. Rows are
 * found by hash: nothing secret is compared. That an expired token is used is told in the record, once a day.
 */
export async function findToken(sql: Sql, token: string): Promise<FoundToken | null> {
  if (!isTokenForm(token)) return null;
  const row = await first<FoundToken>(sql, 'SELECT * FROM find_token($1)', [tokenHash(token)]);
  if (row === null || row.expires_at === null || row.expires_at.getTime() > Date.now()) return row;
  await sql.rows('SELECT note_expired_use($1)', [row.id]);
  return null;
}

/** Makes and stores a token; `token` in the answer is the only copy there will be. */
export async function createToken(sql: Sql, wanted: NewToken): Promise<{ token: string; row: TokenRow }> {
  const kind: TokenKind =
    wanted.companyId === null
      ? hasScope(wanted.scopes, 'operator')
        ? 'op'
        : 'host'
      : wanted.userId === null
        ? 'co'
        : 'usr';
  const token = newToken(kind);
  const row = await first<TokenRow>(
    sql,
    `INSERT INTO tokens (id, hash, prefix, last4, name, company_id, user_id, scopes, created_by, expires_at,
       requests_per_minute, concurrent_requests)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING ${COLUMNS}`,
    [
      newId('token'),
      tokenHash(token),
      tokenPrefix(token),
      token.slice(-4),
      wanted.name,
      wanted.companyId,
      wanted.userId,
      wanted.scopes,
      wanted.createdBy,
      wanted.expiresAt,
      wanted.requestsPerMinute ?? null,
      wanted.concurrentRequests ?? null,
    ],
  );
  if (row === null) throw new OwnkeyError('internal', {}, 'INSERT INTO tokens gave no row');
  return { token, row };
}

/** At most `limit` tokens after `after` (id), oldest first. `userId` limits to that person's. Index: tokens_by_company. */
export function listTokens(
  sql: Sql,
  of: { companyId: string | null; userId: string | null },
  after: string,
  limit: number,
): Promise<TokenRow[]> {
  return sql.rows(
    `SELECT ${COLUMNS} FROM tokens WHERE company_id IS NOT DISTINCT FROM $1 AND ($2::text IS NULL OR user_id = $2)
     AND kind = 'token' AND id > $3 ORDER BY id LIMIT $4`,
    [of.companyId, of.userId, after, limit],
  );
}

export function findTokenById(sql: Sql, companyId: string | null, id: string): Promise<TokenRow | null> {
  return first(sql, `SELECT ${COLUMNS} FROM tokens WHERE id = $1 AND company_id IS NOT DISTINCT FROM $2`, [
    id,
    companyId,
  ]);
}

export async function removeToken(sql: Sql, id: string): Promise<void> {
  await sql.rows('DELETE FROM tokens WHERE id = $1', [id]);
}

/** A token never gives more than its maker has. @throws OwnkeyError auth.scope naming the first scope that is missing */
export function assertGrantable(granted: readonly string[], wanted: readonly Scope[]): void {
  const missing = wanted.find((scope) => !hasScope(granted, scope));
  if (missing !== undefined) throw new OwnkeyError('auth.scope', { scope: missing });
}
