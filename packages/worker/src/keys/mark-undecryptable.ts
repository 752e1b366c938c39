import type { Sql } from '../access/load.ts';
import type { KeyRef } from '../egress/egress.ts';

/** Status and audit event of a stored key that does not open, once. The key is never used, and no other is used in its place. */
export async function markUndecryptable(sql: Sql, key: KeyRef): Promise<void> {
  await sql.query(
    `WITH marked AS (
       UPDATE keys SET status = 'undecryptable', status_detail = jsonb_build_object('since', $3::text)
       WHERE id = $1 AND version = $2 AND status <> 'undecryptable'
       RETURNING id, company_id, user_id, provider, slug, last4)
     INSERT INTO audit_events (company_id, kind, user_id, key_id, provider, last4)
     SELECT company_id, 'key.undecryptable', user_id, id, coalesce(slug, provider), last4 FROM marked`,
    [key.id, key.version, new Date().toISOString()],
  );
}
