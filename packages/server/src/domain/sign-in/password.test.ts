import { expect, test } from 'vitest';
import { hashPassword, isPassword } from './password.ts';

test('a password opens its own hash and no other, and two hashes of it differ', async () => {
  const [one, two] = [await hashPassword('correct horse'), await hashPassword('correct horse')];
  expect(one).not.toBe(two);
  expect(one).not.toContain('correct');
  expect(await isPassword('correct horse', one)).toBe(true);
  expect(await isPassword('correct horsE', one)).toBe(false);
  expect(await isPassword('', one)).toBe(false);
});

test('nobody signs in without a hash, or with one of a scheme that is not known', async () => {
  for (const stored of [null, '', 'none', 'plain$correct horse', 'scrypt$1$1$1']) {
    expect(await isPassword('correct horse', stored)).toBe(false);
  }
});

test('letters that look the same and are composed differently are the same password', async () => {
  expect(await isPassword('cafe\u0301', await hashPassword('caf\u00e9'))).toBe(true);
});
