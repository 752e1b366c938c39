import type { Provider, ProviderList } from '@ownkey/contract/api/providers';
import type { FallbackReason } from '@ownkey/contract/fallback';
import { CUSTOM_PROVIDER, catalogueDestination, type KeyStatus } from '@ownkey/contract/key';
import type { KeyRow } from '@ownkey/contract/key-view';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import type { Catalogue } from '@ownkey/providers/catalogue';
import { decidePayer, isByokAllowed, type PayerState } from '../keys/payer.ts';
import { countSpecial, sourceState } from '../sources/sources.ts';

/** Every provider of the catalogue and every custom endpoint of the company, with how things stand for this caller. Pure. */
export function listProviders(
  catalogue: Catalogue,
  state: PayerState,
  userId: string | null,
  name: (actor: string | null) => string | null,
): ProviderList {
  const fixed = [...catalogue.entries.values()].map((entry) => ofCatalogue(entry, state, userId, name));
  const slugs = new Map<string, string>();
  for (const row of state.keys) {
    const visible = row.owner === 'company' || row.user_id === userId;
    if (row.provider === CUSTOM_PROVIDER && row.slug !== null && visible && !slugs.has(row.slug))
      slugs.set(row.slug, row.id);
  }
  const custom = [...slugs].map(([slug, id]) => ofEndpoint(slug, id, state, userId, name));
  const presets = [...catalogue.presets.values()].map(({ id, name, base_url, keyless, docs }) => ({
    id,
    name,
    base_url,
    keyless,
    docs,
  }));
  return { data: [...fixed, ...custom], next_cursor: null, presets };
}

/** The catalogue as the operator of shared keys sees it: of no company, so nothing is gated and nobody else pays. Pure. */
export function listSharedProviders(
  catalogue: Catalogue,
  platformKeys: readonly Pick<KeyRow, 'provider' | 'enabled'>[],
): ProviderList {
  const data = [...catalogue.entries.values()].map((entry): Provider => {
    const shared = platformKeys.some(({ provider, enabled }) => enabled && provider === entry.id);
    return {
      ...catalogueFacts(entry),
      own_keys: 0,
      personal_keys: 0,
      platform_key: shared,
      source: {
        source: 'platform',
        on_failure: 'stop',
        fallback: { follows: 'stop', because: 'no_shared_key', choice: 'stop', barred: 'no_shared_key' },
        set: false,
        etag: '',
        changed_at: null,
        changed_by: null,
      },
      special_sources: 0,
      payer: shared ? 'platform' : null,
      fallback: null,
      gated: null,
    };
  });
  return { data, next_cursor: null, presets: [] };
}

type Standing = Pick<
  Provider,
  'own_keys' | 'personal_keys' | 'platform_key' | 'source' | 'special_sources' | 'payer' | 'fallback' | 'gated'
>;

function standing(
  state: PayerState,
  call: { slug: string; provider: string; providerName: string; user: string | null },
  name: (actor: string | null) => string | null,
): Standing {
  const own = state.keys.filter((row) => (row.slug ?? row.provider) === call.slug);
  const decision = decidePayer(state, call);
  const shared = state.platformKeys.some((row) => row.provider === call.slug && row.enabled);
  return {
    own_keys: own.filter((row) => row.owner === 'company').length,
    personal_keys: own.filter((row) => row.owner === 'user' && row.user_id === call.user).length,
    platform_key: shared && state.plan.platform_models?.length !== 0,
    source: sourceState(state, { slug: call.slug, custom: call.provider === CUSTOM_PROVIDER }, name),
    special_sources: countSpecial(state, call.slug),
    ...payerOf(state, decision),
    gated: isByokAllowed(state, call.provider)
      ? null
      : { code: 'plan.upgrade_required', plan: state.plan.name, upgrade_url: state.plan.upgrade_url },
  };
}

/**
 * Who pays the next call. A key that the provider is known to turn down pays for nothing: the shared key follows where it may, else
 * the call fails.
 */
function payerOf(state: PayerState, decision: ReturnType<typeof decidePayer>): Pick<Provider, 'payer' | 'fallback'> {
  if (decision.kind === 'none') return { payer: null, fallback: null };
  if (decision.kind === 'platform') return { payer: 'platform', fallback: null };
  const failing = FAILING.get(decision.key.status) ?? null;
  if (decision.fallback.kind === 'stop') return { payer: failing === null ? 'own' : null, fallback: null };
  const fallback = state.fallbacks.get(decision.key.id) ?? failing;
  return { payer: fallback === null ? 'own' : 'platform', fallback };
}

/** What these statuses mean for a call. */
const FAILING: ReadonlyMap<KeyStatus, FallbackReason> = new Map([
  ['invalid', 'key_rejected'],
  ['no_credit', 'no_credit'],
]);

function ofCatalogue(
  entry: CatalogueEntry,
  state: PayerState,
  user: string | null,
  name: (actor: string | null) => string | null,
): Provider {
  return {
    ...catalogueFacts(entry),
    ...standing(state, { slug: entry.id, provider: entry.id, providerName: entry.name, user }, name),
  };
}

function catalogueFacts(entry: CatalogueEntry): Omit<Provider, keyof Standing> {
  const { prefixes, shared_prefixes = [], min_length, max_length, usual_length, hint } = entry.key;
  return {
    id: entry.id,
    kind: 'catalogue',
    name: entry.name,
    aliases: entry.aliases,
    dialect: entry.dialect,
    base_url: entry.base_url,
    destination: catalogueDestination(entry.id),
    key: { prefixes, shared_prefixes, min_length, max_length, usual_length, hint },
    key_page: entry.key_page,
    billing_page: entry.billing_page,
    key_help: entry.key_help,
    docs: entry.docs,
    abilities: entry.abilities,
    curated_models: entry.curated_models,
  };
}

function ofEndpoint(
  slug: string,
  keyId: string,
  state: PayerState,
  user: string | null,
  name: (actor: string | null) => string | null,
): Provider {
  const row = state.keys.find(({ id }) => id === keyId);
  return {
    id: slug,
    kind: 'custom',
    name: row?.label || slug,
    aliases: [],
    dialect: 'openai-chat',
    base_url: row?.base_url ?? null,
    destination: row?.destination ?? '',
    key: null,
    key_page: null,
    billing_page: null,
    key_help: [],
    docs: null,
    abilities: null,
    curated_models: [],
    ...standing(state, { slug, provider: CUSTOM_PROVIDER, providerName: slug, user }, name),
  };
}
