import type { Plan } from '@ownkey/contract/api/operator';
import { expect, it } from 'vitest';
import { planBodyOf, planDraft } from './plan-draft.ts';

const plan: Plan = {
  id: 'pro',
  name: 'Pro',
  byok: true,
  byok_providers: ['one', 'two'],
  personal_keys: false,
  platform_models: ['one/m'],
  credits_usd: '12.5',
  requests_per_minute: 60,
  concurrent_requests: null,
  upgrade_url: 'https://example.com/up',
  position: 1,
  companies: 3,
};

it('sends back what it was read from', () => {
  const { id: _id, position: _position, companies: _companies, ...body } = plan;
  expect(planBodyOf(planDraft(plan, 'de'), 'de').body).toEqual(body);
  const bare = { ...plan, byok_providers: null, platform_models: [], credits_usd: null, upgrade_url: null };
  expect(planBodyOf(planDraft(bare, 'en'), 'en').body).toMatchObject({
    byok_providers: null,
    platform_models: [],
    credits_usd: null,
    upgrade_url: null,
  });
});

it('never opens own keys to every provider where a plan allows none', () => {
  expect(planBodyOf(planDraft({ ...plan, byok_providers: [] }, 'en'), 'en').body?.byok).toBe(false);
});

it('names the fields that cannot be read, and sends nothing', () => {
  const draft = { ...planDraft(plan, 'en'), id: 'Pro!', name: ' ', credits: '-1', perMinute: '0', atOnce: '1.5' };
  const { body, wrong } = planBodyOf({ ...draft, upgradeUrl: 'javascript:alert(1)' }, 'en');
  expect(body).toBeNull();
  expect([...wrong].sort()).toEqual(['atOnce', 'credits', 'id', 'name', 'perMinute', 'upgradeUrl']);
});
