const DECIMAL = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/;
const NANO_DIGITS = 9;

/**
 * USD as a number of nano-USD, through the decimal text of the number: 0.15 is 150000000 and never 149999999. What is finer than a
 * nano-USD is rounded up. @throws Error for anything that is not a finite number of 0 or more, or too large to be exact
 */
export function nanoOf(usd: number): number {
  const match = DECIMAL.exec(String(usd));
  if (match === null) throw new Error(`no price: ${usd}`);
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction);
  const shift = NANO_DIGITS - fraction.length + Number(exponent);
  const nano = shift >= 0 ? digits * 10n ** BigInt(shift) : divideUp(digits, 10n ** BigInt(-shift));
  if (nano > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error(`no price: ${usd}`);
  return Number(nano);
}

function divideUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}
