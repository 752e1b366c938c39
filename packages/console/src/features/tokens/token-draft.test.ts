import { describe, expect, it } from 'vitest';
import { snippetsFor } from './snippets.ts';
import { EMPTY_TOKEN, grantableScopes, scopesOf, tokenBodyOf } from './token-draft.ts';

const NOW = Date.parse('2026-05-10T12:00:00Z');

describe('a new token', () => {
  it('calls AI alone and ends in 90 days, unless something else is chosen', () => {
    const { body } = tokenBodyOf({ ...EMPTY_TOKEN, name: ' Deploy ' }, true, NOW);
    expect(body).toEqual({
      name: 'Deploy',
      scopes: ['inference'],
      personal: false,
      expires_at: '2026-08-08T12:00:00.000Z',
      requests_per_minute: null,
      concurrent_requests: null,
    });
    expect(tokenBodyOf({ ...EMPTY_TOKEN, name: 'x', expiry: 'never' }, true, NOW).body?.expires_at).toBeNull();
  });

  it('of a member is personal and never holds what admins alone may do', () => {
    const draft = { ...EMPTY_TOKEN, name: 'x', purpose: 'everything', personal: false } as const;
    expect(tokenBodyOf(draft, false, NOW).body).toMatchObject({ personal: true, scopes: grantableScopes(false) });
    expect(grantableScopes(false)).not.toContain('company:admin');
    expect(scopesOf({ ...draft, purpose: 'choose', scopes: ['company:admin', 'inference'] }, false)).toEqual([
      'inference',
    ]);
  });

  it('names every field that is wrong', () => {
    const draft = { ...EMPTY_TOKEN, purpose: 'choose', perMinute: '0', concurrent: '1.5' } as const;
    const { body, wrong } = tokenBodyOf(draft, true, NOW);
    expect([body, [...wrong].sort()]).toEqual([null, ['concurrent', 'name', 'perMinute', 'scopes']]);
    const limits = { ...EMPTY_TOKEN, name: 'x', perMinute: '1000000', concurrent: ' 5 ' };
    expect(tokenBodyOf(limits, true, NOW).body).toMatchObject({
      requests_per_minute: 1_000_000,
      concurrent_requests: 5,
    });
  });
});

it('shows a first call that the token may make', () => {
  const places = { gateway: 'https://ai.example', console: 'https://keys.example' };
  expect(snippetsFor(['company:admin'], places)?.curl).toContain('https://ai.example/v1/chat/completions');
  expect(snippetsFor(['usage:read'], places)?.python).toContain('https://keys.example/api/usage');
  expect(snippetsFor(['caps:write'], places)).toBeNull();
});
