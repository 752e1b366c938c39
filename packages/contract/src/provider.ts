/** The wire formats Ownkey speaks, as callers' wire and as providers' dialect alike. */
export type Wire = 'openai-chat' | 'openai-responses' | 'anthropic-messages';

/** What a pasted key of a provider looks like. Data for the form check; a shape never proves a key right or wrong. */
export interface KeyShape {
  /** Prefixes a key of this provider starts with, longest match over all providers wins; empty = no known shape. */
  prefixes: string[];
  /** Prefixes this provider shares with others (such as a bare "sk-"): accepted, but no proof of another provider. */
  shared_prefixes?: string[];
  min_length: number;
  max_length: number;
  /** Usual length, used by the sandbox to make keys that look right. */
  usual_length: number;
  /** Shown under the field, e.g. "sk-ant-…". */
  hint: string;
}

/** How a provider proves a key without spending: a GET with the key, and what its answers mean. */
export interface ProbeSpec {
  /** Path below the base URL; the cheapest authenticated call (key endpoint where it exists, else the model list). */
  path: string;
  /** false where the answer is 200 for any key, so that only a generation proves it. */
  proves_key: boolean;
  /** Models to try for the minimal generation when the list cannot be read, most likely first. */
  models: string[];
}

/** Closed set of quirk flags. A flag used by none is deleted; behaviour flags cannot say lives in quirks/<id>.ts. */
export interface Quirks {
  /** Field that bounds the answer: which of the two OpenAI names this provider takes. */
  token_limit_field?: 'max_tokens' | 'max_completion_tokens' | 'both';
  /** Model id prefixes (as regular expression sources, anchored) of reasoning families that refuse max_tokens / temperature. */
  reasoning_models?: string[];
  /** `include_usage` may be asked in streams ("yes"), is always sent ("always") or the field is refused ("refused"). */
  stream_usage?: 'yes' | 'always' | 'refused';
  /** reasoning tokens are reported on top of completion tokens, not inside. */
  reasoning_on_top?: boolean;
  /** Usage says what the provider charged: that is the cost, not tokens times a price. Of nobody else it is believed. */
  reports_cost?: boolean;
  /** Delta field that carries reasoning text. */
  reasoning_field?: 'reasoning_content' | 'reasoning';
  /** message content may come as a list of parts (thinking, text). */
  content_parts?: boolean;
  /** Tool-call deltas may lack `index` or `id`: repair them. */
  repair_tool_calls?: boolean;
  /** Finish reason may be "stop" although tool calls were sent: repair it. */
  repair_finish_reason?: boolean;
  /** The base URL knows no `developer` role. */
  no_developer_role?: boolean;
  /** Statuses besides 401 that mean "key rejected", when the body matches the pattern (regular expression source). */
  rejected_key?: { status: number; pattern: string }[];
  /** Statuses that mean "no credit", when the body matches the pattern. */
  no_credit?: { status: number; pattern: string }[];
  /** Statuses that mean "key lacks a permission", when the body matches the pattern. */
  restricted_key?: { status: number; pattern: string }[];
  /** Extra headers every request needs (constants, e.g. a version header). */
  headers?: Record<string, string>;
  /** Top-level request fields this provider calls by another name (the wire's name → the provider's name). */
  renamed_fields?: Record<string, string>;
  /** Model ids (anchored regular expression sources) that take adaptive thinking with an effort instead of a token budget. */
  adaptive_thinking?: string[];
  /** Model ids (anchored regular expression sources) that take `reasoning_effort`; for others it is left out of translations. */
  effort_models?: string[];
  /** Thinking with signatures travels in `reasoning_details`. */
  reasoning_details?: boolean;
  /** `cache_control` inside messages is understood. */
  cache_control?: boolean;
  /** Sent as the signature of a tool call that came back without the one it left with. */
  tool_signature_filler?: string;
}

/** What one answer of a model may hold at most. The first entry of `model_limits` whose pattern matches counts. */
export interface ModelLimit {
  /** Anchored regular expression source; the empty one matches every model. */
  models: string;
  max_output_tokens: number;
  context_tokens?: number;
}

/** One catalogue entry: `catalogue/providers/<id>.json`. The id is the file name and is not written inside. */
export interface CatalogueEntry {
  id: string;
  name: string;
  aliases: string[];
  dialect: Wire;
  base_url: string;
  auth: { header: string; prefix: string };
  key: KeyShape;
  key_page: string;
  billing_page: string;
  /** Short help steps shown beside the paste field; needed permissions for restricted keys. */
  key_help: string[];
  probe: ProbeSpec;
  /** Path of the model list below the base URL and where ids sit; null where there is none. */
  models: { path: string; list_field: string; id_field: string; strip_prefix?: string } | null;
  /** Maintained list shown when the live one cannot be read, most useful first. */
  curated_models: string[];
  /** Model ids (anchored regular expression sources) that are not chat models, so they are left out of chat pickers. */
  not_chat_models: string[];
  /** Maintained limits, for bounds and for wires that demand a limit; absent where nothing is known. */
  model_limits?: ModelLimit[];
  abilities: { stream: boolean; tools: boolean; embeddings: boolean; responses: boolean; images: boolean };
  quirks: Quirks;
  /** The provider's id in the library that prices are seeded from; absent where it has none. */
  price_source?: string;
  docs: string;
  read_on: string;
}

/** A kind of custom endpoint: `catalogue/endpoint-presets/<id>.json`. The id is the file name and is not written inside. */
export interface EndpointPreset {
  id: string;
  name: string;
  /** Address shown as an example; empty where there is none. */
  base_url: string;
  /** Whether such endpoints usually take requests without a key. */
  keyless: boolean;
  dialect: Wire;
  auth: { header: string; prefix: string };
  models: CatalogueEntry['models'];
  not_chat_models: string[];
  abilities: CatalogueEntry['abilities'];
  quirks: Quirks;
  docs: string | null;
  read_on: string;
}

/** What the worker knows of a destination when it builds a call: a catalogue entry, or a custom endpoint made from a preset. */
export interface ProviderTarget {
  /** Catalogue id, or "custom". */
  provider: string;
  /** Catalogue id or the company's slug for a custom endpoint; first segment of model names. */
  slug: string;
  entry: CatalogueEntry;
  /** Where requests go (operator's override or custom base URL applied), without trailing slash. */
  baseUrl: string;
  custom: boolean;
}
