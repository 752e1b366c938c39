import { describe, expect, it } from 'vitest';
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';
import { decodeContext, encodeContext, type SealContext } from './context.ts';

const context: SealContext = {
  company: 'co_01',
  user: null,
  provider: 'acme',
  key_id: 'key_0123456789',
  version: 1,
  destination: 'catalogue:acme',
  nonce: 'AAECAwQFBgcICQoLDA0ODw',
  exp: 1_800_000_000,
};

describe('context', () => {
  it('encodes with fields in fixed order whatever order they come in', () => {
    const shuffled = Object.fromEntries(Object.entries(context).toReversed()) as unknown as SealContext;
    expect(Buffer.from(encodeContext(shuffled)).equals(Buffer.from(encodeContext(context)))).toBe(true);
  });

  it('reads what others wrote in another order and with white space', () => {
    const json = JSON.stringify(Object.fromEntries(Object.entries(context).toReversed()), null, 2);
    expect(decodeContext(new TextEncoder().encode(json))).toEqual(context);
  });

  const bad: [string, Record<string, unknown>][] = [
    ['company', { company: '' }],
    ['company', { company: 'a\nb' }],
    ['company', { company: 'x'.repeat(201) }],
    ['user', { user: '' }],
    ['user', { user: 7 }],
    ['provider', { provider: 'a/b' }],
    ['key_id', { key_id: 'tok_0123456789' }],
    ['version', { version: 0 }],
    ['version', { version: 1.5 }],
    ['version', { version: '1' }],
    ['version', { version: 2 ** 31 }],
    ['destination', { destination: 'catalogue:' }],
    ['destination', { destination: 'https://host/path' }],
    ['destination', { destination: 'https://user@host' }],
    ['destination', { destination: 'ftp://host' }],
    ['nonce', { nonce: 'short' }],
    ['exp', { exp: -1 }],
    ['exp', { exp: null }],
  ];
  it.each(bad)('is refused, naming the field, with a bad %s: %j', (field, over) => {
    const wrong = { ...context, ...over } as unknown as SealContext;
    const fault = expect.objectContaining({ name: 'SealFormatError', field });
    expect(() => encodeContext(wrong)).toThrow(fault);
    expect(() => decodeContext(new TextEncoder().encode(JSON.stringify(wrong)))).toThrow(fault);
  });

  it.each(['company', 'user', 'exp'])('is refused without %s', (field) => {
    const { [field]: _left, ...rest } = { ...context } as Record<string, unknown>;
    expect(() => decodeContext(new TextEncoder().encode(JSON.stringify(rest)))).toThrow(
      expect.objectContaining({ field }),
    );
  });

  it('is refused with a repeated field, an unknown field, broken UTF-8, or too many bytes', () => {
    const json = JSON.stringify(context);
    const texts = [
      `{"company":"co_02",${json.slice(1)}`,
      `{"x":1,${json.slice(1)}`,
      json.replace('}', `${' '.repeat(2048)}}`),
    ];
    for (const text of texts) expect(() => decodeContext(new TextEncoder().encode(text))).toThrow('sealed key');
    const broken = new TextEncoder().encode(json);
    broken[12] = 0xff;
    expect(() => decodeContext(broken)).toThrow('not JSON');
  });
});

describe('base64url', () => {
  it('agrees with the platform for every length and byte', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + length * 11) % 256);
      const text = encodeBase64Url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64url'));
      expect(decodeBase64Url(text)).toEqual(bytes);
    }
  });

  it.each(['A', 'AB==', 'A+/A', 'AB', 'AAB', 'é', 'AAA\n'])('refuses %j, which is no canonical form', (text) => {
    expect(decodeBase64Url(text)).toBeNull();
  });
});
