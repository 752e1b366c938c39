import { KEY_COLUMNS, type KeyRow } from '@ownkey/contract/key-view';
import { first, type Sql } from '../../storage/database.ts';

/** Whose keys a caller sees: `companyId` null = platform keys; personal keys of `userId` alone. */
export interface KeyScope {
  readonly companyId: string | null;
  readonly userId: string | null;
}

const VISIBLE = `company_id IS NOT DISTINCT FROM $1 AND (owner <> 'user' OR user_id = $2)`;

/** In order of provider and use. Index: keys_by_company. */
export function listKeys(
  sql: Sql,
  scope: KeyScope,
  filter: { provider?: string | undefined; owner?: 'company' | 'user' | undefined },
  after: string | null,
  limit: number,
): Promise<KeyRow[]> {
  const [slug = '', position = '0', id = ''] = after?.split(' ') ?? [];
  return sql.rows(
    `SELECT ${KEY_COLUMNS} FROM keys WHERE ${VISIBLE}
       AND ($3::text IS NULL OR coalesce(slug, provider) = $3) AND ($4::text IS NULL OR owner = $4)
       AND ($5 = '' OR (coalesce(slug, provider), position, id) > ($5, $6::int, $7))
     ORDER BY coalesce(slug, provider), position, id LIMIT $8`,
    [scope.companyId, scope.userId, filter.provider ?? null, filter.owner ?? null, slug, position, id, limit],
  );
}

export function keyPosition(row: KeyRow): string {
  return `${row.slug ?? row.provider} ${row.position} ${row.id}`;
}
export const KEY_POSITION = /^[a-z0-9-]{1,64} -?\d{1,10} key_[0-9A-Za-z]{8,60}$/;

/** null for a key that is not there and for one that is not the caller's. */
export function findKey(sql: Sql, scope: KeyScope, id: string, lock: '' | 'FOR UPDATE' = ''): Promise<KeyRow | null> {
  return first(sql, `SELECT ${KEY_COLUMNS} FROM keys WHERE ${VISIBLE} AND id = $3 ${lock}`, [
    scope.companyId,
    scope.userId,
    id,
  ]);
}

/** Keys of the same provider or endpoint and the same owner, in order of use. */
export function listSiblings(
  sql: Sql,
  key: KeyRow,
  companyId: string | null,
): Promise<{ id: string; position: number }[]> {
  return sql.rows(
    `SELECT id, position FROM keys WHERE company_id IS NOT DISTINCT FROM $1 AND owner = $2
       AND user_id IS NOT DISTINCT FROM $3 AND coalesce(slug, provider) = $4 ORDER BY position, id FOR UPDATE`,
    [companyId, key.owner, key.user_id, key.slug ?? key.provider],
  );
}

export async function setPosition(sql: Sql, id: string, position: number): Promise<void> {
  await sql.rows('UPDATE keys SET position = $2 WHERE id = $1 AND position <> $2', [id, position]);
}

/** What a person changed; moves the ETag. */
export async function updateKey(
  sql: Sql,
  id: string,
  to: Pick<KeyRow, 'label' | 'enabled' | 'allowed_models' | 'allowed_users' | 'zero_retention'>,
  actor: string,
): Promise<void> {
  await sql.rows(
    `UPDATE keys SET label = $2, enabled = $3, allowed_models = $4, allowed_users = $5, zero_retention = $6,
       row_version = row_version + 1, changed_by = $7, changed_at = clock_timestamp() WHERE id = $1`,
    [id, to.label, to.enabled, to.allowed_models, to.allowed_users, to.zero_retention, actor],
  );
}

/** The envelope goes with the row; running streams of the key end. */
export async function deleteKey(sql: Sql, id: string): Promise<void> {
  await sql.rows('DELETE FROM keys WHERE id = $1', [id]);
}
