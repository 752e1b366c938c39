import { randomBytes } from 'node:crypto';
import type { SandboxEntry } from './catalogue.ts';

/** What a sandbox key does; it is written inside the key. */
export const OUTCOMES = [
  'valid',
  'invalid',
  'rate_limited',
  'no_credit',
  'restricted',
  'slow',
  'outage',
  'cut',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Example keys of one simulated provider, and a model to try them with. */
export interface ProviderKeys {
  keys: Record<Outcome, string>;
  model: string;
  /** Where a gateway reaches it: value of OWNKEY_PROVIDER_<ID>_BASE_URL, or the base URL of a custom endpoint. */
  base_url: string;
}

/** What `GET /_keys` answers: `providers` as it stands in dev.json, and what a company may add as a custom endpoint. */
export interface SandboxKeys {
  providers: Record<string, ProviderKeys>;
  custom: Record<string, ProviderKeys>;
}

/** What each outcome does, for the sandbox's page. */
export const OUTCOME_TEXT: Readonly<Record<Outcome, string>> = {
  valid: 'Works.',
  invalid: 'Refused everywhere, in the provider’s own words.',
  rate_limited: 'Lists models; every generation is refused with 429.',
  no_credit: 'Lists models; every generation is refused for want of credit.',
  restricted: 'Generates; the model list is refused for a missing permission.',
  slow: 'Generates, but the first byte comes late (3 s).',
  outage: 'Everything fails as if the provider were down.',
  cut: 'Generates, but the connection breaks in the middle of the answer.',
};

const RANDOM_MIN = 24;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function isOutcome(value: unknown): value is Outcome {
  return OUTCOMES.some((outcome) => outcome === value);
}

/** A fresh key of the provider's look: prefix, outcome, random text up to the provider's usual length (at least 24). */
export function makeKey(key: SandboxEntry['key'], outcome: Outcome): string {
  const start = `${key.prefixes[0] ?? key.shared_prefixes?.[0] ?? ''}${outcome}-`;
  const length = Math.max(RANDOM_MIN, key.usual_length - start.length);
  let random = '';
  while (random.length < length) {
    // 62 symbols out of 256 values: values from 248 on are dropped so that all symbols are equally likely.
    for (const byte of randomBytes(length)) {
      if (byte < 248 && random.length < length) random += ALPHABET[byte % ALPHABET.length] ?? '';
    }
  }
  return start + random;
}

/** One fresh key of each outcome. */
export function makeKeys(key: SandboxEntry['key']): Record<Outcome, string> {
  const make = (outcome: Outcome): string => makeKey(key, outcome);
  return {
    valid: make('valid'),
    invalid: make('invalid'),
    rate_limited: make('rate_limited'),
    no_credit: make('no_credit'),
    restricted: make('restricted'),
    slow: make('slow'),
    outage: make('outage'),
    cut: make('cut'),
  };
}

/** Reads the outcome out of a key of the documented form; null for any other text. */
export function outcomeOf(key: SandboxEntry['key'], presented: string): Outcome | null {
  for (const prefix of [...key.prefixes, ...(key.shared_prefixes ?? []), '']) {
    if (!presented.startsWith(prefix)) continue;
    if (prefix === '' && key.prefixes.length + (key.shared_prefixes?.length ?? 0) > 0) continue;
    const rest = presented.slice(prefix.length);
    const outcome = OUTCOMES.find((name) => rest.startsWith(`${name}-`));
    if (outcome && /^[A-Za-z0-9_-]{24,400}$/.test(rest.slice(outcome.length + 1))) return outcome;
  }
  return null;
}

/** Last four characters for the record of calls; null for keys too short to show any. */
export function lastFourOf(presented: string): string | null {
  return presented.length < 16 ? null : presented.slice(-4);
}

/** The key as providers show it in their error messages: a few characters at both ends. */
export function maskKey(presented: string): string {
  if (presented.length < 16) return '****';
  return `${presented.slice(0, 8)}${'*'.repeat(Math.min(40, presented.length - 12))}${presented.slice(-4)}`;
}
