import type { ErrorCode, ErrorFacts } from '@ownkey/contract/errors';
import type { OnFailure } from '@ownkey/contract/fallback';
import { CUSTOM_PROVIDER, type KeyOwner, type KeyStatus } from '@ownkey/contract/key';
import type { Policies } from '@ownkey/contract/policies';

/** What the decision reads of a stored key. */
export interface SourceKey {
  id: string;
  owner: KeyOwner;
  /** The user of a personal key. */
  userId: string | null;
  enabled: boolean;
  /** Order among the keys of one owner; smaller first. */
  position: number;
  /** Models the key may be used with, as `model` or `provider/model`; null = all. */
  allowedModels: readonly string[] | null;
  /** Users a company key may be used for; null = all. A list is not for calls without a user. */
  allowedUsers: readonly string[] | null;
  /** The operator's word for a platform key: its provider keeps nothing. */
  zeroRetention: boolean;
  status: KeyStatus;
}

export interface SourcePlan {
  name: string;
  byok: boolean;
  /** Providers whose own keys the plan allows; null = all. */
  byokProviders: readonly string[] | null;
  personalKeys: boolean;
  /** Models of platform keys the plan includes, as `model`, `provider/model` or `provider/*`; null = all. */
  platformModels: readonly string[] | null;
  upgradeUrl: string | null;
}

/** A row of the source table: whose key pays for a provider; '' = for every sub-account, for every operation. */
export interface SourceRow {
  slug: string;
  account: string;
  operation: string;
  source: 'own' | 'platform';
  onFailure: OnFailure;
}

export interface SourceInput<Key extends SourceKey> {
  /** Catalogue id, or slug of a custom endpoint. */
  slug: string;
  /** Catalogue id, or 'custom'. */
  provider: string;
  /** For sentences only. */
  providerName: string;
  /** The model as the provider names it; null = any (model lists). */
  model: string | null;
  aiEnabled: boolean;
  /** The user the call is for; null = the company itself, which has no personal keys. */
  user: string | null;
  /** False when the company's admins forbid personal keys. */
  personalKeysAllowed: boolean;
  account: string | null;
  operation: string | null;
  /** The company requires that providers keep nothing of its calls. */
  zeroRetention: boolean;
  /** What the host fixes of `on_failure`. */
  policies: Pick<Policies, 'on_failure'>;
  plan: SourcePlan;
  /** The company's own keys of this slug, personal ones of anybody included. */
  ownKeys: readonly Key[];
  /** The operator's keys of this provider. */
  platformKeys: readonly Key[];
  sources: readonly SourceRow[];
}

/** What follows when an own key fails: the platform's key, or nothing and why. */
export type FallbackDecision<Key extends SourceKey> =
  | { kind: 'platform'; key: Key }
  | { kind: 'stop'; because: 'chosen' | 'host' | 'zero_retention' | 'custom_endpoint' | 'no_shared_key' };

export type SourceDecision<Key extends SourceKey> =
  | { kind: 'own'; key: Key; fallback: FallbackDecision<Key> }
  | { kind: 'platform'; key: Key }
  | { kind: 'none'; code: ErrorCode; facts: ErrorFacts };

/**
 * Whose key pays for one call. Pure. Order: the user's personal key, the company's keys, the platform's key. What should pay but
 * cannot is a refusal, never the next payer: an own key that does not open, that may not be used with the model, or that is
 * turned off while the source says `own`, never moves the bill to the platform.
 */
export function decideSource<Key extends SourceKey>(input: SourceInput<Key>): SourceDecision<Key> {
  if (!input.aiEnabled) return { kind: 'none', code: 'ai.consent_off', facts: {} };
  const row = findSource(input);
  if (row?.source === 'platform') return decidePlatform(input, 'key.missing');
  const candidates = ownCandidates(input);
  if (!isByokAllowed(input)) {
    return decidePlatform(input, candidates.length > 0 || row !== null ? 'plan.upgrade_required' : 'key.missing');
  }
  if (candidates.length > 0) return decideOwn(input, candidates, row);
  if (row !== null || input.ownKeys.some((key) => key.owner === 'company')) return refuse(input, 'key.missing');
  return decidePlatform(input, 'key.missing');
}

/** The row that counts: of the operation in this sub-account, of the operation, of the sub-account, of the company; null = none. */
export function findSource(
  input: Pick<SourceInput<SourceKey>, 'slug' | 'account' | 'operation' | 'sources'>,
): SourceRow | null {
  const account = input.account ?? '';
  const operation = input.operation ?? '';
  const find = (wantedAccount: string, wantedOperation: string): SourceRow | undefined =>
    input.sources.find(
      (row) => row.slug === input.slug && row.account === wantedAccount && row.operation === wantedOperation,
    );
  return find(account, operation) ?? find('', operation) ?? find(account, '') ?? find('', '') ?? null;
}

