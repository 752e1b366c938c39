import { OwnkeyError } from '@ownkey/contract/errors';
import { CUSTOM_PROVIDER, PLATFORM_OWNER } from '@ownkey/contract/key';
import type { ProviderTarget } from '@ownkey/contract/provider';
import { decideSource, type SourceDecision } from '@ownkey/policy/decide-source';
import { chosenModel, MODEL_NAME_CHARACTERS_MAX, parseModelName, resolveBareModel } from '@ownkey/policy/model-name';
import type { Caller } from '../access/caller.ts';
import type { StoredKey } from '../access/snapshot.ts';
import type { KeyRef } from '../egress/egress.ts';
import type { Targets } from './targets.ts';

/** Where one call goes and on whose key. */
export interface Route {
  target: ProviderTarget;
  key: StoredKey;
  source: 'own' | 'platform';
  /** The platform's key that may answer when this own key fails; null = nobody's. */
  fallback: StoredKey | null;
  /** The model as the provider names it. */
  model: string;
  /** As the caller named it, or as the company chose it. */
  callerModel: string;
}

/** A provider the caller can use now. */
export interface Connected {
  slug: string;
  key: StoredKey;
  source: 'own' | 'platform';
}

/** Models of one connected provider, as far as they are known; never rejects. */
export type ListModels = (caller: Caller, connected: Connected) => Promise<readonly string[]>;

/**
 * Decides where a call with this model name goes, from the caller's configuration alone. Asks for model lists only when the name
 * has no provider in it.
 * @throws OwnkeyError model.*, provider.unknown, key.*, plan.*, ai.consent_off
 */
export async function routeCall(
  targets: Targets,
  listModels: ListModels,
  caller: Caller,
  asked: string,
): Promise<Route> {
  const { company } = caller.configuration;
  if (!company.aiEnabled) throw new OwnkeyError('ai.consent_off');
  const name = chosenModel(asked, caller.operation, company.operationModels);
  if (name === null) {
    throw new OwnkeyError('model.not_chosen', { param: 'model', operation: caller.operation });
  }
  if (name.length > MODEL_NAME_CHARACTERS_MAX || UNPRINTABLE.test(name)) {
    throw new OwnkeyError('model.unknown', { param: 'model', model: name.slice(0, 64).replace(/\p{C}/gu, '?') });
  }
  const parsed = parseModelName(name, (segment) => findSlug(targets, caller, segment));
  if (parsed.kind === 'named') return toRoute(targets, caller, name, parsed.slug, parsed.model);
  const connected = connectedProviders(targets, caller);
  const lists = await Promise.all(
    connected.map(async (provider) => ({ slug: provider.slug, models: await listModels(caller, provider) })),
  );
  const found = resolveBareModel(name, lists);
  if (found.kind === 'none') throw new OwnkeyError(found.code, found.facts);
  return toRoute(targets, caller, name, found.slug, found.model);
}

/** Controls, lone surrogates and the like: in no model's name, and not storable as text. */
const UNPRINTABLE = /\p{C}/u;

/** Every provider and endpoint of which the caller may use some key, in the catalogue's order, endpoints last. */
export function connectedProviders(targets: Targets, caller: Caller): Connected[] {
  const { ownKeys } = caller.configuration.company;
  const endpoints = [...ownKeys.keys()].filter((slug) => isOwnSlug(caller, slug));
  return [...targets.providers, ...endpoints].flatMap((slug) => {
    const decision = decideFor(targets, caller, slug, null);
    return decision.kind === 'none' ? [] : [{ slug, key: decision.key, source: decision.kind }];
  });
}

/** Whether the caller may use this very model now. */
export function canUseModel(targets: Targets, caller: Caller, slug: string, model: string): boolean {
  return decideFor(targets, caller, slug, model).kind !== 'none';
}

function toRoute(targets: Targets, caller: Caller, callerModel: string, slug: string, model: string): Route {
  const decision = decideFor(targets, caller, slug, model);
  if (decision.kind === 'none') throw new OwnkeyError(decision.code, decision.facts);
  const fallback = decision.kind === 'own' && decision.fallback.kind === 'platform' ? decision.fallback.key : null;
  return { target: targets.of(decision.key), key: decision.key, source: decision.kind, fallback, model, callerModel };
}

/** The pure decision with everything it needs of the caller's configuration. */
function decideFor(
  targets: Targets,
  { configuration: { company, installation }, userId, account, operation }: Caller,
  slug: string,
  model: string | null,
): SourceDecision<StoredKey> {
  const plan = installation.plans.get(company.planId);
  if (!plan) throw new OwnkeyError('internal', {}, `company ${company.id} has the unknown plan ${company.planId}`);
  const ownKeys = company.ownKeys.get(slug) ?? [];
  return decideSource({
    slug,
    provider: targets.findProvider(slug) ?? CUSTOM_PROVIDER,
    providerName: targets.nameOf(slug),
    model,
    aiEnabled: company.aiEnabled,
    user: userId,
    personalKeysAllowed: company.personalKeysAllowed,
    account,
    operation,
    zeroRetention: company.zeroRetention,
    policies: installation.policies,
    plan,
    ownKeys,
    platformKeys: installation.platformKeys.get(slug) ?? [],
    sources: company.sources,
  });
}

/** Providers by id or alias; the company's endpoints by slug, and the user's own. Another user's endpoint is not there. */
function findSlug(targets: Targets, caller: Caller, segment: string): string | null {
  return targets.findProvider(segment) ?? (isOwnSlug(caller, segment) ? segment : null);
}

function isOwnSlug({ configuration, userId }: Caller, slug: string): boolean {
  const keys = configuration.company.ownKeys.get(slug) ?? [];
  return keys.some((key) => key.slug !== null && (key.owner === 'company' || key.userId === userId));
}

/** How egress names the key. */
export function keyRefOf(companyId: string, key: StoredKey): KeyRef {
  return {
    id: key.id,
    version: key.version,
    owner: key.owner === 'platform' ? PLATFORM_OWNER : companyId,
    provider: key.provider,
    destination: key.destination,
    keyless: key.keyless,
  };
}
