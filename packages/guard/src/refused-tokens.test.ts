import { OwnkeyError } from '@ownkey/contract/errors';
import { expect, test } from 'vitest';
import { RefusedTokens } from './refused-tokens.ts';

const wrong = new OwnkeyError('auth.invalid');
const codeOf = (error: unknown): unknown => (error instanceof OwnkeyError ? error.code : null);

test('the wrong token after the limit waits, until the minute is over, at its own address alone', () => {
  let now = 1_000_000;
  const refused = new RefusedTokens({ max: 3, now: () => now });
  for (let i = 0; i < 3; i++) expect(refused.answer(wrong, '203.0.113.9')).toBe(wrong);
  now += 15_000;
  const answer = refused.answer(wrong, '203.0.113.9');
  expect(answer).toMatchObject({ code: 'auth.too_many_failures', status: 429, facts: { seconds: 45 } });
  expect(refused.answer(wrong, '203.0.113.10')).toBe(wrong);
  now += 45_000;
  expect(refused.answer(wrong, '203.0.113.9')).toBe(wrong);
});

test('other errors are neither counted nor changed', () => {
  const refused = new RefusedTokens({ max: 1 });
  const scope = new OwnkeyError('auth.scope');
  for (let i = 0; i < 5; i++) expect(refused.answer(scope, '203.0.113.9')).toBe(scope);
  expect(refused.answer(wrong, '203.0.113.9')).toBe(wrong);
});

test('a million addresses fill no memory', () => {
  const refused = new RefusedTokens({ addressesMax: 100 });
  for (let i = 0; i < 5_000; i++) refused.answer(wrong, `10.0.${i >> 8}.${i & 255}`);
  expect(refused.size).toBe(100);
});

test('the addresses of one IPv6 client count together', () => {
  const refused = new RefusedTokens({ max: 1 });
  refused.answer(wrong, '2001:db8::1');
  expect(codeOf(refused.answer(wrong, '2001:db8::2'))).toBe('auth.too_many_failures');
});
