import { describe, expect, test } from 'vitest';
import {
  decideSource,
  findSource,
  type SourceDecision,
  type SourceInput,
  type SourceKey,
  type SourceRow,
} from './decide-source.ts';

const base: SourceKey = {
  id: 'own',
  owner: 'company',
  userId: null,
  enabled: true,
  position: 0,
  allowedModels: null,
  allowedUsers: null,
  zeroRetention: false,
  status: 'valid',
};
const shared: SourceKey = { ...base, id: 'shared', owner: 'platform' };
const row: SourceRow = { slug: 'acme', account: '', operation: '', source: 'own', onFailure: 'platform' };

function decide(more: Partial<SourceInput<SourceKey>>): SourceDecision<SourceKey> {
  return decideSource({
    slug: 'acme',
    provider: 'acme',
    providerName: 'Acme',
    model: 'm-1',
    aiEnabled: true,
    user: null,
    personalKeysAllowed: true,
    account: null,
    operation: null,
    zeroRetention: false,
    policies: { on_failure: { choice: 'free', preset: 'platform' } },
    plan: {
      name: 'Pro',
      byok: true,
      byokProviders: null,
      personalKeys: true,
      platformModels: null,
      upgradeUrl: null,
    },
    ownKeys: [base],
    platformKeys: [shared],
    sources: [],
    ...more,
  });
}

const fallbackOf = (decision: SourceDecision<SourceKey>): string => {
  if (decision.kind !== 'own') return `not own: ${decision.kind}`;
  return decision.fallback.kind === 'platform' ? decision.fallback.key.id : decision.fallback.because;
};

/** Every value a condition of the fallback can have, and what the rules say of it, most binding first. */
const SPACE = {
  endpoint: ['catalogue', 'custom'],
  choice: ['free', 'stop', 'platform'],
  preset: ['stop', 'platform'],
  set: ['nothing', 'stop', 'platform'],
  zeroRetention: [false, true],
  sharedKey: ['plain', 'promises', 'off', 'other model', 'undecryptable', 'none'],
  planModels: ['all', 'this', 'none'],
} as const;
type Case = { [Name in keyof typeof SPACE]: (typeof SPACE)[Name][number] };

function* cases(): Generator<Case> {
  for (const endpoint of SPACE.endpoint)
    for (const choice of SPACE.choice)
      for (const preset of SPACE.preset)
        for (const set of SPACE.set)
          for (const zeroRetention of SPACE.zeroRetention)
            for (const sharedKey of SPACE.sharedKey)
              for (const planModels of SPACE.planModels)
                yield { endpoint, choice, preset, set, zeroRetention, sharedKey, planModels };
}

function expected({ endpoint, choice, preset, set, zeroRetention, sharedKey, planModels }: Case): string {
  if (endpoint === 'custom') return 'custom_endpoint';
  const wanted = choice !== 'free' ? choice : set !== 'nothing' ? set : preset;
  if (wanted === 'stop') return choice === 'stop' ? 'host' : 'chosen';
  const usable = planModels !== 'none' && (sharedKey === 'plain' || sharedKey === 'promises');
  if (!usable) return 'no_shared_key';
  return zeroRetention && sharedKey === 'plain' ? 'zero_retention' : 'shared';
}

function inputOf({ endpoint, choice, preset, set, zeroRetention, sharedKey, planModels }: Case) {
  const key: SourceKey = {
    ...shared,
    enabled: sharedKey !== 'off',
    zeroRetention: sharedKey === 'promises',
    allowedModels: sharedKey === 'other model' ? ['m-2'] : null,
    status: sharedKey === 'undecryptable' ? 'undecryptable' : 'valid',
  };
  return {
    provider: endpoint === 'custom' ? 'custom' : 'acme',
    policies: { on_failure: { choice, preset } },
    sources: set === 'nothing' ? [] : [{ ...row, onFailure: set }],
    zeroRetention,
    platformKeys: sharedKey === 'none' ? [] : [key],
    plan: {
      name: 'Pro',
      byok: true,
      byokProviders: null,
      personalKeys: true,
      platformModels: planModels === 'all' ? null : planModels === 'this' ? ['acme/m-1'] : [],
      upgradeUrl: null,
    },
  };
}

