import { describe, expect, test } from 'vitest';
import { isTokenForm, newToken, tokenPrefix } from './token-form.ts';

describe('a token', () => {
  test('has its kind, 32 random characters and a checksum, and is never made twice', () => {
    const made = Array.from({ length: 200 }, () => newToken('co'));
    for (const token of made) {
      expect(token).toMatch(/^oky_co_[0-9A-Za-z]{38}$/);
      expect(isTokenForm(token)).toBe(true);
    }
    expect(new Set(made).size).toBe(200);
  });

  test('with any one character changed is none', () => {
    const token = newToken('host');
    for (let at = 0; at < token.length; at++) {
      for (const other of ['A', 'b', '7', '_']) {
        const changed = token.slice(0, at) + other + token.slice(at + 1);
        expect([changed, isTokenForm(changed)]).toEqual([changed, changed === token]);
      }
    }
  });

  test.each([
    '',
    'oky_',
    'oky_co_',
    `oky_co_${'x'.repeat(38)}`,
    `oky_co_${'x'.repeat(32)}`,
    `${newToken('co')} `,
    ` ${newToken('co')}`,
    newToken('co').toUpperCase(),
  ])('%j is none', (text) => {
    expect(isTokenForm(text)).toBe(false);
  });

  test('has the checksum other programs compute for it: CRC-32 in base 62', () => {
    // crc32('oky_co_' + '0' * 32) = 0xd4938ff8 by zlib
    expect(isTokenForm(`oky_co_${'0'.repeat(32)}3tMQ4u`)).toBe(true);
  });

  test('is recognised by a beginning that gives four characters of its secret away', () => {
    const token = newToken('usr');
    expect(tokenPrefix(token)).toBe(token.slice(0, 'oky_usr_'.length + 4));
  });
});
