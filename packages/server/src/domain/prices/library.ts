import type { Catalogue } from '@ownkey/providers/catalogue';
import { findProvider } from '@pydantic/genai-prices';
import { convertModel } from './convert-model.ts';
import type { SourcedPrice } from './seed.ts';

/** Where seeded prices were read; a test holds the version to that of the dependency. */
export const PRICE_LIBRARY = '@pydantic/genai-prices 0.1.8';

/**
 * What the library knows of the catalogue's providers, in integers. Within a provider the first model that fits a name counts, as
 * in the library. Nothing is fetched: the figures are those of the installed version.
 * @throws Error where the catalogue names a provider that the library does not have
 */
export function libraryPrices(catalogue: Catalogue): SourcedPrice[] {
  return [...catalogue.entries.values()].flatMap(({ id, price_source }) => {
    if (price_source === undefined) return [];
    const provider = findProvider({ providerId: price_source });
    if (provider?.id !== price_source) throw new Error(`The price library knows no provider ${price_source} (${id})`);
    return provider.models.flatMap((model, position) =>
      convertModel(id, model, position).map((price) => ({ ...price, source: PRICE_LIBRARY })),
    );
  });
}
