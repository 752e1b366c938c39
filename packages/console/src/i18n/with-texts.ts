import { getI18n } from 'react-i18next';

/** Waits for a part of the console that speaks about money, and for its texts: the first room does without them. */
export async function withMoneyTexts<T>(part: Promise<T>): Promise<T> {
  const [loaded, { moneyEn }] = await Promise.all([part, import('./money-en.ts')]);
  getI18n().addResourceBundle('en', 'texts', moneyEn);
  return loaded;
}

/** The same for the notice about money alone. */
export async function withNoticeTexts<T>(part: Promise<T>): Promise<T> {
  const [loaded, { noticeEn }] = await Promise.all([part, import('./notice-en.ts')]);
  getI18n().addResourceBundle('en', 'texts', noticeEn);
  return loaded;
}
