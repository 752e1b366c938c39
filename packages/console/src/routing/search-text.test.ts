import { expect, it } from 'vitest';
import { titleOf } from './page-title.ts';
import { parseSearchText, searchText } from './search-text.ts';

it('keeps search values as plain text, whatever they look like', () => {
  const search = { q: '123', state: '"quoted" & {json}', tz: 'utc' };
  expect(parseSearchText(searchText(search))).toEqual(search);
  expect(searchText({ q: '123' })).toBe('?q=123');
});

it('leaves out what is empty or no text', () => {
  expect(searchText({ a: '', b: undefined, c: 7, d: null })).toBe('');
});

it('names the thing, the room and the company in the title', () => {
  expect(titleOf(['OpenAI ••••1a2b', 'Model keys', 'Acme'])).toBe('OpenAI ••••1a2b · Model keys · Acme · Ownkey');
  expect(titleOf([null, 'Audit', undefined], true)).toBe('Error: Audit · Ownkey');
});
