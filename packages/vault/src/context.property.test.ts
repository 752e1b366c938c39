import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeContext, encodeContext, parseSealedKey, type SealContext, SealFormatError } from './context.ts';

const name = fc
  .string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
  .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text));
const context: fc.Arbitrary<SealContext> = fc.record({
  company: name,
  user: fc.option(name),
  provider: fc.stringMatching(/^[a-z0-9]{1,20}$/),
  key_id: fc.stringMatching(/^key_[0-9a-z]{8,30}$/),
  version: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  destination: fc.constantFrom('catalogue:acme', 'https://llm.example.org:8443', 'http://[::1]:8000'),
  nonce: fc.stringMatching(/^[A-Za-z0-9_-]{16,64}$/),
  exp: fc.integer({ min: 1, max: 4_000_000_000 }),
});

describe('for any input', () => {
  it('a context survives encoding, and two that differ never encode alike', () => {
    fc.assert(
      fc.property(context, context, (a, b) => {
        expect(decodeContext(encodeContext(a))).toEqual(a);
        const isSame = JSON.stringify(encodeContext(a)) === JSON.stringify(encodeContext(b));
        expect(isSame).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 300 },
    );
  });

  it('reading ends in a value or in SealFormatError, whatever comes', () => {
    const frame = fc.json().map((json) => Buffer.from(json).toString('base64url'));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), frame), (text) => {
        expect(() => parseSealedKey(text)).toThrow(SealFormatError);
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.json().map((json) => new TextEncoder().encode(json)),
        ),
        (bytes) => {
          expect(() => decodeContext(bytes)).toThrow(SealFormatError);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
