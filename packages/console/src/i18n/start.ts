import { createInstance, type i18n } from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { analyticsEn } from './analytics-en.ts';
import type { companiesEn } from './companies-en.ts';
import { en } from './en.ts';
import type { healthEn } from './health-en.ts';
import type { masterKeyEn } from './master-key-en.ts';
import type { membersEn } from './members-en.ts';
import type { modelsEn } from './models-en.ts';
import type { operatorEn } from './operator-en.ts';
import type { sharedKeysEn } from './shared-keys-en.ts';
import type { tokensEn } from './tokens-en.ts';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'texts';
    resources: {
      texts: typeof en &
        typeof analyticsEn &
        typeof operatorEn &
        typeof membersEn &
        typeof modelsEn &
        typeof tokensEn &
        typeof sharedKeysEn &
        typeof healthEn &
        typeof masterKeyEn &
        typeof companiesEn;
    };
  }
}

/** Languages the console speaks; the browser's first that is among them is used. */
export const LANGUAGES = ['en'] as const;

/** Locale for numbers and dates: the reader's own region where its language is the one shown. */
export function pickLocale(preferred: readonly string[]): string {
  for (const locale of preferred) {
    const language = locale.split('-')[0];
    if (LANGUAGES.some((known) => known === language) && isLocale(locale)) return locale;
  }
  return 'en';
}

/** Browsers also name locales of the system that `Intl` refuses, such as "en-US@posix". */
function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/** Texts in one locale. Text nodes alone show them, so nothing is escaped here. */
export function createTexts(locale: string): i18n {
  const texts = createInstance();
  void texts.use(initReactI18next).init({
    lng: locale,
    fallbackLng: 'en',
    defaultNS: 'texts',
    resources: { en: { texts: structuredClone(en) } },
    interpolation: { escapeValue: false },
    initAsync: false,
  });
  return texts;
}

/** What texts call the product that Ownkey is part of, from now on; null: "the product". What is shown already keeps its words. */
export function nameHost(texts: i18n, name: string | null): void {
  texts.addResource('en', 'texts', 'word.host', name ?? en.word.host);
}

/** Starts the texts of the page in the reader's language. */
export function startTexts(): i18n {
  const locale = pickLocale(navigator.languages);
  const texts = createTexts(locale);
  document.documentElement.lang = locale;
  return texts;
}
