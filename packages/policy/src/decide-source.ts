import type { ErrorCode, ErrorFacts } from '@ownkey/contract/errors';
import type { KeyOwner, KeyStatus } from '@ownkey/contract/key';

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

/** A row of the source table: whose key pays for a provider, for all of a company ('' account) or for one sub-account. */
export interface SourceRow {
  slug: string;
  account: string;
  source: 'own' | 'platform';
  onFailure: 'stop' | 'platform';
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
  plan: SourcePlan;
  /** The company's own keys of this slug, personal ones of anybody included. */
  ownKeys: readonly Key[];
  /** The operator's keys of this provider. */
  platformKeys: readonly Key[];
  sources: readonly SourceRow[];
}

export type SourceDecision<Key extends SourceKey> =
  | { kind: 'own'; key: Key; onFailure: 'stop' | 'platform' }
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
  if (candidates.length > 0) return decideOwn(input, candidates, row?.onFailure ?? 'platform');
  if (row !== null || input.ownKeys.some((key) => key.owner === 'company')) return refuse(input, 'key.missing');
  return decidePlatform(input, 'key.missing');
}

/** The row of the sub-account, else the company's; null = none was set. */
export function findSource(input: Pick<SourceInput<SourceKey>, 'slug' | 'account' | 'sources'>): SourceRow | null {
  const rows = input.sources.filter((row) => row.slug === input.slug);
  const special = input.account === null ? undefined : rows.find((row) => row.account === input.account);
  return special ?? rows.find((row) => row.account === '') ?? null;
}

function isByokAllowed({ plan, provider }: SourceInput<SourceKey>): boolean {
  return plan.byok && (plan.byokProviders === null || plan.byokProviders.includes(provider));
}

/** Keys that are turned on and apply to this caller, in the order in which they are used. */
function ownCandidates<Key extends SourceKey>(input: SourceInput<Key>): Key[] {
  const personal = input.user !== null && input.personalKeysAllowed && input.plan.personalKeys;
  return input.ownKeys
    .filter((key) => key.enabled && (key.owner === 'company' || (personal && key.userId === input.user)))
    .sort((a, b) => rank(a) - rank(b) || inOrder(a, b));
}

const rank = (key: SourceKey): number => (key.owner === 'user' ? 0 : 1);
const inOrder = (a: SourceKey, b: SourceKey): number =>
  a.position - b.position || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function decideOwn<Key extends SourceKey>(
  input: SourceInput<Key>,
  candidates: readonly Key[],
  onFailure: 'stop' | 'platform',
): SourceDecision<Key> {
  const key = candidates.find((candidate) => isModelIn(candidate.allowedModels, input));
  if (key === undefined) return refuse(input, 'model.not_allowed');
  if (key.status === 'undecryptable') return refuse(input, 'key.undecryptable');
  return { kind: 'own', key, onFailure };
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
