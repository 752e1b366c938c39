/** USD per million tokens as published. A rate that is not given is that of input. */
export interface PublishedRates {
  input: number;
  output: number;
  cacheRead?: number;
  cacheWrite5m?: number;
  cacheWrite1h?: number;
  /** Rates of the whole request once it has more input tokens than `above`. */
  long?: { above: number } & Omit<PublishedRates, 'long'>;
}

export interface Published {
  rates: PublishedRates;
  source: string;
  /** Day on which the source was read, from a stored copy of it. */
  readOn: string;
}

const READ_ON = '2026-11-28';
const CLAUDE = 'https://docs.anthropic.com/en/docs/about-claude/pricing';
/** Repeats the provider's table, with models that the copy of its own page had not. */
const CLAUDE_TABLE = 'https://docs.electronhub.ai/guides/prompt-caching';
const OPENAI_MODELS = 'https://developers.openai.com/api/docs/models';
const OPENAI_RATES = 'https://docs.rs/crate/openai-models/0.1.1/source/src/lib.rs';
/** A list kept by hand from the providers' own pages; for models whose own page was not to be had. */
const MODELS_DEV = 'https://github.com/anomalyco/models.dev, providers';

const read = (source: string, rates: PublishedRates): Published => ({ rates, source, readOn: READ_ON });
const sonnet = { input: 3, output: 15, cacheRead: 0.3, cacheWrite5m: 3.75, cacheWrite1h: 6 };
const haiku = { input: 1, output: 5, cacheRead: 0.1, cacheWrite5m: 1.25, cacheWrite1h: 2 };

