import type { Wire } from '@ownkey/contract/provider';
import type { FieldSupport, Rule } from '../support.ts';

/** Short forms for the tables. */
export const mapped = (note?: string): Rule => (note === undefined ? { kind: 'mapped' } : { kind: 'mapped', note });
export const omitted = (note: string): Rule => ({ kind: 'omitted', note });
export const refused = (note: string): Rule => ({ kind: 'refused', note });

/** The same rule for both other wires. */
export function both(first: Wire, second: Wire, rule: Rule, harmless?: (value: unknown) => boolean): FieldSupport {
  return harmless ? { to: { [first]: rule, [second]: rule }, harmless } : { to: { [first]: rule, [second]: rule } };
}

export const isFalse = (value: unknown): boolean => value === false;
export const isZero = (value: unknown): boolean => value === 0;
export const isOne = (value: unknown): boolean => value === 1;
export const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;
/** Whether the value is one of these texts. */
export const isOneOf =
  (...texts: string[]) =>
  (value: unknown): boolean =>
    typeof value === 'string' && texts.includes(value);
