import { OwnkeyError } from '@ownkey/contract/errors';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import type { SourceDecision } from '@ownkey/policy/decide-source';
import { chosenModel, MODEL_NAME_CHARACTERS_MAX, parseModelName, resolveBareModel } from '@ownkey/policy/model-name';
import { type Catalogue, maxOutputTokens, resolveProvider } from '@ownkey/providers/catalogue';
import type { Database } from '../../storage/database.ts';
import { decidePayer, type PayerKey, type PayerState } from '../keys/payer.ts';
import { readLists, type StoredList } from '../models/list.ts';

/** Where a call would go and on whose key. */
export interface RoutedCall {
  readonly slug: string;
  /** Catalogue id, or 'custom'. */
  readonly provider: string;
  /** As the provider names it. */
  readonly model: string;
  readonly keySource: 'own' | 'platform';
  /** The most the model answers with, in tokens; null = nobody knows. */
  readonly modelMaxTokens: number | null;
}

interface Asker {
  readonly userId: string | null;
  readonly account: string | null;
  readonly operation: string | null;
}

/**
 * Decides as the gateway does, from what is stored alone: where a provider was never asked for its models, those of the catalogue
 * count. @throws OwnkeyError model.*, provider.unknown, key.*, plan.*, ai.consent_off
 */
export async function routeCall(
  { database, catalogue }: { database: Database; catalogue: Catalogue },
  state: PayerState,
  asker: Asker,
  asked: string,
): Promise<RoutedCall> {
  if (!state.company.ai_enabled) throw new OwnkeyError('ai.consent_off');
  const name = chosenModel(asked, asker.operation, state.operationModels);
  if (name === null) throw new OwnkeyError('model.not_chosen', { param: 'model', operation: asker.operation });
  if (name.length > MODEL_NAME_CHARACTERS_MAX || /\p{C}/u.test(name))
    throw new OwnkeyError('model.unknown', { param: 'model', model: name.slice(0, 64).replace(/\p{C}/gu, '?') });
  const lists = await readLists(database, state);
  const parsed = parseModelName(
    name,
    (segment) => resolveProvider(catalogue, segment)?.id ?? (isOwnSlug(state, asker, segment) ? segment : null),
  );
  const { slug, model } = parsed.kind === 'named' ? parsed : findBare(catalogue, state, asker, lists, parsed.model);
  const decision = decide(catalogue, state, asker, slug, model);
  if (decision.kind === 'none') throw new OwnkeyError(decision.code, decision.facts);
  const entry = catalogue.entries.get(slug);
  const listed = lists.get(decision.key.id)?.models.find(({ id }) => id === model)?.maxOutputTokens;
  return {
    slug,
    provider: entry?.id ?? CUSTOM_PROVIDER,
    model,
    keySource: decision.kind,
    modelMaxTokens: listed ?? (entry === undefined ? null : maxOutputTokens(entry, model)),
  };
}

/** A name without a provider: exactly one of those the caller may use now must have it. */
function findBare(
  catalogue: Catalogue,
  state: PayerState,
  asker: Asker,
  lists: ReadonlyMap<string, StoredList>,
  model: string,
): { slug: string; model: string } {
  const endpoints = new Set(state.keys.flatMap(({ slug }) => (slug === null ? [] : [slug])));
  const slugs = [...catalogue.entries.keys(), ...[...endpoints].filter((slug) => isOwnSlug(state, asker, slug))];
  const connected = slugs.flatMap((slug) => {
    const decision = decide(catalogue, state, asker, slug, null);
    if (decision.kind === 'none') return [];
    const list = lists.get(decision.key.id);
    const stored = list?.fetched_at == null ? null : list.models.map(({ id }) => id);
    return [{ slug, models: stored ?? catalogue.entries.get(slug)?.curated_models ?? [] }];
  });
  const found = resolveBareModel(model, connected);
  if (found.kind === 'none') throw new OwnkeyError(found.code, found.facts);
  return found;
}

function decide(
  catalogue: Catalogue,
  state: PayerState,
  { userId, account, operation }: Asker,
  slug: string,
  model: string | null,
): SourceDecision<PayerKey> {
  const entry = catalogue.entries.get(slug);
  const call = { slug, provider: entry?.id ?? CUSTOM_PROVIDER, providerName: entry?.name ?? slug };
  return decidePayer(state, { ...call, user: userId, model, account, operation });
}

/** Another person's endpoint is not there. */
function isOwnSlug({ keys }: PayerState, { userId }: Asker, slug: string): boolean {
  return keys.some((key) => key.slug === slug && (key.owner === 'company' || key.user_id === userId));
}
