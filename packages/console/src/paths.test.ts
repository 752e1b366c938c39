import { describe, expect, it } from 'vitest';
import { OPERATOR, PATTERNS, paths } from './paths.ts';

describe('paths', () => {
  it('are these, all of them', () => {
    const sample = Object.fromEntries(
      Object.entries(paths).map(([name, build]) => [name, (build as (...ids: string[]) => string)(...sampleIds(name))]),
    );
    expect(sample).toEqual({
      home: '/',
      signIn: '/sign-in',
      setUp: '/set-up',
      reset: '/reset',
      invitation: '/invitation',
      company: '/c/co_1',
      keys: '/c/co_1/keys',
      connect: '/c/co_1/keys/connect',
      connectProvider: '/c/co_1/keys/connect/x2',
      key: '/c/co_1/keys/x2',
      replaceKey: '/c/co_1/keys/x2/replace',
      removeKey: '/c/co_1/keys/x2/remove',
      models: '/c/co_1/models',
      spend: '/c/co_1/spend',
      spendCaps: '/c/co_1/spend/caps',
      spendPrices: '/c/co_1/spend/prices',
      spendAlerts: '/c/co_1/spend/alerts',
      analytics: '/c/co_1/analytics',
      audit: '/c/co_1/audit',
      auditEntry: '/c/co_1/audit/x2',
      notices: '/c/co_1/notices',
      tokens: '/c/co_1/tokens',
      newToken: '/c/co_1/tokens/new',
      members: '/c/co_1/settings/members',
      operator: '/operator',
      operatorCompanies: '/operator/companies',
      operatorCompany: '/operator/companies/x2',
      operatorKeys: '/operator/keys',
      operatorPlans: '/operator/plans',
      operatorPlan: '/operator/plans/x2',
      operatorPolicies: '/operator/policies',
      operatorPrices: '/operator/prices',
      operatorHealth: '/operator/health',
      operatorMasterKey: '/operator/master-key',
    });
  });

  it('fill the patterns the router knows', () => {
    for (const [name, pattern] of Object.entries(PATTERNS)) {
      const filled = pattern.replace('$co', 'co_1').replace(/\$\w+/, 'x2');
      const build = paths[name as keyof typeof paths] as (...ids: string[]) => string;
      expect(build(...sampleIds(name))).toBe(filled);
    }
  });

  it('lead the same way among the shared keys of the operator', () => {
    expect(paths.keys(OPERATOR, { q: 'a' })).toBe('/operator/keys?q=a');
    expect(paths.connectProvider(OPERATOR, 'x2')).toBe('/operator/keys/connect/x2');
    expect(paths.removeKey(OPERATOR, 'x2')).toBe('/operator/keys/x2/remove');
  });

  it('cannot be led elsewhere by an id', () => {
    expect(paths.key('co/../..', 'a/b?c#d')).toBe('/c/co%2F..%2F../keys/a%2Fb%3Fc%23d');
  });

  it('leave out search values that are not set', () => {
    expect(paths.keys('co_1', { state: undefined, q: '' })).toBe('/c/co_1/keys');
    expect(paths.keys('co_1', { state: 'attention', q: 'a b' })).toBe('/c/co_1/keys?state=attention&q=a+b');
  });
});

/** Search parameters come last and stay unset, so only as many ids are given as the pattern has. */
function sampleIds(name: string): string[] {
  const pattern = PATTERNS[name as keyof typeof PATTERNS];
  return (pattern.match(/\$\w+/g) ?? []).map((place) => (place === '$co' ? 'co_1' : 'x2'));
}
