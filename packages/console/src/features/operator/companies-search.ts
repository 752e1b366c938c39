import type { SearchValues } from '../../paths.ts';

export const COMPANY_STATES = ['fallback', 'paused', 'key_failing', 'ai_off'] as const;

/** Search values of the room Companies. Junk is dropped without an error. */
export interface CompaniesSearch {
  q?: string;
  plan?: string;
  state?: (typeof COMPANY_STATES)[number];
}

export function parseCompaniesSearch(raw: Readonly<Record<string, unknown>>): CompaniesSearch {
  const q = typeof raw.q === 'string' ? raw.q.slice(0, 200) : '';
  const plan = typeof raw.plan === 'string' && /^[a-z0-9][a-z0-9_-]{0,62}$/.test(raw.plan) ? raw.plan : undefined;
  const state = COMPANY_STATES.find((known) => known === raw.state);
  return {
    ...(q === '' ? {} : { q }),
    ...(plan === undefined ? {} : { plan }),
    ...(state === undefined ? {} : { state }),
  };
}

export function companiesSearchValues({ q, plan, state }: CompaniesSearch): SearchValues {
  return { q, plan, state };
}
