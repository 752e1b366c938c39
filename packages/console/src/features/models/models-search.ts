import type { SearchValues } from '../../paths.ts';

export const SORTS = ['name', 'provider', 'price', 'context'] as const;
const CHOICES = { sort: SORTS, payer: ['own', 'platform'], chat: ['yes'], add: ['yes'] } as const;
const LENGTHS = { q: 200, provider: 64, of: 128 } as const;

/** Search values of the room; what equals its default is not there. */
export interface ModelsSearch {
  q?: string | undefined;
  provider?: string | undefined;
  payer?: 'own' | 'platform' | undefined;
  /** Only models for chats. */
  chat?: 'yes' | undefined;
  sort?: (typeof SORTS)[number] | undefined;
  /** The dialog: the operation whose model is chosen, as the API names it. */
  of?: string | undefined;
  /** The dialog for an operation that is not in the list yet. */
  add?: 'yes' | undefined;
}

/** Reads the address; junk and defaults are dropped without an error. */
export function parseModelsSearch(raw: Readonly<Record<string, unknown>>): ModelsSearch {
  const search: Record<string, string> = {};
  for (const [name, values] of Object.entries(CHOICES)) {
    const found = values.find((value: string) => value === raw[name]);
    if (found !== undefined && found !== 'name') search[name] = found;
  }
  for (const [name, length] of Object.entries(LENGTHS)) {
    const value = raw[name];
    if (typeof value === 'string' && value !== '') search[name] = value.slice(0, length);
  }
  return search;
}

export function modelsSearchValues(search: ModelsSearch): SearchValues {
  return { ...parseModelsSearch({ ...search }) };
}

/** The list alone, without the dialog over it. */
export function listOnly({ of: _of, add: _add, ...list }: ModelsSearch): ModelsSearch {
  return list;
}

export function isNarrowed({ q, provider, payer, chat }: ModelsSearch): boolean {
  return q !== undefined || provider !== undefined || payer !== undefined || chat !== undefined;
}