/** What is set for a failing own key, before what makes it impossible: the host's word, else the row's, else the host's preset. */
export function onFailureOf(
  { policies: { on_failure } }: Pick<SourceInput<SourceKey>, 'policies'>,
  row: Pick<SourceRow, 'onFailure'> | null,
): OnFailure {
  return on_failure.choice === 'free' ? (row?.onFailure ?? on_failure.preset) : on_failure.choice;
}

function isByokAllowed({ plan, provider }: SourceInput<SourceKey>): boolean {
  return plan.byok && (plan.byokProviders === null || plan.byokProviders.includes(provider));
}

/** Keys that are turned on and apply to this caller, in the order in which they are used. */
function ownCandidates<Key extends SourceKey>(input: SourceInput<Key>): Key[] {
  const personal = input.user !== null && input.personalKeysAllowed && input.plan.personalKeys;
  return input.ownKeys
    .filter(
      (key) =>
        key.enabled && (key.owner === 'company' ? isFor(key, input.user) : personal && key.userId === input.user),
    )
    .sort((a, b) => rank(a) - rank(b) || inOrder(a, b));
}

function isFor({ allowedUsers }: SourceKey, user: string | null): boolean {
  return allowedUsers === null || (user !== null && allowedUsers.includes(user));
}

const rank = (key: SourceKey): number => (key.owner === 'user' ? 0 : 1);
const inOrder = (a: SourceKey, b: SourceKey): number =>
  a.position - b.position || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function decideOwn<Key extends SourceKey>(
  input: SourceInput<Key>,
  candidates: readonly Key[],
  row: SourceRow | null,
): SourceDecision<Key> {
  const key = candidates.find((candidate) => isModelIn(candidate.allowedModels, input));
  if (key === undefined) return refuse(input, 'model.not_allowed');
  if (key.status === 'undecryptable') return refuse(input, 'key.undecryptable');
  return { kind: 'own', key, fallback: decideFallback(input, row) };
}

/**
 * What follows a failing own key by the row that counts, whether there is such a key now or not: the same model on the platform's
 * key, or nothing. Never for an endpoint that is the company's own.
 */
export function decideFallback<Key extends SourceKey>(
  input: SourceInput<Key>,
  row: Pick<SourceRow, 'onFailure'> | null,
): FallbackDecision<Key> {
  if (input.provider === CUSTOM_PROVIDER) return { kind: 'stop', because: 'custom_endpoint' };
  if (onFailureOf(input, row) === 'stop') {
    return { kind: 'stop', because: input.policies.on_failure.choice === 'stop' ? 'host' : 'chosen' };
  }
  // Under zero retention only a shared key that carries the same promise.
  const platformKeys = input.zeroRetention ? input.platformKeys.filter((key) => key.zeroRetention) : input.platformKeys;
  const fallback = decidePlatform({ ...input, platformKeys }, 'key.missing');
  if (fallback.kind === 'platform') return fallback;
  const withoutPromise = input.zeroRetention && decidePlatform(input, 'key.missing').kind === 'platform';
  return { kind: 'stop', because: withoutPromise ? 'zero_retention' : 'no_shared_key' };
}

function decidePlatform<Key extends SourceKey>(input: SourceInput<Key>, withoutKey: ErrorCode): SourceDecision<Key> {
  const keys = input.platformKeys.filter((key) => key.enabled).sort(inOrder);
  if (keys.length === 0 || input.plan.platformModels?.length === 0) return refuse(input, withoutKey);
  if (!isModelIn(input.plan.platformModels, input)) {
    return refuse(input, withoutKey === 'key.missing' ? 'plan.model_not_included' : withoutKey);
  }
  const key = keys.find((candidate) => isModelIn(candidate.allowedModels, input));
  if (key === undefined) return refuse(input, 'model.not_allowed');
  return key.status === 'undecryptable' ? refuse(input, 'key.undecryptable') : { kind: 'platform', key };
}

/** Whether a list of model names (null = all) covers the call's model. */
export function isModelIn(
  list: readonly string[] | null,
  call: Pick<SourceInput<SourceKey>, 'model' | 'slug'>,
): boolean {
  if (list === null || call.model === null) return true;
  return list.includes(call.model) || list.includes(`${call.slug}/${call.model}`) || list.includes(`${call.slug}/*`);
}

function refuse<Key extends SourceKey>(input: SourceInput<Key>, code: ErrorCode): SourceDecision<Key> {
  const facts: Record<string, string | null> = { provider: input.providerName };
  if (code.startsWith('plan.')) {
    facts.plan = input.plan.name;
    facts.upgrade_url = input.plan.upgradeUrl;
  }
  if (code === 'model.not_allowed' || code === 'plan.model_not_included') {
    facts.model = input.model;
    facts.param = 'model';
  }
  return { kind: 'none', code, facts };
}
