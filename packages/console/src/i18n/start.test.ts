import { expect, it } from 'vitest';
import { analyticsEn } from './analytics-en.ts';
import { companiesEn } from './companies-en.ts';
import { en } from './en.ts';
import { healthEn } from './health-en.ts';
import { masterKeyEn } from './master-key-en.ts';
import { membersEn } from './members-en.ts';
import { modelsEn } from './models-en.ts';
import { operatorEn } from './operator-en.ts';
import { sharedKeysEn } from './shared-keys-en.ts';
import { createTexts, nameHost, pickLocale } from './start.ts';
import { tokensEn } from './tokens-en.ts';

it('keeps the region of a language it speaks and falls back to English', () => {
  expect(pickLocale(['de-DE', 'en-GB', 'en'])).toBe('en-GB');
  expect(pickLocale(['pt-BR'])).toBe('en');
  expect(pickLocale(['en-US@posix', 'en-CA'])).toBe('en-CA');
  expect(pickLocale([])).toBe('en');
});

const ALL = {
  ...en,
  ...analyticsEn,
  ...operatorEn,
  ...membersEn,
  ...modelsEn,
  ...tokensEn,
  ...sharedKeysEn,
  ...healthEn,
  ...masterKeyEn,
  ...companiesEn,
};

it('leaves no text empty and no place in a text unfilled by name', () => {
  for (const [area, texts] of Object.entries(ALL)) {
    for (const [name, text] of Object.entries(texts)) {
      expect(text, `${area}.${name}`).not.toBe('');
      expect(text.replaceAll(/\{\{\w+\}\}/g, ''), `${area}.${name}`).not.toMatch(/\{\{|\}\}/);
    }
  }
});

it('says nothing in the words of the trade that pages avoid', () => {
  for (const [area, texts] of Object.entries(ALL)) {
    for (const [name, text] of Object.entries(texts)) {
      expect(text, `${area}.${name}`).not.toMatch(/BYOK|platform key|\bprobe\b|envelope|tenant/i);
    }
  }
});

it('fills facts in without changing them', () => {
  const { t } = createTexts('en');
  expect(t('act.tested', { name: '<b>"x" & y</b>', status: 'Valid' })).toBe('<b>"x" & y</b>: Valid.');
});

it('calls the host by its name where the installation gives one', () => {
  const texts = createTexts('en');
  const sentence = () => texts.t('connect.gated_platform', { company: 'Acme' });
  expect(sentence()).toBe("Today Acme runs on the product's shared key.");
  nameHost(texts, 'Skylark');
  expect(sentence()).toBe("Today Acme runs on Skylark's shared key.");
  nameHost(texts, null);
  expect(sentence()).toBe("Today Acme runs on the product's shared key.");
});

it('has every area of texts once: those loaded later replace none', () => {
  expect(
    Object.keys({
      ...analyticsEn,
      ...operatorEn,
      ...membersEn,
      ...modelsEn,
      ...tokensEn,
      ...sharedKeysEn,
      ...healthEn,
      ...masterKeyEn,
      ...companiesEn,
    }).filter((area) => area in en),
  ).toEqual([]);
});
