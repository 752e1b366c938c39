import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressFamily, classifyAddress } from './address.ts';
import { checkBaseUrl } from './base-url.ts';
import { PUBLIC_ONLY } from './egress-policy.ts';

const ipv4 = fc.ipV4();
/** URL-like texts from pieces that guards have been tricked with. */
const pieces = fc.constantFrom(
  'https://',
  'http://',
  'HTTPS://',
  '//',
  '/',
  '\\',
  '@',
  ':',
  '#',
  '?',
  '.',
  '%2f',
  '%00',
  '[',
  ']',
  '::1',
  '127.0.0.1',
  '0x7f',

  '1',
  '443',
  ':443',
  'localhost',
  'example.com',
  'a',
  '。',
  '１',
  '\u00ad',
  '\t',
  '\n',
  ' ',
  'xn--',
  '-',
  '_',
  '..',
  '169.254.169.254',
);
const hostile = fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join(''));

describe('for any text', () => {
  it('what is accepted means the same host to every parser, and a host that may be called', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          hostile,
          hostile.map((text) => `https://${text}`),
          fc.webUrl(),
          fc.string(),
        ),
        (text) => {
          const result = checkBaseUrl(text, PUBLIC_ONLY);
          if (!result.ok) return;
          const { url } = result;
          const host = url.host.includes(':') ? `[${url.host}]` : url.host;
          expect(text.toLowerCase().startsWith(`https://${host}`)).toBe(true);
          expect('/:'.includes(text.charAt(`https://${host}`.length))).toBe(true);
          expect(new URL(url.href).host).toBe(new URL(text).host);
          expect(new URL(url.href).origin).toBe(url.origin);
          expect(addressFamily(url.host) === 0 ? url.host.includes('.') : classifyAddress(url.host) === 'public').toBe(
            true,
          );
          expect(checkBaseUrl(url.href, PUBLIC_ONLY)).toEqual(result);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('an IPv4 address is accepted only in its own spelling and only where it is public', () => {
    fc.assert(
      fc.property(ipv4, (address) => {
        const number = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
        const isPublic = classifyAddress(address) === 'public';
        expect(checkBaseUrl(`https://${address}/v1`, PUBLIC_ONLY).ok).toBe(isPublic);
        for (const spelling of [
          String(number),
          `0x${number.toString(16)}`,
          `0${number.toString(8)}`,
          `[::ffff:${address}]`,
          `${address}.`,
        ]) {
          expect(checkBaseUrl(`https://${spelling}/v1`, PUBLIC_ONLY).ok).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });
});
