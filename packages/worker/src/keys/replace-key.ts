import { OwnkeyError } from '@ownkey/contract/errors';
import type { JobResults } from '@ownkey/contract/jobs';
import { CUSTOM_PROVIDER, catalogueDestination, PLATFORM_OWNER } from '@ownkey/contract/key';
import { checkBaseUrl } from '@ownkey/guard/base-url';
import type { KeyRef } from '../egress/egress.ts';
import { type Job, ProbeFailure } from '../jobs/job-runner.ts';
import type { StepLog } from '../jobs/step-log.ts';
import { recordKeyEvent } from './audit-event.ts';
import { findKey, type KeyParts, type KeyRow } from './key-parts.ts';
import { openPasted, wrapPasted } from './open-pasted-key.ts';
import { checkProbeLimit } from './probe-limit.ts';
import { recordingRefusedSeal } from './refused-seal.ts';
import { changedMeanwhile, isNonceUsed, swapKey } from './store-key.ts';

/**
 * Replaces a stored key: the new one is tested first and then put in place in one statement, the old ciphertext overwritten. The
 * old one stays as it is when the new one is rejected (unless `keep`) or anything fails. Of two replacements at once one wins.
 * @throws OwnkeyError not_found, seal.*, key.shape, key.other_provider, key.rejected (as ProbeFailure), base_url.refused,
 * conflict.changed, probe.limited, ledger.unavailable
 */
export async function replaceKey(
  parts: KeyParts,
  job: Job<'key.replace'>,
  steps: StepLog,
): Promise<JobResults['key.replace']> {
  const row = await findKey(parts.sql, job.payload.key_id, job.companyId);
  if (!row) throw new OwnkeyError('not_found');
  const { company_id: companyId, user_id: userId, id: keyId, slug, provider } = row;
  const about = { companyId, actor: job.actor, userId, keyId, provider: slug ?? provider };
  return recordingRefusedSeal(parts.sql, about, () => replace(parts, job, steps, row));
}

async function replace(
  parts: KeyParts,
  job: Job<'key.replace'>,
  steps: StepLog,
  row: KeyRow,
): Promise<JobResults['key.replace']> {
  const custom = row.provider === CUSTOM_PROVIDER;
  await checkProbeLimit(parts.sql, job.id, job.companyId, custom);
  const target = parts.targets.of({
    provider: row.provider,
    slug: row.slug,
    preset: row.preset,
    baseUrl: row.base_url,
  });
  const ref = nextVersion(parts, row);
  if (job.sealed === null) throw new OwnkeyError('seal.invalid', { problem: 'there is none' });
  steps.begin('open');
  const { clearKey, claim } = await openPasted(parts, job.sealed, {
    company: ref.owner,
    user: row.user_id,
    provider: ref.provider,
    key_id: ref.id,
    version: ref.version,
    destination: ref.destination,
  }).catch((error: unknown) => {
    // Sealed for a version that exists already: somebody else replaced the key first.
    throw isOldVersion(error) ? changedMeanwhile(row) : error;
  });
  steps.end('open', 'done');
  steps.begin('shape');
  const wrapped = wrapPasted(parts, clearKey, ref, custom ? null : target.entry);
  steps.end('shape', 'done');
  if (await isNonceUsed(parts.sql, claim)) throw new OwnkeyError('seal.replayed');
  const { last4 } = wrapped;
  const outcome = await parts.prober.probe(
    {
      target,
      ref,
      envelope: wrapped.envelope,
      companyId: row.company_id,
      userId: row.user_id,
      last4,
      actor: job.actor,
    },
    steps,
  );
  const { result: probe, rejected } = outcome;
  if (rejected && !job.payload.keep) {
    await recordKeyEvent(parts.sql, {
      companyId: row.company_id,
      kind: 'key.refused',
      actor: job.actor,
      userId: row.user_id,
      keyId: row.id,
      provider: row.slug ?? row.provider,
      last4,
      data: { status: probe.status, stored: false, version: ref.version },
    });
    throw new ProbeFailure(
      'key.rejected',
      { provider: target.entry.name, provider_message: probe.status_detail?.provider_message ?? null },
      probe,
    );
  }
  steps.begin('store');
  await swapKey(parts.pool, row, ref, wrapped, claim, outcome, job.actor);
  steps.end('store', 'done');
  return { key_id: row.id, swapped: true, version: ref.version, last4, probe };
}

/** The next version, bound to where the key will go now: a new paste is what a changed address asks for. */
function nextVersion(parts: KeyParts, row: KeyRow): KeyRef {
  const common = {
    id: row.id,
    version: row.version + 1,
    owner: row.company_id ?? PLATFORM_OWNER,
    provider: row.provider,
    keyless: false,
  };
  if (row.provider !== CUSTOM_PROVIDER) return { ...common, destination: catalogueDestination(row.provider) };
  const checked = checkBaseUrl(row.base_url ?? '', parts.policy);
  if (!checked.ok) throw new OwnkeyError('base_url.refused', { param: 'base_url', hint: checked.hint });
  return { ...common, destination: checked.url.origin };
}

function isOldVersion(error: unknown): boolean {
  return (
    error instanceof OwnkeyError &&
    error.code === 'seal.invalid' &&
    error.facts.problem === 'it was sealed for another version'
  );
}
