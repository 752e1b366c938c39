import type { SessionAnswer } from '@ownkey/contract/api/auth';
import { EMBED_SCOPES, type EmbedSession, type EmbedSessionBody } from '@ownkey/contract/api/embed';
import { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import { newToken, tokenPrefix } from '@ownkey/contract/token-form';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { readStoredPolicies } from '../policies/policies.ts';
import { tokenHash } from '../tokens/tokens.ts';
import { readParentOrigin } from './parent-origin.ts';

/** What hosts may keep open at once for one user: older sessions end, so that a page in a loop fills no table. */
const PER_USER_MAX = 50;

/**
 * Makes a session of `user`. It does what its scopes and the user's role allow, until it ends; the token in it is stored as a hash
 * alone. @throws OwnkeyError request.invalid for an origin that is none; embed.origin for one that the operator's list, where
 * there is one, does not name
 */
export async function createEmbedSession(
  sql: Sql,
  wanted: Omit<EmbedSessionBody, 'company' | 'user'>,
  user: { id: string; companyId: string; role: 'admin' | 'member' },
  actor: string,
): Promise<EmbedSession> {
  const origins = [...new Set(wanted.parent_origins.map(readParentOrigin))];
  const listed = await listedOrigins(sql);
  const unlisted = origins.find((origin) => !isListed(listed, origin));
  if (unlisted !== undefined) throw new OwnkeyError('embed.origin', { param: 'parent_origins', origin: unlisted });
  const scopes = [...new Set(wanted.scopes ?? EMBED_SCOPES)];
  const id = newId('embedSession');
  const token = newToken('usr');
  const row = await first<{ expires_at: Date }>(
    sql,
    `INSERT INTO tokens (id, hash, prefix, last4, name, company_id, user_id, scopes, kind, parent_origins, created_by, expires_at)
     VALUES ($1, $2, $3, $4, 'embed', $5, $6, $7, 'embed', $8, $9, now() + make_interval(secs => $10)) RETURNING expires_at`,
    [
      id,
      tokenHash(token),
      tokenPrefix(token),
      token.slice(-4),
      user.companyId,
      user.id,
      scopes,
      origins,
      actor,
      wanted.ttl_s,
    ],
  );
  if (row === null) throw new OwnkeyError('internal', {}, 'INSERT INTO tokens gave no row');
  await sql.rows(
    `DELETE FROM tokens WHERE kind = 'embed' AND company_id = $1 AND user_id = $2 AND (expires_at <= now() OR id IN (
       SELECT id FROM tokens WHERE kind = 'embed' AND company_id = $1 AND user_id = $2 ORDER BY created_at DESC, id DESC OFFSET $3))`,
    [user.companyId, user.id, PER_USER_MAX],
  );
  const data = { session: id, scopes, parent_origins: origins, ttl_s: wanted.ttl_s };
  await recordEvent(sql, { company: user.companyId, kind: 'embed_session.created', actor, user: user.id, data });
  return {
    id,
    session: `${id}.${token}`,
    token,
    company: user.companyId,
    user: user.id,
    role: user.role,
    scopes,
    parent_origins: origins,
    expires_at: row.expires_at.toISOString(),
  };
}

/** False: there is none of this id. */
export async function endEmbedSession(sql: Sql, id: string): Promise<boolean> {
  return (await sql.rows("DELETE FROM tokens WHERE id = $1 AND kind = 'embed' RETURNING id", [id])).length > 0;
}

/** Who a session is, as the session call answers it; null: it has ended meanwhile. */
export async function readEmbedSession(sql: Sql, id: string): Promise<SessionAnswer | null> {
  const row = await first<{
    user_id: string;
    email: string | null;
    name: string | null;
    role: 'admin' | 'member';
    company_id: string;
    company_name: string;
    plan: string;
    scopes: string[];
    parent_origins: string[];
    expires_at: Date;
  }>(
    sql,
    `SELECT u.id AS user_id, u.email, u.name, u.role, c.id AS company_id, c.name AS company_name, c.plan, t.scopes,
       t.parent_origins, t.expires_at
     FROM tokens t JOIN users u ON u.id = t.user_id JOIN companies c ON c.id = t.company_id
     WHERE t.id = $1 AND t.kind = 'embed' AND t.expires_at > now()`,
    [id],
  );
  if (row === null) return null;
  return {
    user: {
      id: row.user_id,
      kind: 'user',
      email: row.email,
      name: row.name,
      role: row.role,
      company: { id: row.company_id, name: row.company_name, plan: row.plan },
    },
    expires_at: row.expires_at.toISOString(),
    embed: { id, parent_origins: row.parent_origins, scopes: row.scopes },
  };
}

/**
 * Origins a session may be shown in now, by its id alone, which is no secret: its own, without those that the operator has taken
 * off the list since. null: there is none, or it has ended.
 */
export async function findParentOrigins(sql: Sql, id: string): Promise<string[] | null> {
  const row = await first<{ parent_origins: string[] | null }>(
    sql,
    "SELECT parent_origins FROM tokens WHERE id = $1 AND kind = 'embed' AND expires_at > now()",
    [id],
  );
  if (row === null) return null;
  const listed = await listedOrigins(sql);
  return (row.parent_origins ?? []).filter((origin) => isListed(listed, origin));
}

async function listedOrigins(sql: Sql): Promise<readonly string[]> {
  return (await readStoredPolicies(sql)).embed.parent_origins;
}

/** An empty list names no origin, so it keeps none out. */
const isListed = (listed: readonly string[], origin: string): boolean => listed.length === 0 || listed.includes(origin);
