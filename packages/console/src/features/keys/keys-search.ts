import type { SearchValues } from '../../paths.ts';

export const KEY_STATES = ['all', 'attention', 'connected', 'available', 'gated'] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** Search values of the room. Junk is dropped without an error. */
export interface KeysSearch {
  state: KeyState;
  q: string;
  scope: 'company' | 'personal';
}

export function parseKeysSearch(raw: Readonly<Record<string, unknown>>): KeysSearch {
  return {
    state: KEY_STATES.find((state) => state === raw.state) ?? 'all',
    q: typeof raw.q === 'string' ? raw.q.slice(0, 200) : '',
    scope: raw.scope === 'personal' ? 'personal' : 'company',
  };
}

/** Back to the address; defaults are left out. */
export function keysSearchValues(search: KeysSearch): SearchValues {
  return {
    state: search.state === 'all' ? undefined : search.state,
    q: search.q === '' ? undefined : search.q,
    scope: search.scope === 'company' ? undefined : search.scope,
  };
}
