import { OwnkeyError } from '@ownkey/contract/errors';
import type { JobResults } from '@ownkey/contract/jobs';
import { CUSTOM_PROVIDER, catalogueDestination, PLATFORM_OWNER, SLUG_PATTERN } from '@ownkey/contract/key';
import type { ProviderTarget } from '@ownkey/contract/provider';
import { checkBaseUrl } from '@ownkey/guard/base-url';
import { resolveProvider } from '@ownkey/providers/catalogue';
import type { KeyRef } from '../egress/egress.ts';
import { type Job, ProbeFailure } from '../jobs/job-runner.ts';
import type { StepLog } from '../jobs/step-log.ts';
import { recordKeyEvent } from './audit-event.ts';
import type { KeyParts } from './key-parts.ts';
import { type Claim, openPasted, type WrappedKey, wrapPasted } from './open-pasted-key.ts';
import { checkProbeLimit } from './probe-limit.ts';
import { recordingRefusedSeal } from './refused-seal.ts';
import { insertKey, isNonceUsed, type NewKey } from './store-key.ts';

type ConnectJob = Job<'key.connect'>;
type Result = JobResults['key.connect'];

/** Form of the ids that clients mint, as sealed contexts allow them. */
const KEY_ID = /^key_[0-9A-Za-z]{8,60}$/;

/**
 * Connects a key: open, check the form, wrap, test with the wrapped key, store. The clear key lives from opening to wrapping. A key
 * that its provider rejects is not stored unless `keep`; `save: false` stores nothing. A repeated job whose first answer was lost
 * finds its key stored and says so; any other use of the same sealed key is refused.
 *
 * `pasted` is a clear key that came unsealed (development and scripts); it is erased here.
 * @throws OwnkeyError provider.unknown, base_url.refused, slug.taken, seal.*, key.shape, key.other_provider, key.rejected (as
 * ProbeFailure), probe.limited, conflict.exists, not_found, ledger.unavailable
 */
export async function connectKey(
  parts: KeyParts,
  job: ConnectJob,
  steps: StepLog,
  pasted: Buffer | null = null,
): Promise<Result> {
  const { payload, companyId, actor } = job;
  const { user_id: userId, key_id: keyId, slug, provider } = payload;
  const about = { companyId, actor, userId, keyId, provider: slug ?? provider };
  return recordingRefusedSeal(parts.sql, about, () => connect(parts, job, steps, pasted));
}

async function connect(parts: KeyParts, job: ConnectJob, steps: StepLog, pasted: Buffer | null): Promise<Result> {
  try {
    const { payload, companyId } = job;
    const { key, target } = await planKey(parts, job);
    await checkProbeLimit(parts.sql, job.id, companyId, target.custom);
    const stored = await findStored(parts, job, key);
    if (stored) return stored;
    const { wrapped, claim } = await takeKey(parts, job, steps, key.ref, target, pasted);
    const outcome = await parts.prober.probe(
      {
        target,
        ref: key.ref,
        envelope: wrapped?.envelope ?? null,
        companyId,
        userId: key.userId,
        last4: wrapped?.last4 ?? null,
        actor: job.actor,
      },
      steps,
    );
    const last4 = wrapped?.last4 ?? null;
    const { result: probe, rejected } = outcome;
    // A test that was to store nothing has nothing to refuse: its outcome is the answer.
    if (rejected && !payload.keep && payload.save) {
      await note(parts, job, key, last4, 'key.refused', probe.status);
      throw new ProbeFailure(
        'key.rejected',
        { provider: target.entry.name, provider_message: probe.status_detail?.provider_message ?? null },
        probe,
      );
    }
    if (!payload.save) {
      await note(parts, job, key, last4, 'key.tested', probe.status);
      steps.end('store', 'skipped');
      return { key_id: null, last4, probe };
    }
    steps.begin('store');
    await insertKey(parts.pool, key, wrapped, claim, outcome);
    steps.end('store', 'done');
    return { key_id: key.ref.id, last4, probe };
  } finally {
    pasted?.fill(0);
  }
}

/** What is asked for, checked against the catalogue, the address guard and the names in use. */
async function planKey(parts: KeyParts, job: ConnectJob): Promise<{ key: NewKey; target: ProviderTarget }> {
  const { payload, companyId } = job;
  const { owner } = payload;
  if (!KEY_ID.test(payload.key_id)) throw invalid('key_id', 'This is not the id of a key.');
  if ((owner === 'platform') !== (companyId === null)) throw invalid('owner', 'The owner does not fit.');
  if ((owner === 'user') !== (payload.user_id !== null)) throw invalid('user', 'A personal key belongs to a user.');
  const custom = payload.provider === CUSTOM_PROVIDER;
  const place = custom ? await planEndpoint(parts, job) : planProvider(parts, payload.provider);
  const ref: KeyRef = {
    id: payload.key_id,
    version: 1,
    owner: companyId ?? PLATFORM_OWNER,
    provider: place.target.provider,
    destination: place.destination,
    keyless: custom && payload.keyless,
  };
  const key: NewKey = {
    ref,
    owner,
    companyId,
    userId: payload.user_id,
    slug: custom ? place.target.slug : null,
    preset: custom ? payload.preset : null,
    baseUrl: custom ? place.target.baseUrl : null,
    label: payload.label.slice(0, 200),
    onFailure: payload.on_failure,
    actor: job.actor,
  };
  return { key, target: place.target };
}

interface PlannedPlace {
  target: ProviderTarget;
  destination: string;
}

