import { isScope, type Scope } from '@ownkey/contract/scopes';
import type { TFunction } from 'i18next';

/** What a scope allows, in words; a scope without words stays as it is. */
export function scopeText(scope: string, t: TFunction): string {
  if (!isScope(scope) || scope === 'host' || scope === 'operator') return scope;
  return t(`tokens.scope_${WORDS[scope]}`);
}

const WORDS = {
  'keys:read': 'keys_read',
  'keys:write': 'keys_write',
  'caps:write': 'caps_write',
  'usage:read': 'usage_read',
  'audit:read': 'audit_read',
  inference: 'inference',
  act_as_user: 'act_as_user',
  'company:admin': 'company_admin',
} as const satisfies Record<Exclude<Scope, 'host' | 'operator'>, string>;
