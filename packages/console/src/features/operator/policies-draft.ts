import type { CapField, PoliciesBody, PoliciesUsd } from '@ownkey/contract/api/money';
import { isParentOrigin } from '@ownkey/contract/policies';
import { amountInField, readAmount } from '../../format/read-amount.ts';
import { CAP_FIELDS } from '../spend/cap-fields.ts';

/** Policies as they are edited: every field as text; an empty amount is none. */
export interface PoliciesDraft {
  preset: Record<CapField, string>;
  max: Record<CapField, string>;
  required: boolean;
  failChoice: 'free' | 'stop' | 'platform';
  failPreset: 'stop' | 'platform';
  defaultTokens: string;
  minTokens: string;
  imageTokens: string;
  fileTokens: string;
  hostedTools: string;
  serviceTiers: string;
  /** One a line. */
  parentOrigins: string;
}

export function policiesDraft(policies: PoliciesUsd, locale: string): PoliciesDraft {
  const amounts = (of: PoliciesUsd['caps']['preset']): Record<CapField, string> => {
    const text = (usd: string | null) => (usd === null ? '' : amountInField(usd, locale));
    return {
      per_request_usd: text(of.per_request_usd),
      per_day_usd: text(of.per_day_usd),
      per_month_usd: text(of.per_month_usd),
    };
  };
  const { ceilings } = policies;
  return {
    preset: amounts(policies.caps.preset),
    max: amounts(policies.caps.max),
    required: policies.caps.required,
    failChoice: policies.on_failure.choice,
    failPreset: policies.on_failure.preset,
    defaultTokens: String(policies.default_max_tokens),
    minTokens: String(policies.min_max_tokens),
    imageTokens: lines(ceilings.image_tokens, String),
    fileTokens: String(ceilings.file_tokens ?? ''),
    hostedTools: lines(ceilings.hosted_tools, (usd) => amountInField(usd, locale)),
    serviceTiers: lines(ceilings.service_tiers, String),
    parentOrigins: policies.embed.parent_origins.join('\n'),
  };
}

function lines<T>(map: Readonly<Record<string, T>>, text: (value: T) => string): string {
  return Object.entries(map)
    .map(([name, value]) => `${name} = ${text(value)}`)
    .join('\n');
}

/** Fields that cannot be read; of a list, its first wrong line. */
export type Wrong = ReadonlyMap<string, number>;

/** What the API is sent, or which fields cannot be read. */
export function policiesBodyOf(draft: PoliciesDraft, locale: string): { body: PoliciesBody | null; wrong: Wrong } {
  const wrong = new Map<string, number>();
  const amounts = (which: 'preset' | 'max') => {
    const read: Partial<Record<CapField, string | null>> = {};
    for (const field of CAP_FIELDS) {
      const text = draft[which][field].trim();
      const amount = text === '' ? null : readAmount(text, locale);
      if (amount === null && text !== '') wrong.set(`${which} ${field}`, 0);
      read[field] = amount;
    }
    return read;
  };
  const count = (name: 'defaultTokens' | 'minTokens' | 'fileTokens'): number | null => {
    const read = wholeNumber(draft[name]);
    if (read === null && !(name === 'fileTokens' && draft[name].trim() === '')) wrong.set(name, 0);
    return read;
  };
  const map = <T>(name: 'imageTokens' | 'hostedTools' | 'serviceTiers', value: (text: string) => T | null) => {
    const read: Record<string, T> = {};
    draft[name].split('\n').forEach((line, index) => {
      if (line.trim() === '' || wrong.has(name)) return;
      const [key = '', text = '', ...more] = line.split('=').map((part) => part.trim());
      const found = value(text);
      if (key === '' || found === null || more.length > 0) wrong.set(name, index + 1);
      else read[key] = found;
    });
    return read;
  };
  const origins = draft.parentOrigins.split('\n').map((line) => line.trim());
  const wrongOrigin = origins.findIndex((origin) => origin !== '' && !isParentOrigin(origin));
  if (wrongOrigin >= 0) wrong.set('parentOrigins', wrongOrigin + 1);
  const default_max_tokens = count('defaultTokens');
  const min_max_tokens = count('minTokens');
  const body: PoliciesBody = {
    caps: { preset: amounts('preset'), max: amounts('max'), required: draft.required },
    on_failure: { choice: draft.failChoice, preset: draft.failPreset },
    ...(default_max_tokens === null ? {} : { default_max_tokens }),
    ...(min_max_tokens === null ? {} : { min_max_tokens }),
    ceilings: {
      image_tokens: map('imageTokens', wholeNumber),
      file_tokens: count('fileTokens'),
      hosted_tools: map('hostedTools', (text) => readAmount(text, locale)),
      service_tiers: map('serviceTiers', factor),
    },
    embed: { parent_origins: origins.filter((origin) => origin !== '') },
  };
  return { body: wrong.size > 0 ? null : body, wrong };
}

function wholeNumber(text: string): number | null {
  return /^[1-9]\d{0,8}$/.test(text.trim()) ? Number(text.trim()) : null;
}

function factor(text: string): number | null {
  const value = Number(text.replace(',', '.'));
  return text !== '' && Number.isFinite(value) && value > 0 ? value : null;
}
