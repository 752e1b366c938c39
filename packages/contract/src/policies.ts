import type { OnFailure } from './fallback.ts';

/** `installation.settings.policies` (jsonb): what the operator fixes for every company. Both planes read it. */
export interface Policies {
  caps: {
    /** In force while a company set nothing; null = none. Nano-USD. */
    preset: CapAmounts;
    /** The most a company may set; null = no bound. Bind only set values. */
    max: CapAmounts;
    /** A company may not go without a cap: clearing one brings the preset back. */
    required: boolean;
  };
  /** What happens when an own key fails: whether companies choose it themselves, and what counts where nobody chose. */
  on_failure: { choice: 'free' | OnFailure; preset: OnFailure };
  /** The limit of the answer, in tokens, that is sent under a cap where neither caller nor anybody knows the model's maximum. */
  default_max_tokens: number;
  /** Under a cap the limit of an answer may be lowered to what is left, never below this many tokens. */
  min_max_tokens: number;
  /** What one of these may cost at most, in input tokens, where a cap applies; a kind that is not here is refused. */
  ceilings: {
    /** By catalogue id; `default` for the rest. */
    image_tokens: Readonly<Record<string, number>>;
    /** One document, audio or video; null = refused under a cap. */
    file_tokens: number | null;
    /** Hosted tools by type (`web_search`): nano-USD one request may spend on it. */
    hosted_tools: Readonly<Record<string, number>>;
    /** Service tiers by name: how many times the standard price they cost at most. */
    service_tiers: Readonly<Record<string, number>>;
  };
  retention: Retention;
  embed: {
    /** Origins whose pages may stand around frames of this installation, beside the console's own. */
    parent_origins: readonly string[];
  };
}

/** Days things are kept; null = for ever. */
export interface Retention {
  /** The record and its calls, of the installation and of companies that set nothing themselves. */
  audit_days: number | null;
  /** Sums of usage, of every company. */
  usage_days: number | null;
}

export interface CapAmounts {
  request: number | null;
  day: number | null;
  month: number | null;
}

const USD = 1_000_000_000;

/**
 * As shipped. Images: above the most tokens one image costs by the providers' own rules, for the dearest of their models: 2,833 and
 * 5,667 for each of 8 tiles (https://platform.openai.com/docs/guides/images-vision).
 */
export const SHIPPED_POLICIES: Policies = {
  caps: {
    preset: { request: 10 * USD, day: 10 * USD, month: 100 * USD },
    max: { request: 100 * USD, day: 100 * USD, month: 1000 * USD },
    required: false,
  },
  on_failure: { choice: 'free', preset: 'platform' },
  default_max_tokens: 4_096,
  min_max_tokens: 256,
  ceilings: {
    image_tokens: { default: 50_000 },
    file_tokens: null,
    hosted_tools: {},
    service_tiers: {},
  },
  retention: { audit_days: null, usage_days: null },
  embed: { parent_origins: [] },
};

/** What is stored, with everything absent or of the wrong type as shipped. */
export function readPolicies(settings: Readonly<Record<string, unknown>>): Policies {
  const stored = objectOf(settings.policies);
  const caps = objectOf(stored.caps);
  const ceilings = objectOf(stored.ceilings);
  const onFailure = objectOf(stored.on_failure);
  const retention = objectOf(stored.retention);
  const shipped = SHIPPED_POLICIES;
  return {
    caps: {
      preset: amountsOf(caps.preset, shipped.caps.preset),
      max: amountsOf(caps.max, shipped.caps.max),
      required: typeof caps.required === 'boolean' ? caps.required : shipped.caps.required,
    },
    on_failure: {
      choice: oneOf(onFailure.choice, ['free', 'stop', 'platform']) ?? shipped.on_failure.choice,
      preset: oneOf(onFailure.preset, ['stop', 'platform']) ?? shipped.on_failure.preset,
    },
    default_max_tokens: countOf(stored.default_max_tokens) ?? shipped.default_max_tokens,
    min_max_tokens: countOf(stored.min_max_tokens) ?? shipped.min_max_tokens,
    ceilings: {
      image_tokens: { ...shipped.ceilings.image_tokens, ...countsOf(ceilings.image_tokens) },
      file_tokens: countOf(ceilings.file_tokens),
      hosted_tools: countsOf(ceilings.hosted_tools),
      service_tiers: countsOf(ceilings.service_tiers),
    },
    retention: { audit_days: countOf(retention.audit_days), usage_days: countOf(retention.usage_days) },
    embed: { parent_origins: originsOf(objectOf(stored.embed).parent_origins) },
  };
}

/** How many parents there may be: all of them stand in one header. */
export const PARENT_ORIGINS_MAX = 50;

/**
 * Whether `text` names one origin exactly as a browser writes it, of a page that browsers let encrypt: https, or this very machine.
 * No wildcard, path or closing slash, and of the many characters a URL's host may have only those of names and addresses: it is
 * written into headers and pages.
 */
export function isParentOrigin(text: string): boolean {
  if (text.length > 262 || !URL.canParse(text)) return false;
  const { origin, protocol, hostname } = new URL(text);
  const local = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
  return (
    origin === text && /^[a-z0-9_.:[\]-]+$/.test(hostname) && (protocol === 'https:' || (protocol === 'http:' && local))
  );
}

function originsOf(value: unknown): string[] {
  const stored = Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  return stored.filter(isParentOrigin).slice(0, PARENT_ORIGINS_MAX);
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function oneOf<const Value extends string>(value: unknown, allowed: readonly Value[]): Value | null {
  return allowed.find((item) => item === value) ?? null;
}

function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

function countsOf(value: unknown): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, item] of Object.entries(objectOf(value))) {
    const count = countOf(item);
    if (count !== null) counts[name] = count;
  }
  return counts;
}

/** null = none; absent or unreadable = as shipped. */
function amountsOf(value: unknown, shipped: CapAmounts): CapAmounts {
  const stored = objectOf(value);
  const one = (name: keyof CapAmounts): number | null =>
    stored[name] === null ? null : (countOf(stored[name]) ?? shipped[name]);
  return { request: one('request'), day: one('day'), month: one('month') };
}
