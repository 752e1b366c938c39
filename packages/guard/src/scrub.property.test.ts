import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createScrubber } from './scrub.ts';

const piece = fc.constantFrom(
  'sk-',
  'sk-ant-',
  'AIza',
  'oky_',
  'Bearer ',
  'authorization',
  'api_key',
  ':',
  '=',
  '"',
  "'",
  '\\',
  ',',
  '[',
  ']',
  '{',
  '}',
  '://',
  '@',
  'u:',
  '?key=',
  '&',
  ' ',
  '\n',
  '%20',
  'A',
  'a1B2c3D4e5F6g7H8',
  'redacted',
  'X_KEY',
  '…',
);
const text = fc.array(piece, { maxLength: 30 }).map((parts) => parts.join(''));

describe('for any text', () => {
  it('scrubbing twice hides no more than scrubbing once does', () => {
    const { scrubText } = createScrubber();
    const length = (value: string) => value.replaceAll(/\[[^\]]*redacted\]/g, '').length;
    fc.assert(
      fc.property(text, (value) => {
        const once = scrubText(value);
        expect(length(scrubText(once))).toBeLessThanOrEqual(length(once));
      }),
      { numRuns: 1000 },
    );
  });

  it('a watched key is found between any two pieces, and everything else stays', () => {
    const key = fc
      .tuple(fc.integer(), fc.integer({ min: 12, max: 43 }))
      .map(([n, length]) => createHash('sha256').update(String(n)).digest('base64').slice(0, length));
    fc.assert(
      fc.property(
        key,
        fc.constantFrom('', ' ', 'x', '%20', '"', '/'),
        fc.constantFrom('', ' ', '.', '"', '&a'),
        (secret, before, after) => {
          const scrubber = createScrubber();
          scrubber.watch(new TextEncoder().encode(secret));
          expect(scrubber.scrubText(`a ${before}${secret}${after} z`)).toBe(`a ${before}[redacted]${after} z`);
          expect(scrubber.scrubText('nothing to hide')).toBe('nothing to hide');
        },
      ),
      { numRuns: 300 },
    );
  });
});
