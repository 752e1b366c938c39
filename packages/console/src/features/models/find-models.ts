import type { Model } from '@ownkey/contract/api/providers';
import type { ModelsSearch } from './models-search.ts';

/** Most rows on one page; beyond it the search is to be narrowed. */
export const ROWS_MAX = 500;

/** The models that match, in the order asked for. Models without the figure that is sorted by come last. */
export function findModels(
  models: readonly Model[],
  search: ModelsSearch,
  nameOf: (provider: string) => string,
): Model[] {
  const words = (search.q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const found = models.filter((model) => {
    if (search.provider !== undefined && model.provider !== search.provider) return false;
    if (search.payer !== undefined && model.key_source !== search.payer) return false;
    if (search.chat !== undefined && !model.chat) return false;
    const text = `${model.id} ${nameOf(model.provider)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const byName = (a: Model, b: Model) => a.name.localeCompare(b.name) || a.provider.localeCompare(b.provider);
  const orders: Record<NonNullable<ModelsSearch['sort']>, (a: Model, b: Model) => number> = {
    name: () => 0,
    provider: (a, b) => nameOf(a.provider).localeCompare(nameOf(b.provider)),
    price: (a, b) => ascending(priceOf(a), priceOf(b)),
    context: (a, b) => ascending(negative(a.context_tokens), negative(b.context_tokens)),
  };
  const order = orders[search.sort ?? 'name'];
  return found.sort((a, b) => order(a, b) || byName(a, b));
}

function priceOf({ input_usd_per_mtok: input, output_usd_per_mtok: output }: Model): number {
  return input === null || output === null ? Number.POSITIVE_INFINITY : Number(input) + Number(output);
}

function negative(count: number | null): number {
  return count === null ? Number.POSITIVE_INFINITY : -count;
}

function ascending(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
