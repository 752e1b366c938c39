import { describe, expect, it } from 'vitest';
import { hasScope, SCOPES } from './scopes.ts';

describe('scopes', () => {
  it('lets company:admin do everything but the host and operator parts', () => {
    const allowed = SCOPES.filter((scope) => hasScope(['company:admin'], scope));
    expect(allowed).toEqual(SCOPES.filter((scope) => scope !== 'host' && scope !== 'operator'));
  });

  it('gives nothing beyond what was granted', () => {
    for (const granted of SCOPES.filter((scope) => scope !== 'company:admin')) {
      expect(SCOPES.filter((scope) => hasScope([granted], scope))).toEqual([granted]);
    }
  });
});
