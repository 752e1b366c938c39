import type { KeyStatus } from '@ownkey/contract/key';
import { SHIPPED_POLICIES } from '@ownkey/contract/policies';
import { describe, expect, test } from 'vitest';
import { decideSource, type SourceInput, type SourceKey, type SourcePlan } from './decide-source.ts';

const PLAN: SourcePlan = {
  name: 'Pro',
  byok: true,
  byokProviders: null,
  personalKeys: true,
  platformModels: null,
  upgradeUrl: 'https://host.example/upgrade',
};

function key(id: string, more: Partial<SourceKey> = {}): SourceKey {
  const owner = more.owner ?? (id.startsWith('platform') ? 'platform' : id.startsWith('personal') ? 'user' : 'company');
  return {
    id,
    owner,
    userId: owner === 'user' ? 'usr_a' : null,
    enabled: true,
    position: 0,
    allowedModels: null,
    allowedUsers: null,
    zeroRetention: false,
    status: 'valid',
    ...more,
  };
}

function input(more: Partial<SourceInput<SourceKey>> = {}): SourceInput<SourceKey> {
  return {
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
    policies: SHIPPED_POLICIES,
    plan: PLAN,
    ownKeys: [],
    platformKeys: [],
    sources: [],
    ...more,
  };
}

const decide = (more: Partial<SourceInput<SourceKey>>): string => {
  const decision = decideSource(input(more));
  return decision.kind === 'none' ? decision.code : `${decision.kind} ${decision.key.id}`;
};

const own = { slug: 'acme', account: '', operation: '', source: 'own', onFailure: 'stop' } as const;
const platform = { slug: 'acme', account: '', operation: '', source: 'platform', onFailure: 'stop' } as const;
const noByok = { ...PLAN, byok: false };
const company = key('company');
const personal = key('personal');
const shared = key('platform');

