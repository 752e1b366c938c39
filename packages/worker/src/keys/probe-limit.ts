import { OwnkeyError } from '@ownkey/contract/errors';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import type { Sql } from '../access/load.ts';

/** Tests a minute and company. Endpoints of the company's own choice get few, so that nobody maps a network with them. */
export const PROBES_PER_MINUTE = { catalogue: 60, custom: 5 } as const;
const WINDOW_SECONDS = 60;

/**
 * Lets the job pass if it is among the first of its company in the last minute. Counted over all workers, in the jobs themselves:
 * every test is a job that was marked as taken before it is counted here, so that two at once see each other.
 * @throws OwnkeyError probe.limited
 */
export async function checkProbeLimit(
  sql: Sql,
  jobId: string,
  companyId: string | null,
  custom: boolean,
): Promise<void> {
  const limit = custom ? PROBES_PER_MINUTE.custom : PROBES_PER_MINUTE.catalogue;
  const { rows } = await sql.query<{ before: string; seconds: number | null }>(
    `SELECT count(*) AS before, ceil(extract(epoch FROM min(j.created_at) + make_interval(secs => $4) - now()))::int AS seconds
     FROM worker_jobs j LEFT JOIN keys k ON k.id = j.payload ->> 'key_id'
     WHERE j.kind IN ('key.connect', 'key.replace', 'key.test') AND j.company_id IS NOT DISTINCT FROM $2
       AND j.created_at > now() - make_interval(secs => $4) AND j.state <> 'queued'
       AND j.error_code IS DISTINCT FROM 'probe.limited'
       AND (coalesce(j.payload ->> 'provider', k.provider) = $3) = $5
       AND (j.created_at, j.id) < (SELECT created_at, id FROM worker_jobs WHERE id = $1)`,
    [jobId, companyId, CUSTOM_PROVIDER, WINDOW_SECONDS, custom],
  );
  const before = Number(rows[0]?.before ?? 0);
  if (before >= limit) throw new OwnkeyError('probe.limited', { seconds: Math.max(1, rows[0]?.seconds ?? 1) });
}
