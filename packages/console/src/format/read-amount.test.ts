import { describe, expect, it } from 'vitest';
import { amountInField, readAmount } from './read-amount.ts';

describe('an amount that is typed', () => {
  it.each([
    ['10', '10'],
    ['10.00', '10'],
    ['10,5', '10.5'],
    ['0,005', '0.005'],
    ['.5', '0.5'],
    [' $1,234.50 ', '1234.5'],
    ['1.234,50', '1234.5'],
    ['1 234,50 $', '1234.5'],
    ['1’234.50 USD', '1234.5'],
    ['1,234,567', '1234567'],
    ['1.234.567', '1234567'],
    ['007', '7'],
    ['0', '0'],
    ['0.0000000019', '0.000000001'],
  ])('%j is %s, whatever sign parts it', (text, usd) => {
    expect(readAmount(text, 'en')).toBe(usd);
  });

  it.each([
    ['en', '12,345', '12345'],
    ['en', '12.345', '12.345'],
    ['de', '12.345', '12345'],
    ['de', '12,345', '12.345'],
    ['fr', '12,345', '12.345'],
  ])('in %s %j is %s: as the locale writes thousands', (locale, text, usd) => {
    expect(readAmount(text, locale)).toBe(usd);
  });

  it.each(['', ' ', '-1', 'NaN', 'ten', '1e3', '1,2,3', '1,23,456', '12,34.5.6', '1.2.', '$', '1234567890123', '10 5'])(
    '%j is none',
    (text) => {
      expect(readAmount(text, 'en')).toBeNull();
    },
  );
});

it.each(['en', 'de', 'fr', 'de-CH'])('what %s shows in a field is read as the same amount', (locale) => {
  for (const usd of ['10', '1234.5', '0.005', '12.345', '0.000000001', '1000000']) {
    expect(readAmount(amountInField(usd, locale), locale)).toBe(usd);
  }
});
