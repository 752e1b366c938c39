import { expect, it } from 'vitest';
import { isFromParent, readParents } from './parents.ts';

const OWN = 'https://gateway.example.com';
const parent = { is: 'the page around' };
const listed = readParents('https://keys.example.com https://app.example.com');

it('is heard when it is the page around and listed', () => {
  for (const origin of listed) expect(isFromParent({ origin, source: parent }, parent, listed, OWN)).toBe(true);
});

it.each([
  ['another window of a listed page', 'https://app.example.com', { is: 'a window' }],
  ['an unlisted page around', 'https://evil.example', parent],
  ['a page without an origin', 'null', parent],
  ['an origin that begins like a listed one', 'https://app.example.com.evil.example', parent],
  ['the same host without encryption', 'http://app.example.com', parent],
])('%s is not', (_, origin, source) => {
  expect(isFromParent({ origin, source }, parent, listed, OWN)).toBe(false);
  expect(isFromParent({ origin: 'null', source: parent }, parent, ['null'], OWN)).toBe(false);
});

it('nobody is heard while the worker has written nobody in', () => {
  expect(readParents('%PARENTS%')).toEqual([]);
  expect(readParents(null)).toEqual([]);
});

it('a page of the same origin is not, even where it is listed: nothing would keep it out', () => {
  expect(isFromParent({ origin: OWN, source: parent }, parent, [...listed, OWN], OWN)).toBe(false);
});
