import type { CatalogueEntry, EndpointPreset, ModelLimit, Quirks } from '@ownkey/contract/provider';
import { type Check, checkFields, is } from './strict.ts';

/**
 * The strict forms of the catalogue's files. A field not named here is a problem, and so is the id inside the file. Each reader
 * returns the value as its type and adds every problem to the list; the value may only be used when the list stayed empty.
 */
export function readEntry(id: string, data: unknown, problems: string[]): CatalogueEntry {
  const fields = checkFields<Omit<CatalogueEntry, 'id'>>(data, ENTRY, '', problems);
  return { id, ...fields };
}

/** As `readEntry`, for `endpoint-presets/*.json`. */
export function readPreset(id: string, data: unknown, problems: string[]): EndpointPreset {
  const fields = checkFields<Omit<EndpointPreset, 'id'>>(data, PRESET, '', problems);
  return { id, ...fields };
}

const WIRE = is.oneOf('openai-chat', 'openai-responses', 'anthropic-messages');
const AUTH: Check = is.object({ header: is.headerName, prefix: is.text });

const KEY: Check = is.object({
  prefixes: is.list(is.filled),
  'shared_prefixes?': is.list(is.filled),
  min_length: is.count,
  max_length: is.count,
  usual_length: is.count,
  hint: is.filled,
});

const STATUS_PATTERNS = is.list(is.object({ status: is.count, pattern: is.pattern }));

const QUIRKS: Check = is.object({
  'token_limit_field?': is.oneOf('max_tokens', 'max_completion_tokens', 'both'),
  'reasoning_models?': is.list(is.pattern),
  'stream_usage?': is.oneOf('yes', 'always', 'refused'),
  'reasoning_on_top?': is.flag,
  'reports_cost?': is.flag,
  'reasoning_field?': is.oneOf('reasoning_content', 'reasoning'),
  'content_parts?': is.flag,
  'repair_tool_calls?': is.flag,
  'repair_finish_reason?': is.flag,
  'no_developer_role?': is.flag,
  'rejected_key?': STATUS_PATTERNS,
  'no_credit?': STATUS_PATTERNS,
  'restricted_key?': STATUS_PATTERNS,
  'headers?': is.textMap,
  'renamed_fields?': is.textMap,
  'adaptive_thinking?': is.list(is.pattern),
  'effort_models?': is.list(is.pattern),
  'reasoning_details?': is.flag,
  'cache_control?': is.flag,
  'tool_signature_filler?': is.filled,
} satisfies Record<`${keyof Quirks}?`, Check>);

const MODELS: Check = is.orNull(
  is.object({ path: is.path, list_field: is.text, id_field: is.filled, 'strip_prefix?': is.filled }),
);

const ABILITIES: Check = is.object({
  stream: is.flag,
  tools: is.flag,
  embeddings: is.flag,
  responses: is.flag,
  images: is.flag,
});

const LIMIT: Check = is.object({
  models: is.pattern,
  max_output_tokens: is.count,
  'context_tokens?': is.count,
} satisfies Record<keyof Omit<ModelLimit, 'context_tokens'> | 'context_tokens?', Check>);

const ENTRY = {
  name: is.filled,
  aliases: is.list(is.alias),
  dialect: WIRE,
  base_url: is.webAddress,
  auth: AUTH,
  key: KEY,
  key_page: is.webAddress,
  billing_page: is.webAddress,
  key_help: is.list(is.filled),
  probe: is.object({ path: is.path, proves_key: is.flag, models: is.list(is.filled) }),
  models: MODELS,
  curated_models: is.list(is.filled),
  not_chat_models: is.list(is.pattern),
  'model_limits?': is.list(LIMIT),
  abilities: ABILITIES,
  quirks: QUIRKS,
  'price_source?': is.filled,
  docs: is.webAddress,
  read_on: is.day,
} satisfies Record<
  keyof Omit<CatalogueEntry, 'id' | 'model_limits' | 'price_source'> | 'model_limits?' | 'price_source?',
  Check
>;

const PRESET = {
  name: is.filled,
  base_url: is.text,
  keyless: is.flag,
  dialect: WIRE,
  auth: AUTH,
  models: MODELS,
  not_chat_models: is.list(is.pattern),
  abilities: ABILITIES,
  quirks: QUIRKS,
  docs: is.orNull(is.webAddress),
  read_on: is.day,
} satisfies Record<keyof Omit<EndpointPreset, 'id'>, Check>;
