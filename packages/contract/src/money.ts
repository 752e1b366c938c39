/** Nano-USD: 1 USD = 1,000,000,000. Money is always an integer. */
export type NanoUsd = bigint;
export const NANO_PER_USD: NanoUsd = 1_000_000_000n;
