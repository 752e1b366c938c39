import type { PoliciesUsd } from '@ownkey/contract/api/money';
import { expect, it } from 'vitest';
import { policiesBodyOf, policiesDraft } from './policies-draft.ts';

/** What the page shows and sends; the rest stays as it is. */
const shown: Omit<PoliciesUsd, 'retention'> = {
  caps: {
    preset: { per_request_usd: '10', per_day_usd: '10', per_month_usd: '100.5' },
    max: { per_request_usd: '100', per_day_usd: null, per_month_usd: '1000' },
    required: true,
  },
  on_failure: { choice: 'stop', preset: 'platform' },
  default_max_tokens: 4096,
  min_max_tokens: 256,
  ceilings: {
    image_tokens: { default: 40_000 },
    file_tokens: null,
    hosted_tools: { web_search: '0.05' },
    service_tiers: { priority: 2.5 },
  },
  embed: { parent_origins: ['https://app.example.com'] },
};
const policies: PoliciesUsd = {
  ...shown,
  retention: { audit_days: null, usage_days: null },
};

it.each(['en', 'de'])('sends back what it was read from, as %s writes amounts', (locale) => {
  expect(policiesBodyOf(policiesDraft(policies, locale), locale).body).toEqual(shown);
});

it('names the field, and of a list the line, that cannot be read', () => {
  const draft = policiesDraft(policies, 'en');
  const { body, wrong } = policiesBodyOf(
    {
      ...draft,
      max: { ...draft.max, per_day_usd: '-5' },
      minTokens: '',
      hostedTools: 'web_search = 0.05\nfile_search 3',
      serviceTiers: 'priority = 0',
      parentOrigins: 'https://app.example.com\nhttps://app.example.com/settings',
    },
    'en',
  );
  expect(body).toBeNull();
  expect(Object.fromEntries(wrong)).toEqual({
    'max per_day_usd': 0,
    minTokens: 0,
    hostedTools: 2,
    serviceTiers: 1,
    parentOrigins: 2,
  });
});
