import { OwnkeyError } from '@ownkey/contract/errors';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import type { ProviderTarget } from '@ownkey/contract/provider';
import { type Catalogue, customTarget, resolveProvider, targetFor } from '@ownkey/providers/catalogue';
import { type StoredKey, slugOf } from '../access/snapshot.ts';

/** Where calls can go: the catalogue with the operator's base URLs, and custom endpoints by their key. */
export interface Targets {
  /** Catalogue ids, in the catalogue's order. */
  readonly providers: readonly string[];
  /** Catalogue id for an id or alias in any case; null = no provider is called so. */
  findProvider(name: string): string | null;
  /** Name for people. */
  nameOf(slug: string): string;
  /** Base URL of a catalogue provider by the worker's own configuration, without trailing slash; null = unknown provider. */
  baseUrlOf(provider: string): string | null;
  /**
   * Destination of a key: for a catalogue provider always the worker's own configuration, for a custom endpoint the key's.
   * @throws OwnkeyError provider.unknown when the catalogue no longer has the key's provider
   */
  of(key: Pick<StoredKey, 'provider' | 'slug' | 'preset' | 'baseUrl'>): ProviderTarget;
}

/** `baseUrls`: catalogue id → base URL of the operator's. */
export function createTargets(catalogue: Catalogue, baseUrls: ReadonlyMap<string, string>): Targets {
  const targets = new Map<string, ProviderTarget>();
  for (const [id, entry] of catalogue.entries) targets.set(id, targetFor(entry, baseUrls.get(id) ?? null));
  return {
    providers: [...catalogue.entries.keys()],
    findProvider: (name) => resolveProvider(catalogue, name)?.id ?? null,
    nameOf: (slug) => catalogue.entries.get(slug)?.name ?? slug,
    baseUrlOf: (provider) => targets.get(provider)?.baseUrl ?? null,
    of(key) {
      const known = targets.get(key.provider);
      if (known) return known;
      if (key.provider !== CUSTOM_PROVIDER || key.baseUrl === null) {
        throw new OwnkeyError('provider.unknown', { provider: key.provider });
      }
      return customTarget(catalogue, key.preset, slugOf(key), key.baseUrl);
    },
  };
}
