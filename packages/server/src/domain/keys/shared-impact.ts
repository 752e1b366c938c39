import type { PlatformKeyImpact } from '@ownkey/contract/api/keys';
import type { KeyRow } from '@ownkey/contract/key-view';
import { first, type Sql } from '../../storage/database.ts';
import { countRunning } from './usage.ts';

/** Days in which a company must have used the key to count. */
const USED_WITHIN_DAYS = 30;

/**
 * Who would miss a shared key. Companies are counted over all of them, so only in `everywhere`. One look per company into its
 * hourly sums (index: the primary key of `usage_hourly`).
 */
export async function readSharedImpact(
  sql: Sql,
  key: KeyRow,
): Promise<Omit<PlatformKeyImpact, 'backups_unreadable_by'>> {
  const running = await countRunning(sql, key.id);
  const using = await first<{ companies: number; without_own_key: number }>(
    sql,
    `SELECT count(*)::int AS companies, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM keys k
         WHERE k.company_id = c.id AND k.owner = 'company' AND k.provider = $2 AND k.enabled))::int AS without_own_key
     FROM companies c WHERE EXISTS (SELECT FROM usage_hourly u
       WHERE u.company_id = c.id AND u.hour > now() - make_interval(days => $3) AND u.key_id = $1)`,
    [key.id, key.provider, USED_WITHIN_DAYS],
  );
  const next = await first<{ id: string; label: string; last4: string | null }>(
    sql,
    `SELECT id, label, last4 FROM keys WHERE owner = 'platform' AND provider = $1 AND enabled AND id <> $2
     ORDER BY position, id LIMIT 1`,
    [key.provider, key.id],
  );
  return {
    running_requests: running.requests,
    running_streams: running.streams,
    companies: using?.companies ?? 0,
    without_own_key: using?.without_own_key ?? 0,
    next_key: next,
  };
}
