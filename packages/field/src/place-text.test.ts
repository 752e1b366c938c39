import type { FieldProvider } from '@ownkey/contract/field';
import { expect, it } from 'vitest';
import { isSamePlace, placeText } from './place-text.ts';

const acme: FieldProvider = {
  id: 'acme',
  name: 'Acme AI',
  host: 'api.acme.example',
  key: { prefixes: [], min_length: 8 },
};
const place = { company: 'co_1', user: null, provider: 'acme', destination: 'catalogue:acme' };

it('names the company and the host by the worker, whatever the page calls them', () => {
  expect(placeText(place, 'Leads Ltd', [acme])).toEqual({
    sentence: 'Sealed for Leads Ltd; sent only to api.acme.example.',
    known: true,
  });
  expect(placeText({ ...place, user: 'usr_1' }, 'Leads Ltd', [acme]).sentence).toContain('one person of Leads Ltd');
  expect(placeText({ ...place, company: 'platform' }, null, [acme]).sentence).toContain('all companies share');
});

it('names the literal address of a custom endpoint', () => {
  const custom = { ...place, provider: 'custom', destination: 'https://lab.example:8443' };
  expect(placeText(custom, 'Leads Ltd', [acme]).sentence).toContain('lab.example:8443');
});

it.each([
  ['no place', null, 'Leads Ltd'],
  ['a company the worker does not know', place, null],
  ["a provider's name with another address", { ...place, destination: 'https://evil.example' }, 'Leads Ltd'],
  ["a provider's name with another provider's destination", { ...place, destination: 'catalogue:other' }, 'Leads Ltd'],
  ['a provider the worker does not know', { ...place, provider: 'x', destination: 'catalogue:x' }, 'Leads Ltd'],
])('lets nothing be pasted for %s', (_, given, company) => {
  expect(placeText(given, company, [acme]).known).toBe(false);
});

it('another company, provider or destination is another place; another person of the company is not', () => {
  expect(isSamePlace(place, { ...place, user: 'usr_1' })).toBe(true);
  for (const change of [{ company: 'co_2' }, { provider: 'x' }, { destination: 'https://x.example' }])
    expect(isSamePlace(place, { ...place, ...change })).toBe(false);
  expect(isSamePlace(place, null)).toBe(false);
});
