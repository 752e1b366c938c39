import type { Wire } from '@ownkey/contract/provider';

/** Scenarios that are refused, by the field at fault. A refusal that is not here fails the suite, as does one that is gone. */
export const SCENARIO_REFUSALS: readonly {
  feature: string;
  caller: Wire;
  providers: readonly string[];
  param: string;
}[] = [
  { feature: 'seed', caller: 'openai-chat', providers: ['anthropic'], param: 'seed' },
  { feature: 'json-object', caller: 'openai-chat', providers: ['anthropic'], param: 'response_format' },
  { feature: 'json-object', caller: 'openai-responses', providers: ['anthropic'], param: 'text.format' },
  {
    feature: 'top-k',
    caller: 'anthropic-messages',
    providers: [
      'deepseek',
      'gemini',
      'groq',
      'mistral',
      'nvidia',
      'openai',
      'openrouter',
      'perplexity',
      'together',
      'xai',
    ],
    param: 'top_k',
  },
];

/**
 * Recordings (by their file in the folder) whose request holds what a caller's wire has no place for, by wire: the fields. Unknown
 * fields are a provider's own; the rest is in the table of fields.
 */
export const RECORDED_REFUSALS: Readonly<Record<string, Partial<Record<Wire, string>>>> = {
  'anthropic/messages-citations-stream.json': {
    'openai-chat': 'messages[0].content[1]',
    'openai-responses': 'messages[0].content[1]',
  },
  'anthropic/messages-pause-turn-stream.json': { 'openai-chat': 'tools[0].type', 'openai-responses': 'tools[0].type' },
  'anthropic/messages-server-tool-stream.json': { 'openai-chat': 'tools[0].type', 'openai-responses': 'tools[0].type' },
  'anthropic/messages-stop-sequence.json': { 'openai-responses': 'stop_sequences' },
  'deepseek/chat-completions-error-422-invalid-request.json': {
    'anthropic-messages': 'messages[0].content',
    'openai-responses': 'messages[0].content',
  },
  'deepseek/chat-completions-reasoning-stream.json': {
    'anthropic-messages': 'thinking',
    'openai-responses': 'thinking',
  },
  'mistral/chat-completions-cache-read.json': {
    'anthropic-messages': 'random_seed',
    'openai-responses': 'random_seed',
  },
  'mistral/chat-completions-error-422-bad-attachment.json': {
    'anthropic-messages': 'messages[0].content',
    'openai-responses': 'messages[0].content',
  },
  'mistral/chat-completions-tool-call-stream.json': {
    'anthropic-messages': 'random_seed',
    'openai-responses': 'random_seed',
  },
  'ollama/chat-completions-error-400-invalid-request.json': {
    'anthropic-messages': 'messages[0].content',
    'openai-responses': 'messages[0].content',
  },
  'ollama/chat-completions-reasoning-tool-call-stream.json': {
    'anthropic-messages': 'enable_thinking',
    'openai-responses': 'enable_thinking',
  },
  'ollama/messages-reasoning.json': { 'openai-responses': 'stop_sequences' },
  'openai/chat-completions-error-400-unsupported-parameter.json': {
    'anthropic-messages': 'seed',
    'openai-responses': 'seed, stop',
  },
  'openai/chat-completions-n-choices-stream.json': { 'anthropic-messages': 'n', 'openai-responses': 'n' },
  'openai/responses-error-429-insufficient-quota.json': {
    'openai-chat': 'tools[0].type',
    'anthropic-messages': 'tools[0].type',
  },
  'openai/responses-json-schema.json': { 'anthropic-messages': 'text.format' },
  'openai/responses-server-tool-stream.json': { 'openai-chat': 'tools[0].type', 'anthropic-messages': 'tools[0].type' },
  'openrouter/chat-completions-cache-read.json': {
    'anthropic-messages': 'models, provider, transforms',
    'openai-responses': 'models, provider, transforms',
  },
  'openrouter/chat-completions-cache-write.json': { 'anthropic-messages': 'provider', 'openai-responses': 'provider' },
  'openrouter/chat-completions-reasoning-stream.json': {
    'anthropic-messages': 'reasoning',
    'openai-responses': 'reasoning',
  },
  'vllm/chat-completions-text-stream.json': { 'anthropic-messages': 'extra_body', 'openai-responses': 'extra_body' },
};
