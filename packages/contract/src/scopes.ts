/** What a token may do. `company:admin` implies every scope but `host` and `operator`. */
export const SCOPES = [
  'keys:read',
  'keys:write',
  'caps:write',
  'usage:read',
  'audit:read',
  'inference',
  'act_as_user',
  'company:admin',
  'host',
  'operator',
] as const;

export type Scope = (typeof SCOPES)[number];

/** Whether `granted` covers `needed`. */
export function hasScope(granted: readonly string[], needed: Scope): boolean {
  if (granted.includes(needed)) return true;
  return needed !== 'host' && needed !== 'operator' && granted.includes('company:admin');
}

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}
