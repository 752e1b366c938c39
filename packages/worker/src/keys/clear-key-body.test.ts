import { OwnkeyError } from '@ownkey/contract/errors';
import { expect, test } from 'vitest';
import { liftClearKey } from './clear-key-body.ts';

const lift = (text: string) => liftClearKey(Buffer.from(text));

test.each<[string, string, string]>([
  ['plain', '{"provider":"p","key":"sk-abc","save":false}', 'sk-abc'],
  ['first, with blanks', ' { "key" : "sk-abc" , "provider":"p","save":false } ', 'sk-abc'],
  ['escaped', String.raw`{"provider":"p","key":"a\"b\\c\/d\u0041\n","save":false}`, 'a"b\\c/dA\n'],
  ['under an escaped name', String.raw`{"provider":"p","\u006bey":"sk-abc","save":false}`, 'sk-abc'],
  [
    'beside others that look like it',
    '{"provider":"p","x":{"key":"no"},"y":["key",":"],"key":"sk-abc","save":false}',
    'sk-abc',
  ],
])('the key is lifted out: %s', (_, text, clearKey) => {
  const lifted = lift(text);
  expect(lifted.clearKey?.toString()).toBe(clearKey);
  expect(lifted.rest.has('key')).toBe(false);
  expect(lifted.rest.get('provider')).toBe(text.includes('"p"') ? 'p' : undefined);
});

test('a body without a key has none', () => {
  expect(lift('{"provider":"custom"}').clearKey).toBeNull();
});

test('letters beyond ASCII become a byte that no key has', () => {
  expect(lift(String.raw`{"key":"ab\u00e9"}`).clearKey?.at(-1)).toBe(0x80);
});

test.each([
  ['not JSON', '{"key":"sk-abc"', 'request.invalid_json'],
  ['a list', '["key","sk-abc"]', 'request.invalid_json'],
  ['an endless text', '{"key":"sk-abc', 'request.invalid_json'],
  ['two keys', '{"key":"a","key":"b"}', 'request.duplicate_key'],
  ['a key that is no text', '{"key":17}', 'request.invalid'],
  ['nothing', '', 'request.invalid_json'],
])('%s is refused, and the body is erased all the same', (_, text, code) => {
  const body = Buffer.from(text);
  try {
    liftClearKey(body);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(OwnkeyError);
    expect(error).toMatchObject({ code });
  }
  expect(body.every((byte) => byte === 0)).toBe(true);
});
