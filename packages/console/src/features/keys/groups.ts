import type { Key } from '@ownkey/contract/api/keys';
import type { Provider } from '@ownkey/contract/api/providers';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import type { KeyState, KeysSearch } from './keys-search.ts';
import { needsAttention } from './status.ts';

export type GroupId = 'attention' | 'connected' | 'custom' | 'available' | 'gated';
export const GROUPS: readonly GroupId[] = ['attention', 'connected', 'custom', 'available', 'gated'];

/** One provider or custom endpoint with its keys in order of use. */
export interface ProviderRow {
  provider: Provider;
  keys: Key[];
  group: GroupId;
}

/** Whether `key` belongs to `provider`: custom endpoints are told apart by their slug. */
export function belongsTo(key: Pick<Key, 'provider' | 'slug'>, provider: Pick<Provider, 'id' | 'kind'>): boolean {
  return provider.kind === 'custom'
    ? key.provider === CUSTOM_PROVIDER && key.slug === provider.id
    : key.provider === provider.id;
}

const SCOPE_OF = { company: 'company', personal: 'user', shared: 'platform' } as const;

/** Every provider with its keys of the chosen scope and the group it stands in; by traffic, then by name. */
export function providerRows(
  providers: readonly Provider[],
  keys: readonly Key[],
  scope: KeysSearch['scope'] | 'shared',
  now: number,
): ProviderRow[] {
  const wanted = SCOPE_OF[scope];
  const rows = providers.map((provider) => {
    const own = keys.filter((key) => key.scope === wanted && belongsTo(key, provider));
    own.sort((a, b) => a.order - b.order || a.created_at.localeCompare(b.created_at));
    return { provider, keys: own, group: groupOf(provider, own, now) };
  });
  const shown = rows.filter((row) => row.provider.kind === 'catalogue' || row.keys.length > 0);
  return shown.sort((a, b) => traffic(b) - traffic(a) || a.provider.name.localeCompare(b.provider.name));
}

function groupOf(provider: Provider, keys: readonly Key[], now: number): GroupId {
  if (keys.some((key) => needsAttention(key, now))) return 'attention';
  if (keys.length > 0) return provider.kind === 'custom' ? 'custom' : 'connected';
  return provider.gated === null ? 'available' : 'gated';
}

function traffic(row: ProviderRow): number {
  return row.keys.reduce((sum, key) => sum + key.requests_handled, 0);
}

const MEMBERS: Record<KeyState, readonly GroupId[]> = {
  all: GROUPS,
  attention: ['attention'],
  connected: ['connected', 'custom'],
  available: ['available'],
  gated: ['gated'],
};

/** How many providers each filter shows, whatever is typed in the search box. */
export function countStates(rows: readonly ProviderRow[]): Record<KeyState, number> {
  const count = (state: KeyState) => rows.filter((row) => MEMBERS[state].includes(row.group)).length;
  return {
    all: rows.length,
    attention: count('attention'),
    connected: count('connected'),
    available: count('available'),
    gated: count('gated'),
  };
}

/** The rows a filter and a search text leave. Searched: name, id, aliases, labels, last four, address. */
export function filterRows(rows: readonly ProviderRow[], state: KeyState, q: string): ProviderRow[] {
  const needle = q.trim().toLowerCase();
  return rows.filter((row) => {
    if (!MEMBERS[state].includes(row.group)) return false;
    if (needle === '') return true;
    const { name, id, aliases, base_url } = row.provider;
    const texts = [name, id, base_url ?? '', ...aliases, ...row.keys.flatMap((key) => [key.label, key.last4 ?? ''])];
    return texts.some((text) => text.toLowerCase().includes(needle));
  });
}

export type ShownPayer = 'own' | 'shared' | 'fallback' | 'nobody';

/** Who pays the next call of this provider, and whether that is because own keys fail. */
export function payerOf({ provider }: Pick<ProviderRow, 'provider'>): ShownPayer {
  if (provider.payer === 'own') return 'own';
  if (provider.payer === null) return 'nobody';
  return provider.fallback === null ? 'shared' : 'fallback';
}