/** `<provider>/<model as it was asked for>`. */
export const PUBLISHED: Readonly<Record<string, Published>> = {
  'anthropic/claude-3-5-sonnet-latest': read(CLAUDE, sonnet),
  'anthropic/claude-sonnet-4-0': read(CLAUDE, sonnet),
  'anthropic/claude-sonnet-4-20250514': read(CLAUDE, sonnet),
  'anthropic/claude-sonnet-4-5': read(CLAUDE_TABLE, {
    ...sonnet,
    long: { above: 200_000, input: 6, output: 22.5 },
  }),
  'anthropic/claude-sonnet-4-5-20250929': read(CLAUDE_TABLE, sonnet),
  'anthropic/claude-sonnet-4-6': read('https://deploybase.ai/articles/claude-api-pricing', sonnet),
  'anthropic/claude-haiku-4-5': read(CLAUDE_TABLE, haiku),
  'anthropic/claude-haiku-4-5-20251001': read(CLAUDE_TABLE, haiku),
  // Now served by the flash model, at its price.
  'deepseek/deepseek-chat': read('https://api-docs.deepseek.com/quick_start/pricing', {
    input: 0.15,
    output: 0.6,
    cacheRead: 0.003,
  }),
  'deepseek/deepseek-reasoner': read('https://api-docs.deepseek.com/quick_start/pricing', {
    input: 0.15,
    output: 0.6,
    cacheRead: 0.003,
  }),
  'deepseek/deepseek-v4-pro': read('https://api-docs.deepseek.com/quick_start/pricing', {
    input: 0.66,
    output: 1.98,
    cacheRead: 0.022,
  }),
  'gemini/gemini-2.5-pro': read(`${MODELS_DEV}/google/models/gemini-2.5-pro.toml`, {
    input: 1.25,
    output: 10,
    cacheRead: 0.125,
  }),
  'groq/openai/gpt-oss-120b': read(`${MODELS_DEV}/groq/models/openai/gpt-oss-120b.toml`, {
    input: 0.15,
    output: 0.6,
    cacheRead: 0.075,
  }),
  'groq/meta-llama/llama-4-maverick-17b-128e-instruct': read('https://mastra.ai/models/providers/groq', {
    input: 0.2,
    output: 0.6,
  }),
  'mistral/magistral-medium-latest': read(`${MODELS_DEV}/mistral/models/magistral-medium-latest.toml`, {
    input: 2,
    output: 5,
  }),
  'mistral/mistral-small-latest': read('https://developer.puter.com/tutorials/mistral-api-pricing/', {
    input: 0.1,
    output: 0.3,
  }),
  'mistral/mistral-embed': read('https://openrouter.ai/mistralai/mistral-embed-2312', { input: 0.1, output: 0 }),
  'openai/gpt-3.5-turbo': read(`${MODELS_DEV}/openai/models/gpt-3.5-turbo.toml`, { input: 0.5, output: 1.5 }),
  'openai/gpt-4.1-nano': read(`${OPENAI_MODELS}/gpt-4.1-nano`, { input: 0.1, output: 0.4, cacheRead: 0.025 }),
  'openai/gpt-4o': read(OPENAI_RATES, { input: 2.5, output: 10, cacheRead: 1.25 }),
  'openai/gpt-4o-mini': read(OPENAI_RATES, { input: 0.15, output: 0.6, cacheRead: 0.075 }),
  'openai/gpt-5-mini': read(`${MODELS_DEV}/openai/models/gpt-5-mini.toml`, {
    input: 0.25,
    output: 2,
    cacheRead: 0.025,
  }),
  'openai/gpt-5-nano': read(`${MODELS_DEV}/openai/models/gpt-5-nano.toml`, {
    input: 0.05,
    output: 0.4,
    cacheRead: 0.005,
  }),
  'openai/gpt-5.2': read(`${MODELS_DEV}/openai/models/gpt-5.2.toml`, { input: 1.75, output: 14, cacheRead: 0.175 }),
  'openai/gpt-5.4': read(`${MODELS_DEV}/openai/models/gpt-5.4.toml`, { input: 2.5, output: 15, cacheRead: 0.25 }),
  'openai/gpt-5.5': read(`${MODELS_DEV}/openai/models/gpt-5.5.toml`, { input: 5, output: 30, cacheRead: 0.5 }),
  // Writing to the cache: 1.25 times input, as the page of gpt-6.2-sol prices it too.
  'openai/gpt-5.6-sol': read(`${OPENAI_MODELS}/gpt-5.6-sol`, {
    input: 4,
    output: 20,
    cacheRead: 0.4,
    cacheWrite5m: 5,
  }),
  'openai/text-embedding-3-small': read('https://zilliz.com/ai-models/text-embedding-3-small.md', {
    input: 0.02,
    output: 0,
  }),
  'openai/text-embedding-ada-002': read(`${MODELS_DEV}/openai/models/text-embedding-ada-002.toml`, {
    input: 0.1,
    output: 0,
  }),
  'together/meta-llama/Llama-3.3-70B-Instruct-Turbo': read('https://github.com/anomalyco/models.dev/pull/2989', {
    input: 1.04,
    output: 1.04,
  }),
};

/**
 * Models whose seeded price is higher than one that was read somewhere, and no source is good enough to lower it in
 * `catalogue/prices`: too dear stops a call too early, too cheap lets a cap be passed. None may be too cheap.
 */
export const SEED_LAGS: Readonly<Record<string, Published>> = {
  // Which model the name stands for since the fourth generation is out, at a higher price, its provider's pages did not tell.
  'mistral/mistral-large-latest': read('https://developer.puter.com/tutorials/mistral-api-pricing/', {
    input: 0.5,
    output: 1.5,
  }),
};

/** Priced by the seed, but retired since: no page that is up today names their price. */
export const NOT_PUBLISHED_ANY_MORE: readonly string[] = [
  'groq/llama3-8b-8192',
  'together/meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8',
];

/** Without a public price: free models, agents that run several models, endpoints of one's own. */
export const WITHOUT_A_PRICE: readonly string[] = [
  'groq/compound-beta',
  'openrouter/google/gemini-2.0-flash-exp:free',
  'ollama/gemma3:4b',
  'ollama/gpt-oss:20b',
  'ollama/qwen3',
  'ollama-cloud/gpt-oss:120b',
  'vllm/Qwen/Qwen3-0.6B',
  'vllm/Qwen/Qwen3.5-35B-A3B',
  'vllm/meta-llama/Llama-3.2-1B-Instruct',
];
