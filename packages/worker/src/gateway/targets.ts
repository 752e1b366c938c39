import { OwnkeyError } from '@ownkey/contract/errors';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import type { CatalogueEntry, ProviderTarget } from '@ownkey/contract/provider';
import { type StoredKey, slugOf } from '../access/snapshot.ts';

/** Where calls can go: the catalogue with the operator's base URLs, and custom endpoints by their key. */
export interface Targets {
  /** Catalogue ids, in the catalogue's order. */
  readonly providers: readonly string[];
  /** Catalogue id for an id or alias in any case; null = no provider is called so. */
  findProvider(name: string): string | null;
  /** Name for people. */
  nameOf(slug: string): string;
  /**
   * Destination of a key: for a catalogue provider always the worker's own configuration, for a custom endpoint the key's.
   * @throws OwnkeyError provider.unknown when the catalogue no longer has the key's provider
   */
  of(key: StoredKey): ProviderTarget;
}

export function createTargets(options: {
  entries: readonly CatalogueEntry[];
  /** Catalogue id → base URL of the operator's. */
  baseUrls: ReadonlyMap<string, string>;
  /** Entry of a custom endpoint made from a preset (null = none). */
  customEntry: (preset: string | null) => CatalogueEntry;
}): Targets {
  const byId = new Map(options.entries.map((entry) => [entry.id, entry]));
  const names = new Map<string, string>();
  for (const entry of options.entries) {
    for (const name of [entry.id, ...entry.aliases]) names.set(name.toLowerCase(), entry.id);
  }
  const targets = new Map<string, ProviderTarget>();
  for (const entry of options.entries) {
    const baseUrl = (options.baseUrls.get(entry.id) ?? entry.base_url).replace(/\/+$/, '');
    targets.set(entry.id, { provider: entry.id, slug: entry.id, entry, baseUrl, custom: false });
  }
  return {
    providers: [...byId.keys()],
    findProvider: (name) => names.get(name) ?? names.get(name.toLowerCase()) ?? null,
    nameOf: (slug) => byId.get(slug)?.name ?? slug,
    of(key) {
      const known = targets.get(key.provider);
      if (known) return known;
      if (key.provider !== CUSTOM_PROVIDER || key.baseUrl === null) {
        throw new OwnkeyError('provider.unknown', { provider: key.provider });
      }
      return {
        provider: CUSTOM_PROVIDER,
        slug: slugOf(key),
        entry: options.customEntry(key.preset),
        baseUrl: key.baseUrl.replace(/\/+$/, ''),
        custom: true,
      };
    },
  };
}