describe('whose key pays', () => {
  test.each<[string, Partial<SourceInput<SourceKey>>, string]>([
    // Order
    ['nothing is connected', {}, 'key.missing'],
    ['only the platform has a key', { platformKeys: [shared] }, 'platform platform'],
    ['a company key goes before the platform', { ownKeys: [company], platformKeys: [shared] }, 'own company'],
    [
      'a personal key goes before both',
      { user: 'usr_a', ownKeys: [company, personal], platformKeys: [shared] },
      'own personal',
    ],
    [
      'a personal key of another user is not there',
      { user: 'usr_b', ownKeys: [personal], platformKeys: [shared] },
      'platform platform',
    ],
    ['a personal key needs a user', { ownKeys: [personal, company] }, 'own company'],
    [
      'an admin may forbid personal keys',
      { user: 'usr_a', personalKeysAllowed: false, ownKeys: [company, personal] },
      'own company',
    ],
    [
      'a plan may exclude personal keys',
      { user: 'usr_a', plan: { ...PLAN, personalKeys: false }, ownKeys: [company, personal] },
      'own company',
    ],
    [
      'company keys are used in order',
      { ownKeys: [key('second', { position: 2 }), key('first', { position: 1 })] },
      'own first',
    ],
    ['keys of one position are used by id', { ownKeys: [key('b'), key('a')] }, 'own a'],
    // Toggle
    [
      'the source platform keeps the own key and does not use it',
      { sources: [platform], ownKeys: [company], platformKeys: [shared] },
      'platform platform',
    ],
    [
      'the source platform covers personal keys',
      { user: 'usr_a', sources: [platform], ownKeys: [personal], platformKeys: [shared] },
      'platform platform',
    ],
    [
      'the source platform without a platform key is a refusal, not the own key',
      { sources: [platform], ownKeys: [company] },
      'key.missing',
    ],
    [
      'the source own without an own key is a refusal, not the platform',
      { sources: [own], platformKeys: [shared] },
      'key.missing',
    ],
    [
      'a source of another provider does not count',
      { sources: [{ ...platform, slug: 'other' }], ownKeys: [company], platformKeys: [shared] },
      'own company',
    ],
    [
      'a sub-account has a source of its own',
      {
        account: 'inbox-1',
        sources: [own, { ...platform, account: 'inbox-1' }],
        ownKeys: [company],
        platformKeys: [shared],
      },
      'platform platform',
    ],
    [
      'another sub-account keeps the company source',
      {
        account: 'inbox-2',
        sources: [own, { ...platform, account: 'inbox-1' }],
        ownKeys: [company],
        platformKeys: [shared],
      },
      'own company',
    ],
    [
      'a sub-account may stay on own keys',
      {
        account: 'inbox-1',
        sources: [platform, { ...own, account: 'inbox-1' }],
        ownKeys: [company],
        platformKeys: [shared],
      },
      'own company',
    ],
    // Turned off, broken
    [
      'a key that is turned off is passed over for the next own key',
      { ownKeys: [key('a', { enabled: false }), key('b')] },
      'own b',
    ],
    [
      'the last company key turned off never moves the bill to the platform',
      { ownKeys: [key('a', { enabled: false })], platformKeys: [shared] },
      'key.missing',
    ],
    [
      'a personal key turned off leaves its user with what the company has',
      { user: 'usr_a', ownKeys: [{ ...personal, enabled: false }], platformKeys: [shared] },
      'platform platform',
    ],
    [
      'an own key that does not open is an error, never the platform',
      { ownKeys: [key('a', { status: 'undecryptable' })], platformKeys: [shared] },
      'key.undecryptable',
    ],
    [
      'a personal key that does not open is an error, never the company',
      { user: 'usr_a', ownKeys: [{ ...personal, status: 'undecryptable' }, company] },
      'key.undecryptable',
    ],
    [
      'a platform key that does not open is an error',
      { platformKeys: [{ ...shared, status: 'undecryptable' }] },
      'key.undecryptable',
    ],
    ['a platform key that is turned off is not used', { platformKeys: [{ ...shared, enabled: false }] }, 'key.missing'],
    // Models
    ['a key is used for its allowed models', { ownKeys: [key('a', { allowedModels: ['m-1'] })] }, 'own a'],
    ['allowed models may name the provider', { ownKeys: [key('a', { allowedModels: ['acme/m-1'] })] }, 'own a'],
    [
      'a model that is not allowed goes to the next own key',
      { ownKeys: [key('a', { allowedModels: ['m-2'] }), key('b')] },
      'own b',
    ],
    [
      'a model that no own key allows never goes to the platform',
      { ownKeys: [key('a', { allowedModels: [] })], platformKeys: [shared] },
      'model.not_allowed',
    ],
    [
      'a platform key has allowed models too',
      { platformKeys: [{ ...shared, allowedModels: ['m-2'] }] },
      'model.not_allowed',
    ],
    ['a list of models needs no model', { model: null, ownKeys: [key('a', { allowedModels: ['m-2'] })] }, 'own a'],
    // Plan
    [
      'without BYOK an existing key is not used but the platform is',
      { plan: noByok, ownKeys: [company], platformKeys: [shared] },
      'platform platform',
    ],
    [
      'without BYOK and platform an existing key asks for an upgrade',
      { plan: noByok, ownKeys: [company] },
      'plan.upgrade_required',
    ],
    ['without BYOK, own keys and platform a key is missing', { plan: noByok }, 'key.missing'],
    [
      'BYOK for other providers is no BYOK here',
      { plan: { ...PLAN, byokProviders: ['other'] }, ownKeys: [company], platformKeys: [shared] },
      'platform platform',
    ],
    [
      'BYOK for this provider is enough',
      { plan: { ...PLAN, byokProviders: ['acme'] }, ownKeys: [company] },
      'own company',
    ],
    [
      'a plan without platform models has no platform',
      { plan: { ...PLAN, platformModels: [] }, platformKeys: [shared] },
      'key.missing',
    ],
    [
      'a plan includes platform models by name',
      { plan: { ...PLAN, platformModels: ['m-1'] }, platformKeys: [shared] },
      'platform platform',
    ],
    [
      'a plan includes all platform models of a provider',
      { plan: { ...PLAN, platformModels: ['acme/*'] }, platformKeys: [shared] },
      'platform platform',
    ],
    [
      'a platform model outside the plan is refused',
      { plan: { ...PLAN, platformModels: ['acme/m-2'] }, platformKeys: [shared] },
      'plan.model_not_included',
    ],
    [
      'the platform models of a plan do not bind own keys',
      { plan: { ...PLAN, platformModels: [] }, ownKeys: [company] },
      'own company',
    ],
    // Consent
    [
      'AI turned off comes before everything',
      { aiEnabled: false, ownKeys: [company], platformKeys: [shared] },
      'ai.consent_off',
    ],
  ])('%s', (_, more, due) => {
    expect(decide(more)).toBe(due);
  });

  test.each<KeyStatus>(['pending', 'valid', 'limited', 'no_credit', 'rate_limited', 'invalid', 'unreachable'])(
    'an own key of status %s is tried and never silently replaced by the platform',
    (status) => {
      expect(decide({ ownKeys: [key('a', { status })], platformKeys: [shared] })).toBe('own a');
    },
  );

  test('an own key that a rule keeps out never leads to another payer, whatever the rest is', () => {
    const statuses: KeyStatus[] = ['valid', 'invalid', 'undecryptable'];
    for (const status of statuses)
      for (const enabled of [true, false])
        for (const allowedModels of [null, ['m-2']])
          for (const sources of [[], [own]])
            for (const user of [null, 'usr_a']) {
              const decision = decideSource(
                input({
                  user,
                  sources,
                  ownKeys: [key('a', { status, enabled, allowedModels })],
                  platformKeys: [shared],
                }),
              );
              expect(decision.kind, JSON.stringify({ status, enabled, allowedModels, user })).not.toBe('platform');
            }
  });

  test('a refusal by plan names the plan and where to upgrade', () => {
    expect(decideSource(input({ plan: noByok, ownKeys: [company] }))).toMatchObject({
      facts: { provider: 'Acme', plan: 'Pro', upgrade_url: 'https://host.example/upgrade' },
    });
  });
});
