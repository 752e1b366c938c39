import { SCOPES, type Scope } from '@ownkey/contract/scopes';
import type { TokenBody } from '../../api/tokens.ts';

/** What a company's token may be allowed; an installation's scopes are not its to give. */
const COMPANY_SCOPES = SCOPES.filter((scope) => scope !== 'host' && scope !== 'operator');
const ADMINS_ONLY: readonly Scope[] = ['act_as_user', 'company:admin'];

export const PURPOSES = ['inference', 'read', 'everything', 'choose'] as const;
export type Purpose = (typeof PURPOSES)[number];
export const EXPIRIES = ['30', '90', '365', 'never'] as const;
export type Expiry = (typeof EXPIRIES)[number];

export interface TokenDraft {
  name: string;
  purpose: Purpose;
  /** Of the purpose `choose`. */
  scopes: readonly Scope[];
  personal: boolean;
  expiry: Expiry;
  perMinute: string;
  concurrent: string;
}

export const EMPTY_TOKEN: TokenDraft = {
  name: '',
  purpose: 'inference',
  scopes: [],
  personal: false,
  expiry: '90',
  perMinute: '',
  concurrent: '',
};

/** What the signed-in person can give a token. */
export function grantableScopes(admin: boolean): Scope[] {
  return COMPANY_SCOPES.filter((scope) => admin || !ADMINS_ONLY.includes(scope));
}

export function scopesOf({ purpose, scopes }: TokenDraft, admin: boolean): Scope[] {
  if (purpose === 'inference') return ['inference'];
  if (purpose === 'read') return ['usage:read', 'audit:read'];
  if (purpose === 'everything') return admin ? ['company:admin'] : grantableScopes(false);
  return grantableScopes(admin).filter((scope) => scopes.includes(scope));
}

export const LIMIT_MAX = { perMinute: 1_000_000, concurrent: 100_000 } as const;
export type WrongField = 'name' | 'scopes' | keyof typeof LIMIT_MAX;

/** The body to send, or null with the fields that are wrong. */
export function tokenBodyOf(
  draft: TokenDraft,
  admin: boolean,
  now: number,
): { body: TokenBody | null; wrong: ReadonlySet<WrongField> } {
  const wrong = new Set<WrongField>();
  const name = draft.name.trim();
  if (name === '') wrong.add('name');
  const scopes = scopesOf(draft, admin);
  if (scopes.length === 0) wrong.add('scopes');
  const limit = (field: keyof typeof LIMIT_MAX): number | null => {
    const text = draft[field].trim();
    if (text === '') return null;
    const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
    if (count < 1 || count > LIMIT_MAX[field]) wrong.add(field);
    return count;
  };
  const body: TokenBody = {
    name,
    scopes,
    personal: draft.personal || !admin,
    expires_at: draft.expiry === 'never' ? null : new Date(now + Number(draft.expiry) * 86_400_000).toISOString(),
    requests_per_minute: limit('perMinute'),
    concurrent_requests: limit('concurrent'),
  };
  return { body: wrong.size === 0 ? body : null, wrong };
}
