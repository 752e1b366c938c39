import { assert, bigInt, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatUsd, parseUsd } from './money.ts';

describe('money', () => {
  it.each([
    ['1.5', 1_500_000_000n],
    ['0', 0n],
    ['0.0000000019', 1n],
    ['.5', null],
    ['1.', 1_000_000_000n],
    ['-1', null],
    ['1e3', null],
    ['NaN', null],
    ['', null],
    ['1,5', null],
    [' 2 ', 2_000_000_000n],
    ['9999999999999', null],
  ])('reads %s as %s, rounding down and refusing what is not an amount', (text, amount) => {
    expect(parseUsd(text)).toBe(amount);
  });

  it.each([
    [0.1, 100_000_000n],
    [10, 10_000_000_000n],
    [1e-9, 1n],
    [1e-10, 0n],
    [-0.01, null],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, null],
    [1e12, null],
  ])('reads the JSON number %d as %s', (value, amount) => {
    expect(parseUsd(value)).toBe(amount);
  });

  it('writes every amount so that reading it gives the same amount', () => {
    assert(
      property(bigInt({ min: 0n, max: 10n ** 20n }), (amount) => {
        expect(parseUsd(formatUsd(amount))).toBe(amount);
      }),
    );
  });

  it('writes a negative difference with its sign and no trailing zeros', () => {
    expect(formatUsd(-1_500_000_000n)).toBe('-1.5');
    expect(formatUsd(42n)).toBe('0.000000042');
  });
});
