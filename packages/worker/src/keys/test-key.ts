import { OwnkeyError } from '@ownkey/contract/errors';
import type { JobResults } from '@ownkey/contract/jobs';
import { CUSTOM_PROVIDER, PLATFORM_OWNER } from '@ownkey/contract/key';
import type { KeyRef } from '../egress/egress.ts';
import type { Job } from '../jobs/job-runner.ts';
import type { StepLog } from '../jobs/step-log.ts';
import { findKey, type KeyParts, type KeyRow } from './key-parts.ts';
import { checkProbeLimit } from './probe-limit.ts';
import { writeProbe } from './store-key.ts';

/**
 * Tests a stored key now and writes what was found. A bad outcome is a result, not an error.
 * @throws OwnkeyError not_found, probe.limited, ledger.unavailable
 */
export async function testKey(parts: KeyParts, job: Job<'key.test'>, steps: StepLog): Promise<JobResults['key.test']> {
  const row = await findKey(parts.sql, job.payload.key_id, job.companyId);
  if (!row) throw new OwnkeyError('not_found');
  await checkProbeLimit(parts.sql, job.id, job.companyId, row.provider === CUSTOM_PROVIDER);
  const outcome = await parts.prober.probe(
    {
      target: parts.targets.of({
        provider: row.provider,
        slug: row.slug,
        preset: row.preset,
        baseUrl: row.base_url,
      }),
      ref: refOf(row),
      envelope: null,
      companyId: row.company_id,
      userId: row.user_id,
      last4: row.last4,
      actor: job.actor,
    },
    steps,
  );
  steps.begin('store');
  await writeProbe(parts.pool, row, outcome, job.actor);
  steps.end('store', 'done');
  return { key_id: row.id, probe: outcome.result };
}

/** How egress names the stored version. */
export function refOf(row: KeyRow): KeyRef {
  return {
    id: row.id,
    version: row.version,
    owner: row.company_id ?? PLATFORM_OWNER,
    provider: row.provider,
    destination: row.destination,
    keyless: row.keyless,
  };
}
