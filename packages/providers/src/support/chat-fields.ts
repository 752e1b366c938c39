import type { FieldSupport, Rule } from '../support.ts';
import { both, isEmpty, isFalse, isOne, isOneOf, isZero, mapped, omitted, refused } from './rules.ts';

const toBoth = (rule: Rule, harmless?: (value: unknown) => boolean): FieldSupport =>
  both('anthropic-messages', 'openai-responses', rule, harmless);
const toMessages = (rule: Rule, responses: Rule, harmless?: (value: unknown) => boolean): FieldSupport => ({
  to: { 'anthropic-messages': rule, 'openai-responses': responses },
  ...(harmless ? { harmless } : {}),
});

const NO_CHOICES = refused('one answer a request');
const NO_SAMPLING = refused('there is no such setting');
const NO_LOGPROBS = refused('probabilities are not reported there');
const NO_AUDIO = refused('audio is not translated');

/** Fields of a request of the Chat Completions API: platform.openai.com/docs/api-reference/chat/create */
export const CHAT_FIELDS: Readonly<Record<string, FieldSupport>> = {
  model: toBoth(mapped()),
  messages: toMessages(mapped('system and developer messages become the system prompt'), mapped('input')),
  stream: toBoth(mapped()),
  stream_options: toBoth(mapped('usage is reported in the stream where asked')),
  max_tokens: toMessages(
    mapped('the provider needs a limit: without one, the model’s largest is sent'),
    mapped('max_output_tokens, at least 16'),
  ),
  max_completion_tokens: toMessages(mapped('max_tokens'), mapped('max_output_tokens, at least 16')),
  temperature: toMessages(mapped('values above 1 are refused where the provider ends at 1'), mapped()),
  top_p: toBoth(mapped()),
  stop: toMessages(mapped('stop_sequences'), refused('there are no stop sequences')),
  tools: toBoth(mapped()),
  tool_choice: toBoth(mapped()),
  parallel_tool_calls: toMessages(mapped('disable_parallel_tool_use'), mapped()),
  response_format: toMessages(mapped('a schema becomes output_config.format'), mapped('text.format')),
  reasoning_effort: toMessages(
    mapped('thinking with an effort, or with a budget for older models'),
    mapped('reasoning.effort, for models known to take one'),
  ),
  user: toMessages(mapped('metadata.user_id'), mapped()),
  safety_identifier: toMessages(mapped('metadata.user_id'), mapped('user')),
  metadata: toMessages(refused('only a user id can be sent'), mapped(), isEmpty),
  service_tier: toMessages(refused('tiers differ'), mapped(), isOneOf('auto', 'default')),
  seed: toBoth(NO_SAMPLING),
  frequency_penalty: toBoth(NO_SAMPLING, isZero),
  presence_penalty: toBoth(NO_SAMPLING, isZero),
  logit_bias: toBoth(NO_SAMPLING, isEmpty),
  top_k: toMessages(mapped(), NO_SAMPLING),
  n: toBoth(NO_CHOICES, isOne),
  logprobs: toBoth(NO_LOGPROBS, isFalse),
  top_logprobs: toBoth(NO_LOGPROBS, isZero),
  store: toMessages(refused('answers are not kept there'), omitted('nothing is stored, whatever is asked'), isFalse),
  prompt_cache_key: toMessages(omitted('a hint to the cache'), mapped()),
  prompt_cache_retention: toMessages(omitted('a hint to the cache'), mapped()),
  verbosity: toMessages(refused('there is no such setting'), mapped('text.verbosity'), isOneOf('medium')),
  modalities: toBoth(NO_AUDIO, (value) => Array.isArray(value) && value.every((item) => item === 'text')),
  audio: toBoth(NO_AUDIO),
  prediction: toBoth(refused('predicted outputs are not taken')),
  web_search_options: toBoth(refused('the provider’s own search is asked for differently')),
  functions: toBoth(refused('use "tools"'), isEmpty),
  function_call: toBoth(refused('use "tool_choice"')),
  'messages.content.input_audio': toBoth(NO_AUDIO),
  'messages.content.other': toBoth(refused('this kind of content is not known')),
  'messages.function': toBoth(refused('use messages of the role "tool"')),
  'messages.name': toMessages(omitted('names of speakers have no place there'), omitted('names have no place there')),
  'messages.reasoning_content': toBoth(
    omitted(
      'reasoning of earlier turns goes back only with its signature (in "reasoning_details"), to where it came from',
    ),
  ),
  'tools.custom': toBoth(refused('only tools of the type "function" are translated')),
  'response_format.json_object': toMessages(refused('ask for a JSON schema instead'), mapped()),
  'tool_calls.arguments': toMessages(refused('the arguments are no JSON object'), mapped()),
};
