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

/** The same for the room Members. */
export async function withMembersTexts<T>(part: Promise<T>): Promise<T> {
  const [loaded, { membersEn }] = await Promise.all([part, import('./members-en.ts')]);
  getI18n().addResourceBundle('en', 'texts', membersEn);
  return loaded;
}

/** The same for the room Analytics. */
export async function withAnalyticsTexts<T>(part: Promise<T>): Promise<T> {
  const [loaded, { analyticsEn }] = await Promise.all([part, import('./analytics-en.ts')]);
  getI18n().addResourceBundle('en', 'texts', analyticsEn);
  return loaded;
}

/** The same for the room Models, whose dialog speaks as those about money do. */
export async function withModelsTexts<T>(part: Promise<T>): Promise<T> {
  const [loaded, { modelsEn }] = await Promise.all([part, import('./models-en.ts')]);
  getI18n().addResourceBundle('en', 'texts', modelsEn);
  return withMoneyTexts(Promise.resolve(loaded));
}

/** The same for any other room: `texts` come with it. */
export async function withTexts<T>(part: Promise<T>, texts: Promise<object>): Promise<T> {
  const [loaded, bundle] = await Promise.all([part, texts]);
  getI18n().addResourceBundle('en', 'texts', bundle);
  return loaded;
}

/** The same for the room Tokens, whose dialog asks as those about money do. */
export async function withTokensTexts<T>(part: Promise<T>): Promise<T> {
  const [loaded, { tokensEn }] = await Promise.all([part, import('./tokens-en.ts')]);
  getI18n().addResourceBundle('en', 'texts', tokensEn);
  return withMoneyTexts(Promise.resolve(loaded));
}

/** The same for the operator's rooms, which speak about money too. */
export async function withOperatorTexts<T>(part: Promise<T>): Promise<T> {
  const [loaded, { operatorEn }] = await Promise.all([part, import('./operator-en.ts')]);
  getI18n().addResourceBundle('en', 'texts', operatorEn);
  return loaded;
}
