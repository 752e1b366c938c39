import { z } from 'zod';
import { FALLBACK_REASONS } from '../fallback.ts';
import { TAG_PATTERN } from '../headers.ts';
import { SLUG_PATTERN } from '../key.ts';
import { listOf, time, usd } from './common.ts';

const onFailure = z.enum(['stop', 'platform']);
const barred = z.enum(['host', 'zero_retention', 'custom_endpoint', 'no_shared_key']);

/** What really follows a failing own key: what is chosen, within what the host, zero retention and the keys there are allow. */
export const fallbackState = z.object({
  follows: onFailure,
  because: z
    .enum(['chosen', ...barred.options])
    .nullable()
    .describe('Why calls stop; null: the shared key follows'),
  choice: z.enum(['free', 'stop', 'platform']).describe("The host's word: whether the company chooses"),
  barred: barred.nullable().describe('Why the shared key could not follow whatever is chosen; null: it could'),
});
export type FallbackState = z.infer<typeof fallbackState>;

export const sourceState = z.object({
  source: z.enum(['own', 'platform']),
  on_failure: onFailure.describe("What is chosen, else the host's preset"),
  fallback: fallbackState,
  set: z.boolean().describe('false: nobody chose; own keys are used where there are any'),
  etag: z.string(),
  changed_at: time.nullable(),
  changed_by: z.string().nullable(),
});

/** One provider, or one custom endpoint of the company, and how things stand with it here. */
export const provider = z.object({
  id: z.string().describe('Catalogue id, or the slug of a custom endpoint'),
  kind: z.enum(['catalogue', 'custom']),
  name: z.string(),
  aliases: z.array(z.string()),
  dialect: z.string(),
  base_url: z.string().nullable(),
  destination: z.string().describe('What a key for it must be sealed for'),
  key: z
    .object({
      prefixes: z.array(z.string()),
      shared_prefixes: z.array(z.string()),
      min_length: z.number().int(),
      max_length: z.number().int(),
      usual_length: z.number().int(),
      hint: z.string(),
    })
    .nullable(),
  key_page: z.string().nullable(),
  billing_page: z.string().nullable(),
  key_help: z.array(z.string()),
  docs: z.string().nullable(),
  abilities: z
    .object({
      stream: z.boolean(),
      tools: z.boolean(),
      embeddings: z.boolean(),
      responses: z.boolean(),
      images: z.boolean(),
    })
    .nullable(),
  curated_models: z.array(z.string()),
  own_keys: z.number().int(),
  personal_keys: z.number().int(),
  platform_key: z.boolean().describe("The product's shared key may be used here"),
  source: sourceState,
  special_sources: z.number().int().describe('Choices for single accounts and operations; see the list of sources'),
  payer: z.enum(['own', 'platform']).nullable().describe('Who pays the next call; null: it would fail'),
  fallback: z
    .enum(FALLBACK_REASONS)
    .nullable()
    .describe('Why the shared key answers for a failing own key now; null: it does not'),
  gated: z
    .object({ code: z.string(), plan: z.string(), upgrade_url: z.string().nullable() })
    .nullable()
    .describe('Why an own key cannot be connected'),
});
export type Provider = z.infer<typeof provider>;

export const providerList = z.object({
  data: z.array(provider),
  next_cursor: z.null(),
  presets: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      base_url: z.string(),
      keyless: z.boolean(),
      docs: z.string().nullable(),
    }),
  ),
});
export type ProviderList = z.infer<typeof providerList>;

export const sealingKey = z.object({
  kid: z.string(),
  public_key: z.string().describe('base64url of the uncompressed P-256 point'),
  fingerprint: z.string(),
  server_time: z.number().int().describe('Unix seconds; `exp` of a sealed key counts from it'),
  company: z.string().describe('`company` of the sealed context; `platform` for operators'),
  user: z.string().nullable().describe('`user` of the sealed context of a personal key'),
});
export type SealingKey = z.infer<typeof sealingKey>;

export const sourceParams = z.object({ provider: z.string().min(1).max(64) });
const tag = z.string().max(128).regex(TAG_PATTERN, 'must be 1 to 128 visible ASCII characters');
export const sourceBody = z.strictObject({
  source: z.enum(['own', 'platform']),
  on_failure: onFailure.optional().describe('Stays when absent'),
  account: tag.or(z.literal('')).optional().describe('Only for this sub-account'),
  operation: tag.or(z.literal('')).optional().describe('Only for this operation; it goes before that of a sub-account'),
});
export const source = sourceState.extend({
  provider: z.string(),
  account: z.string().nullable(),
  operation: z.string().nullable(),
});
export type Source = z.infer<typeof source>;
export const sourceList = listOf(source);
/** Names one special choice. The company's own cannot be removed, only changed. */
export const sourceQuery = z.strictObject({ account: tag.optional(), operation: tag.optional() });

export const modelsQuery = z.object({
  provider: z.string().min(1).max(64).regex(SLUG_PATTERN).or(z.string().min(1).max(64)).optional(),
});
export const model = z.object({
  id: z.string().describe('As the gateway takes it: provider/model'),
  name: z.string().describe("The provider's own id of it"),
  provider: z.string(),
  key_source: z.enum(['own', 'platform']),
  chat: z.boolean(),
  listed: z
    .enum(['live', 'curated'])
    .describe('From the provider, or from a maintained list where it could not be read'),
  as_of: time.nullable(),
  input_usd_per_mtok: usd
    .nullable()
    .describe('Of a million tokens, at the price now in force; null: no price is known'),
  output_usd_per_mtok: usd.nullable(),
  context_tokens: z.number().int().nullable(),
  max_output_tokens: z.number().int().nullable(),
});
export type Model = z.infer<typeof model>;
export const modelList = z.object({
  data: z.array(model),
  next_cursor: z.null(),
  /** Providers whose list could not be read; the rest of the answer holds. */
  problems: z.array(z.object({ provider: z.string(), code: z.string(), since: time.nullable() })),
});
export type ModelList = z.infer<typeof modelList>;