function planProvider({ catalogue, targets }: KeyParts, name: string): PlannedPlace {
  const id = resolveProvider(catalogue, name)?.id;
  if (id === undefined) throw new OwnkeyError('provider.unknown', { provider: name, param: 'provider' });
  const target = targets.of({ provider: id, slug: null, preset: null, baseUrl: null });
  return { target, destination: catalogueDestination(id) };
}

async function planEndpoint(parts: KeyParts, job: ConnectJob): Promise<PlannedPlace> {
  const { payload, companyId } = job;
  const { slug } = payload;
  if (companyId === null) throw invalid('provider', 'Platform keys are for providers of the catalogue only.');
  if (slug === null || !SLUG_PATTERN.test(slug)) {
    throw invalid('slug', 'A name of an endpoint has lower-case letters, digits and hyphens, at most 32.');
  }
  if (payload.preset !== null && !parts.catalogue.presets.has(payload.preset)) {
    throw invalid('preset', 'There is no preset of this name.');
  }
  const checked = checkBaseUrl(payload.base_url ?? '', parts.policy);
  if (!checked.ok) throw new OwnkeyError('base_url.refused', { param: 'base_url', hint: checked.hint });
  const inUse = await parts.sql.query(
    `SELECT 1 FROM keys WHERE company_id = $1 AND slug = $2 AND coalesce(user_id, '') = coalesce($3, '') AND id <> $4`,
    [companyId, slug, payload.user_id, payload.key_id],
  );
  if (slug === CUSTOM_PROVIDER || resolveProvider(parts.catalogue, slug) || inUse.rows.length > 0) {
    throw new OwnkeyError('slug.taken', { slug, param: 'slug' });
  }
  const { preset } = payload;
  const target = parts.targets.of({ provider: CUSTOM_PROVIDER, slug, preset, baseUrl: checked.url.href });
  return { target, destination: checked.url.origin };
}

/**
 * A key of this id that is stored already: the answer of the job that stored it, when that answer never got out (its worker died
 * after the commit). Else the id is taken, and the sealed key used.
 */
async function findStored(parts: KeyParts, job: ConnectJob, key: NewKey): Promise<Result | null> {
  const { rows } = await parts.sql.query<StoredRow>(
    `SELECT k.company_id, k.owner, k.user_id, k.provider, k.destination, k.version, k.last4, k.status, k.status_detail,
       k.permissions, k.models_count, k.latency_ms,
       EXISTS (SELECT 1 FROM worker_jobs j WHERE j.kind = 'key.connect' AND j.state = 'done'
               AND j.payload ->> 'key_id' = k.id) AS told
     FROM keys k WHERE k.id = $1`,
    [key.ref.id],
  );
  const [row] = rows;
  if (!row) return null;
  const same =
    row.company_id === job.companyId &&
    row.owner === key.owner &&
    row.user_id === key.userId &&
    row.provider === key.ref.provider &&
    row.destination === key.ref.destination;
  if (!same) throw new OwnkeyError('conflict.exists', { what: 'A key of this id' });
  if (row.told || row.version !== 1) throw new OwnkeyError('seal.replayed');
  const { status, status_detail, permissions, models_count, latency_ms } = row;
  return {
    key_id: key.ref.id,
    last4: row.last4,
    probe: { status, status_detail, permissions: permissions ?? {}, models_count, latency_ms },
  };
}

interface StoredRow extends Omit<Result['probe'], 'permissions'> {
  company_id: string | null;
  owner: string;
  user_id: string | null;
  provider: string;
  destination: string;
  version: number;
  last4: string | null;
  permissions: Result['probe']['permissions'] | null;
  told: boolean;
}

/** Opens, checks and wraps the pasted key; nothing for an endpoint that needs none. */
async function takeKey(
  parts: KeyParts,
  job: ConnectJob,
  steps: StepLog,
  ref: KeyRef,
  target: ProviderTarget,
  pasted: Buffer | null,
): Promise<{ wrapped: WrappedKey | null; claim: Claim | null }> {
  if (ref.keyless) return { wrapped: null, claim: null };
  steps.begin('open');
  let clearKey = pasted;
  let claim: Claim | null = null;
  if (clearKey === null) {
    if (job.sealed === null) throw new OwnkeyError('seal.invalid', { problem: 'there is none' });
    const expect = {
      company: ref.owner,
      user: job.payload.user_id,
      provider: ref.provider,
      key_id: ref.id,
      version: ref.version,
      destination: ref.destination,
    };
    ({ clearKey, claim } = await openPasted(parts, job.sealed, expect));
    if (await isUsed(parts, claim, clearKey)) throw new OwnkeyError('seal.replayed');
  }
  steps.end('open', 'done');
  steps.begin('shape');
  const wrapped = wrapPasted(parts, clearKey, ref, target.custom ? null : target.entry);
  steps.end('shape', 'done');
  return { wrapped, claim };
}

async function isUsed(parts: KeyParts, claim: Claim, clearKey: Buffer): Promise<boolean> {
  let used = true;
  try {
    used = await isNonceUsed(parts.sql, claim);
    return used;
  } finally {
    if (used) clearKey.fill(0); // also when the database failed
  }
}

function note(
  parts: KeyParts,
  job: ConnectJob,
  key: NewKey,
  last4: string | null,
  kind: 'key.refused' | 'key.tested',
  status: string,
): Promise<void> {
  return recordKeyEvent(parts.sql, {
    companyId: job.companyId,
    kind,
    actor: job.actor,
    userId: key.userId,
    keyId: key.ref.id,
    provider: key.slug ?? key.ref.provider,
    last4,
    data: { status, stored: false },
  });
}

function invalid(param: string, problem: string): OwnkeyError {
  return new OwnkeyError('request.invalid', { problem, param });
}