describe('what follows when the own key fails', () => {
  test('every combination of endpoint, host policy, preset, choice, zero retention, shared key and plan', () => {
    let count = 0;
    for (const one of cases()) {
      count++;
      expect([one, fallbackOf(decide(inputOf(one)))]).toEqual([one, expected(one)]);
    }
    expect(count).toBe(2 * 3 * 2 * 3 * 2 * 6 * 3);
  });

  test('of several shared keys the one that promises to keep nothing follows under zero retention', () => {
    const promises = { ...shared, id: 'promises', position: 1, zeroRetention: true };
    const platformKeys = [shared, promises];
    expect(fallbackOf(decide({ platformKeys }))).toBe('shared');
    expect(fallbackOf(decide({ platformKeys, zeroRetention: true }))).toBe('promises');
  });

  test('a personal key is followed by the shared key, never by the key of the company', () => {
    const personal: SourceKey = { ...base, id: 'personal', owner: 'user', userId: 'usr_a' };
    const decision = decide({ user: 'usr_a', ownKeys: [base, personal] });
    expect(decision).toMatchObject({ kind: 'own', key: { id: 'personal' }, fallback: { key: { id: 'shared' } } });
  });
});

describe('users of a company key', () => {
  const limited = { ...base, id: 'limited', allowedUsers: ['usr_a'] };

  test.each<[string, Partial<SourceInput<SourceKey>>, string]>([
    ['a user on the list uses it', { user: 'usr_a', ownKeys: [limited] }, 'own limited'],
    [
      'a user who is not uses the next company key',
      { user: 'usr_b', ownKeys: [limited, { ...base, position: 1 }] },
      'own own',
    ],
    [
      'a user who is not, without another, is refused and nobody else pays',
      { user: 'usr_b', ownKeys: [limited] },
      'key.missing',
    ],
    ['a call without a user is not on any list', { user: null, ownKeys: [limited] }, 'key.missing'],
    ['nobody is on an empty list', { user: 'usr_a', ownKeys: [{ ...base, allowedUsers: [] }] }, 'key.missing'],
  ])('%s', (_name, more, wanted) => {
    const decision = decide(more);
    expect(decision.kind === 'none' ? decision.code : `${decision.kind} ${decision.key.id}`).toBe(wanted);
  });
});

describe('which row of the source table counts', () => {
  const rowOf = (account: string, operation: string): SourceRow => ({ ...row, account, operation });
  const all = [rowOf('', ''), rowOf('inbox', ''), rowOf('', 'draft'), rowOf('inbox', 'draft')];

  test('the operation in its sub-account, then the operation, then the sub-account, then the company', () => {
    let sources = all;
    const order: (string | null)[] = [];
    for (;;) {
      const found = findSource({ slug: 'acme', account: 'inbox', operation: 'draft', sources });
      order.push(found && `${found.account}/${found.operation}`);
      if (found === null) break;
      sources = sources.filter((item) => item !== found);
    }
    expect(order).toEqual(['inbox/draft', '/draft', 'inbox/', '/', null]);
  });

  test('an operation that is moved to the shared key leaves every other on the own one', () => {
    const sources: SourceRow[] = [row, { ...row, operation: 'draft', source: 'platform' }];
    expect(decide({ sources, operation: 'draft' })).toMatchObject({ kind: 'platform' });
    expect(decide({ sources, operation: 'digest' })).toMatchObject({ kind: 'own' });
    expect(decide({ sources })).toMatchObject({ kind: 'own' });
  });

  test('rows of other providers, sub-accounts and operations never count', () => {
    const sources = [{ ...row, slug: 'other' }, rowOf('inbox-2', ''), rowOf('', 'other'), rowOf('inbox-2', 'draft')];
    expect(findSource({ slug: 'acme', account: 'inbox', operation: 'draft', sources })).toBeNull();
  });
});
