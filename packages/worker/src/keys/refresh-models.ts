import { OwnkeyError } from '@ownkey/contract/errors';
import type { JobResults } from '@ownkey/contract/jobs';
import type { Job } from '../jobs/job-runner.ts';
import { findKey, type KeyParts } from './key-parts.ts';
import { storeModels } from './store-models.ts';
import { refOf } from './test-key.ts';

/**
 * Reads the model list of a stored key now. A list that cannot be read leaves the last good one.
 * @throws OwnkeyError not_found, ledger.unavailable
 */
export async function refreshModels(
  parts: KeyParts,
  job: Job<'models.refresh'>,
): Promise<JobResults['models.refresh']> {
  const row = await findKey(parts.sql, job.payload.key_id, job.companyId);
  if (!row) throw new OwnkeyError('not_found');
  const models = await parts.prober.listModels({
    target: parts.targets.of({ provider: row.provider, slug: row.slug, preset: row.preset, baseUrl: row.base_url }),
    ref: refOf(row),
    envelope: null,
    companyId: row.company_id,
    userId: row.user_id,
    last4: row.last4,
    actor: job.actor,
  });
  if (models) {
    await storeModels(parts.sql, row.id, row.company_id, models);
    await parts.sql.query('UPDATE keys SET models_count = $3 WHERE id = $1 AND version = $2', [
      row.id,
      row.version,
      models.length,
    ]);
  }
  return { key_id: row.id, models_count: models?.length ?? null };
}
