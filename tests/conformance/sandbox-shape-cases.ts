import type { Outcome } from '@ownkey/sandbox/keys';

/** One recording, and the request that makes the sandbox answer alike. */
export interface ShapeCase {
  /** Provider and file name of the recording. */
  recording: string;
  /** The simulated provider, where it is not called like the recorded one. */
  provider?: string;
  path: string;
  body?: Record<string, unknown>;
  key?: Outcome;
  /** Content type of the sandbox where the recording was rebuilt without its own. */
  type?: string;
  /** What is not compared: fields that came or went over the years, or that the recording tool dropped. */
  unlike?: readonly string[];
}

const say = (content: string): { messages: { role: string; content: string }[] } => ({
  messages: [{ role: 'user', content }],
});
const usageToo = { stream: true, stream_options: { include_usage: true } };
const parameters = { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] };
const tools = [{ type: 'function', function: { name: 'get_weather', parameters } }];
const flatTools = [{ type: 'function', name: 'get_weather', description: 'Weather', parameters, strict: true }];
const claudeTools = [{ name: 'get_weather', input_schema: parameters }];
const thinking = { type: 'enabled', budget_tokens: 1024 };
const chat = '/chat/completions';

export const CASES: ShapeCase[] = [
  { recording: 'openai/chat-completions-text', path: chat, body: say('Hello'), unlike: ['choices[].logprobs'] },
  { recording: 'openai/chat-completions-cache-read', path: chat, body: say('sandbox:cache-read') },
  {
    recording: 'openai/chat-completions-max-tokens',
    path: chat,
    body: { ...say('Hello'), max_tokens: 2 },
    unlike: ['choices[].logprobs'],
  },
  {
    recording: 'openai/chat-completions-image-in',
    path: chat,
    body: {
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] }],
    },
  },
  {
    recording: 'openai/chat-completions-json-schema',
    path: chat,
    body: {
      ...say('A number'),
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'a', schema: { type: 'object', properties: { n: { type: 'integer' } } } },
      },
    },
  },
  { recording: 'openai/chat-completions-refusal', path: chat, body: say('sandbox:refusal') },
  { recording: 'openai/chat-completions-tool-call', path: chat, body: { ...say('sandbox:tools'), tools } },
  {
    recording: 'openai/chat-completions-parallel-tools',
    path: chat,
    body: { ...say('sandbox:parallel-tools'), tools },
  },
  {
    recording: 'openai/chat-completions-text-stream',
    path: chat,
    body: { ...say('Hello'), ...usageToo },
    unlike: ['choices[].logprobs'],
  },
  { recording: 'openai/chat-completions-text-stream-no-usage', path: chat, body: { ...say('Hello'), stream: true } },
  {
    recording: 'openai/chat-completions-parallel-tools-stream',
    path: chat,
    body: { ...say('sandbox:parallel-tools'), tools, stream: true },
    unlike: ['choices[].delta.content', 'choices[].delta.refusal'],
  },
  {
    recording: 'openai/chat-completions-error-400-unsupported-parameter',
    path: chat,
    body: { ...say('Hello'), model: 'gpt-5-mini', max_tokens: 5 },
  },
  { recording: 'openai/chat-completions-error-401-invalid-key', path: chat, body: say('Hello'), key: 'invalid' },
  {
    recording: 'openai/chat-completions-error-404-model-not-found',
    path: chat,
    body: { ...say('Hello'), model: 'gpt-nothing' },
  },
  {
    recording: 'openai/embeddings-embeddings-single',
    path: '/embeddings',
    body: { model: 'text-embedding-3-small', input: 'Hello' },
  },
  {
    recording: 'openai/embeddings-embeddings-base64',
    path: '/embeddings',
    body: { model: 'text-embedding-3-small', input: ['Hello'], encoding_format: 'base64' },
  },
  {
    recording: 'openai/embeddings-error-404-model-not-found',
    path: '/embeddings',
    body: { model: 'nothing', input: 'Hello' },
  },
  { recording: 'openai/models-models-list', path: '/models' },
  { recording: 'openai/responses-text', path: '/responses', body: { input: 'Hello' }, unlike: ['moderation'] },
  {
    recording: 'openai/responses-tool-call',
    path: '/responses',
    body: { input: 'sandbox:tools', tools: flatTools },
    unlike: ['tools', 'reasoning.context'],
  },
  {
    recording: 'openai/responses-reasoning',
    path: '/responses',
    body: { model: 'gpt-5-mini', input: 'Hello' },
    unlike: ['moderation'],
  },
  {
    recording: 'openai/responses-text-stream',
    path: '/responses',
    body: { input: 'Hello', stream: true },
    unlike: ['item.phase', 'response.output[].phase'],
  },
  {
    recording: 'openai/responses-tool-call-stream',
    path: '/responses',
    body: { input: 'sandbox:tools', tools: flatTools, stream: true },
    unlike: ['response.moderation', 'response.tools'],
  },
  {
    recording: 'openai/responses-error-400-model-not-found',
    path: '/responses',
    body: { model: 'nothing', input: 'Hello' },
  },
  {
    recording: 'openai/responses-error-429-insufficient-quota',
    path: '/responses',
    body: { input: 'Hello' },
    key: 'no_credit',
  },
  { recording: 'openai/responses-error-500-server', path: '/responses', body: { input: 'sandbox:error-500' } },

  {
    recording: 'anthropic/messages-tool-call',
    path: '/messages',
    body: { ...say('sandbox:tools'), max_tokens: 100, tools: claudeTools },
    unlike: ['content[].input'],
  },
  {
    recording: 'anthropic/messages-parallel-tools',
    path: '/messages',
    body: { ...say('sandbox:parallel-tools'), max_tokens: 100, tools: claudeTools },
    unlike: ['content[].input'],
  },
  {
    recording: 'anthropic/messages-text',
    path: '/messages',
    body: { ...say('Hello'), max_tokens: 100 },
    unlike: ['stop_details', 'usage.inference_geo'],
  },
  {
    recording: 'anthropic/messages-reasoning',
    path: '/messages',
    body: { ...say('Hello'), max_tokens: 2000, thinking },
  },
  {
    recording: 'anthropic/messages-stop-sequence',
    path: '/messages',
    body: { ...say('Hello'), max_tokens: 100, stop_sequences: ['lamp'] },
    unlike: ['stop_details', 'usage.inference_geo'],
  },
  {
    recording: 'anthropic/messages-tool-result-stream',
    path: '/messages',
    body: { ...say('Hello'), max_tokens: 100, stream: true },
  },
  {
    recording: 'anthropic/messages-reasoning-tool-call-stream',
    path: '/messages',
    body: {
      ...say('sandbox:tools'),
      max_tokens: 2000,
      thinking,
      tools: [{ name: 'now', input_schema: { type: 'object', properties: {} } }],
      stream: true,
    },
  },
  {
    recording: 'anthropic/messages-error-in-stream-overloaded',
    path: '/messages',
    body: { ...say('sandbox:hostile-error-in-stream'), max_tokens: 100, stream: true },
  },
  {
    recording: 'anthropic/messages-error-400-invalid-request',
    path: '/messages',
    body: { ...say(''), max_tokens: 100 },
  },
  {
    recording: 'anthropic/messages-error-400-context-length',
    path: '/messages',
    body: { ...say('sandbox:error-context-length'), max_tokens: 100 },
  },
  {
    recording: 'anthropic/messages-error-401-invalid-key',
    path: '/messages',
    body: { ...say('Hello'), max_tokens: 100 },
    key: 'invalid',
  },
  {
    recording: 'anthropic/messages-error-404-model-not-found',
    path: '/messages',
    body: { ...say('Hello'), model: 'nothing', max_tokens: 100 },
  },
  {
    recording: 'anthropic/messages-error-429-rate-limit',
    path: '/messages',
    body: { ...say('Hello'), max_tokens: 100 },
    key: 'rate_limited',
  },
  {
    recording: 'anthropic/messages-error-503-server',
    path: '/messages',
    body: { ...say('Hello'), max_tokens: 100 },
    key: 'outage',
  },
  {
    recording: 'anthropic/messages-error-529-overloaded',
    path: '/messages',
    body: { ...say('sandbox:error-500'), max_tokens: 100 },
  },
  { recording: 'anthropic/messages-count-tokens-count-tokens', path: '/messages/count_tokens', body: say('Hello') },
  { recording: 'anthropic/models-models-list', path: '/models' },

  { recording: 'gemini/openai-chat-completions-tool-call', path: chat, body: { ...say('sandbox:tools'), tools } },
  { recording: 'gemini/openai-chat-completions-tool-result', path: chat, body: say('Hello') },
  { recording: 'gemini/openai-models-models-list', path: '/models' },

  { recording: 'mistral/chat-completions-text', path: chat, body: say('Hello') },
  { recording: 'mistral/chat-completions-reasoning', path: chat, body: { ...say('Hello'), reasoning_effort: 'high' } },
  {
    recording: 'mistral/chat-completions-parallel-tools',
    path: chat,
    body: { ...say('sandbox:parallel-tools'), tools },
  },
  { recording: 'mistral/chat-completions-text-stream', path: chat, body: { ...say('Hello'), stream: true } },
  {
    recording: 'mistral/chat-completions-tool-call-stream',
    path: chat,
    body: { ...say('sandbox:tools'), tools, stream: true },
    unlike: ['usage.service_tier'],
  },
  { recording: 'mistral/chat-completions-error-401-invalid-key-2', path: chat, body: say('Hello'), key: 'invalid' },
  { recording: 'mistral/chat-completions-error-500-server', path: chat, body: say('sandbox:error-500') },
  { recording: 'mistral/chat-completions-error-400-invalid-request', path: chat, body: say('sandbox:error-400') },
  {
    recording: 'mistral/embeddings-embeddings-single',
    path: '/embeddings',
    body: { model: 'mistral-embed', input: ['Hello'] },
  },
  {
    recording: 'mistral/models-models-list',
    path: '/models',
    unlike: ['data[].job', 'data[].root', 'data[].archived'],
  },

  {
    recording: 'groq/chat-completions-tool-call',
    path: chat,
    body: { ...say('sandbox:tools'), tools },
    unlike: ['usage.completion_tokens_details'],
  },
  {
    recording: 'groq/chat-completions-reasoning-tool-call-stream',
    path: chat,
    body: { ...say('sandbox:tools'), model: 'openai/gpt-oss-120b', tools, stream: true },
  },
  {
    recording: 'groq/chat-completions-error-in-stream',
    path: chat,
    body: { ...say('sandbox:hostile-error-in-stream'), model: 'openai/gpt-oss-120b', stream: true },
  },
  {
    recording: 'groq/chat-completions-error-404-model-not-found',
    path: chat,
    body: { ...say('Hello'), model: 'nothing' },
  },
  { recording: 'groq/chat-completions-error-429-rate-limit', path: chat, body: say('Hello'), key: 'rate_limited' },

  {
    recording: 'deepseek/chat-completions-reasoning',
    path: chat,
    body: { ...say('Hello'), model: 'deepseek-reasoner' },
  },
  {
    recording: 'deepseek/chat-completions-parallel-tools',
    path: chat,
    body: { ...say('sandbox:parallel-tools'), tools },
    unlike: ['usage.completion_tokens_details'],
  },
  {
    recording: 'deepseek/chat-completions-text-stream',
    path: chat,
    body: { ...say('Hello'), ...usageToo },
    unlike: ['usage.completion_tokens_details'],
  },
  {
    recording: 'deepseek/chat-completions-cache-read-stream',
    path: chat,
    body: { ...say('sandbox:tools-with-text'), tools, ...usageToo },
    unlike: ['usage.completion_tokens_details'],
  },
  {
    recording: 'deepseek/chat-completions-reasoning-stream',
    path: chat,
    body: { ...say('Hello'), model: 'deepseek-v4-pro', ...usageToo },
  },
  { recording: 'deepseek/chat-completions-error-401-invalid-key', path: chat, body: say('Hello'), key: 'invalid' },
  {
    recording: 'deepseek/chat-completions-error-422-invalid-request',
    path: chat,
    body: { ...say('sandbox:hostile-stream-options'), ...usageToo },
  },
  {
    recording: 'deepseek/chat-completions-error-400-context-length',
    path: chat,
    body: say('sandbox:error-context-length'),
  },
  { recording: 'deepseek/models-models-list', path: '/models' },

  { recording: 'xai/chat-completions-text', path: chat, body: say('Hello') },
  {
    recording: 'xai/chat-completions-reasoning',
    path: chat,
    body: { ...say('Hello'), model: 'grok-4.3' },
    unlike: ['service_tier'],
  },
  { recording: 'xai/chat-completions-parallel-tools', path: chat, body: { ...say('sandbox:parallel-tools'), tools } },
  { recording: 'xai/chat-completions-text-stream', path: chat, body: { ...say('Hello'), ...usageToo } },
  {
    recording: 'xai/chat-completions-tool-call-stream',
    path: chat,
    body: { ...say('sandbox:tools'), tools, ...usageToo },
  },
  {
    recording: 'xai/chat-completions-reasoning-stream',
    path: chat,
    body: { ...say('Hello'), model: 'grok-4.3', ...usageToo },
    unlike: ['service_tier'],
  },
  { recording: 'xai/chat-completions-error-400-invalid-key', path: chat, body: say('Hello'), key: 'invalid' },
  { recording: 'xai/chat-completions-error-503-overloaded', path: chat, body: say('Hello'), key: 'outage' },
  { recording: 'xai/chat-completions-error-400-context-length', path: chat, body: say('sandbox:error-context-length') },

  {
    recording: 'together/chat-completions-max-tokens',
    path: chat,
    body: { ...say('Hello'), max_tokens: 2 },
    unlike: ['usage.prompt_tokens_details', 'usage.reasoning_tokens', 'usage.cached_tokens'],
  },
  {
    recording: 'together/chat-completions-text-stream',
    path: chat,
    body: { ...say('Hello'), stream: true },
    unlike: ['usage.cached_tokens'],
  },
  { recording: 'together/chat-completions-error-401-invalid-key', path: chat, body: say('Hello'), key: 'invalid' },
  {
    recording: 'together/embeddings-embeddings-single',
    path: '/embeddings',
    body: { model: 'togethercomputer/m2-bert-80M-32k-retrieval', input: 'Hello' },
    type: 'application/json; charset=utf-8',
    unlike: ['request_id'],
  },

  { recording: 'openrouter/chat-completions-tool-call', path: chat, body: { ...say('sandbox:tools'), tools } },
  {
    recording: 'openrouter/chat-completions-reasoning',
    path: chat,
    body: { ...say('Hello'), model: 'openai/gpt-oss-20b' },
    unlike: ['choices[].message.reasoning_details'],
  },
  {
    recording: 'openrouter/chat-completions-text-stream',
    path: chat,
    body: { ...say('Hello'), ...usageToo },
    unlike: ['service_tier'],
  },
  {
    recording: 'openrouter/chat-completions-tool-call-stream',
    path: chat,
    body: { ...say('sandbox:tools'), tools, ...usageToo },
    unlike: ['service_tier'],
  },
  { recording: 'openrouter/chat-completions-error-401-invalid-key', path: chat, body: say('Hello'), key: 'invalid' },
  {
    recording: 'openrouter/chat-completions-error-429-rate-limit',
    path: chat,
    body: say('Hello'),
    key: 'rate_limited',
  },
  {
    recording: 'openrouter/chat-completions-error-400-context-length',
    path: chat,
    body: say('sandbox:error-context-length'),
  },
  {
    recording: 'openrouter/embeddings-embeddings-single',
    path: '/embeddings',
    body: { model: 'openai/text-embedding-3-small', input: ['Hello'] },
  },
  {
    recording: 'openrouter/models-models-list',
    path: '/models',
    unlike: ['data[].pricing.input_cache_read', 'data[].pricing.input_cache_write'],
  },

  { recording: 'nvidia/models-models-list', path: '/models' },
  { recording: 'perplexity/chat-completions-text', path: chat, body: say('Hello') },
  { recording: 'perplexity/chat-completions-error-401-invalid-key', path: chat, body: say('Hello'), key: 'invalid' },
  { recording: 'perplexity/models-models-list', path: '/v1/models' },

  { recording: 'vllm/chat-completions-text', provider: 'custom', path: chat, body: say('Hello') },
  {
    recording: 'vllm/chat-completions-text-stream',
    provider: 'custom',
    path: chat,
    body: { ...say('Hello'), ...usageToo },
    type: 'text/event-stream; charset=utf-8',
    unlike: ['choices[].logprobs'],
  },
  {
    recording: 'vllm/chat-completions-error-400-invalid-request',
    provider: 'custom',
    path: chat,
    body: say('sandbox:error-400'),
  },
  {
    recording: 'vllm/models-models-list',
    provider: 'custom',
    path: '/models',
    unlike: ['data[].parent', 'data[].permission[].group'],
  },
  {
    recording: 'ollama/chat-completions-parallel-tools',
    path: chat,
    body: { ...say('sandbox:parallel-tools'), model: 'qwen3', tools },
  },
  {
    recording: 'ollama/chat-completions-reasoning-stream',
    path: chat,
    body: { ...say('Hello'), model: 'qwen3', ...usageToo },
  },
  { recording: 'ollama/chat-completions-error-400-invalid-request', path: chat, body: say('sandbox:error-400') },
  { recording: 'ollama/models-models-list', path: '/models' },
];
