import type { CatalogueEntry } from '@ownkey/contract/provider';
import type { ListedModel } from './model-lists.ts';

type ReadModelList = (entry: CatalogueEntry, body: Buffer) => readonly ListedModel[];

/** Reads lists of models without those in which a secret stands: some servers repeat the key they were asked with, and lists are kept. */
export function withoutRepeatedKeys(read: ReadModelList, scrub: (text: string) => string): ReadModelList {
  return (entry, body) =>
    read(entry, body).filter((model) => {
      const text = Object.values(model)
        .filter((value) => typeof value === 'string')
        .join('\n');
      return scrub(text) === text;
    });
}
