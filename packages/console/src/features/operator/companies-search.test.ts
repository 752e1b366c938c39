import { expect, it } from 'vitest';
import { COMPANY_STATES, companiesSearchValues, parseCompaniesSearch } from './companies-search.ts';

it('reads what it writes', () => {
  for (const state of COMPANY_STATES) {
    const search = { q: 'Acme & co', plan: 'pro', state };
    expect(parseCompaniesSearch(companiesSearchValues(search))).toEqual(search);
  }
});

it('drops junk, and what is empty', () => {
  expect(parseCompaniesSearch({ q: '', plan: '../x', state: 'rich', other: 1 })).toEqual({});
  expect(parseCompaniesSearch({ q: 'a'.repeat(300) }).q).toHaveLength(200);
});
