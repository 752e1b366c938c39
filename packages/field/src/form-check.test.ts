import type { FieldProvider } from '@ownkey/contract/field';
import { expect, it } from 'vitest';
import { checkForm } from './form-check.ts';

const acme: FieldProvider = {
  id: 'acme',
  name: 'Acme AI',
  host: 'api.acme.example',
  key: { prefixes: ['sk-acme-'], min_length: 30 },
};
const other: FieldProvider = { ...acme, id: 'other', name: 'Other', key: { prefixes: ['oth_'], min_length: 10 } };
const all = [acme, other];
const KEY = 'sk-acme-0123456789abcdefghijklmnop';

it.each([
  ['', 'empty', null],
  [KEY, 'ok', null],
  [`"${KEY}"\n`, 'ok', null],
  ['something-else-0123456789abcdefghij', 'unknown', null],
  ['oth_0123456789', 'other_provider', 'other'],
  ['sk-acme-0123', 'cut_off', null],
  ['sk-acme-ключ', 'bad_character', null],
  ['oky_live_0123456789', 'ownkey_token', null],
  ['x'.repeat(10_000), 'too_long', null],
  ['  \n', 'empty', null],
])('tells the page no more than the outcome: %#', (text, outcome, provider) => {
  const { form, sentence } = checkForm(text, acme, all);
  expect(form.state === 'wrong' ? form.problem : form.state).toBe(outcome);
  expect(form.state === 'wrong' ? form.provider : null).toBe(provider);
  expect(Object.keys(form).sort()).toEqual(form.state === 'wrong' ? ['problem', 'provider', 'state'] : ['state']);
  for (let at = 0; at + 6 <= text.trim().length; at++) {
    const part = text.trim().slice(at, at + 6);
    expect(JSON.stringify(form)).not.toContain(part);
    expect(sentence).not.toContain(part);
  }
});

it('says the length to the reader alone', () => {
  const { form, sentence } = checkForm('sk-acme-0123', acme, all);
  expect(sentence).toContain('12 characters');
  expect(JSON.stringify(form)).not.toContain('12');
});

it('knows no form where no provider is expected', () => {
  expect(checkForm('oth_0123456789', null, all).form).toEqual({ state: 'unknown' });
});
