import { expect, it } from 'vitest';
import { placeOf } from './field-place.ts';

const known = { company: 'co_1', user: null, provider: 'custom', destination: 'https://Lab.example:8443/v1?x' };

it('binds a custom endpoint to its origin alone, and a provider of the catalogue to itself', () => {
  expect(placeOf(known)?.destination).toBe('https://lab.example:8443');
  expect(placeOf({ ...known, destination: 'catalogue:acme' })?.destination).toBe('catalogue:acme');
});

it.each(['', 'lab', 'https://', 'javascript:alert(1)', 'file:///etc/hosts'])(
  'knows no place for the address %j',
  (destination) => {
    expect(placeOf({ ...known, destination })).toBeNull();
  },
);

it('knows no place without a company', () => expect(placeOf({ ...known, company: null })).toBeNull());
