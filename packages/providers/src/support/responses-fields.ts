import type { FieldSupport, Rule } from '../support.ts';
import { both, isEmpty, isFalse, isOneOf, isZero, mapped, omitted, refused } from './rules.ts';

const toBoth = (rule: Rule, harmless?: (value: unknown) => boolean): FieldSupport =>
  both('openai-chat', 'anthropic-messages', rule, harmless);
const toChat = (rule: Rule, messages: Rule, harmless?: (value: unknown) => boolean): FieldSupport => ({
  to: { 'openai-chat': rule, 'anthropic-messages': messages },
  ...(harmless ? { harmless } : {}),
});

const STATE = refused('the provider keeps no state: send the whole conversation');
const SERVER_SIDE = refused('tools the provider runs itself are not translated');

/** Fields of a request of the Responses API: platform.openai.com/docs/api-reference/responses/create */
export const RESPONSES_FIELDS: Readonly<Record<string, FieldSupport>> = {
  model: toBoth(mapped()),
  input: toBoth(mapped()),
  instructions: toBoth(mapped('a system message')),
  stream: toBoth(mapped()),
  stream_options: toBoth(omitted('padding against guessing lengths'), isEmpty),
  max_output_tokens: toBoth(mapped()),
  temperature: toBoth(mapped()),
  top_p: toBoth(mapped()),
  tools: toBoth(mapped()),
  tool_choice: toBoth(mapped()),
  parallel_tool_calls: toBoth(mapped()),
  text: toBoth(mapped('format; verbosity other than "medium" is refused')),
  reasoning: toBoth(mapped('effort; summaries come as the provider gives them')),
  include: toBoth(
    refused('probabilities are not reported (encrypted reasoning is always included where there is any)'),
    (value) => Array.isArray(value) && !value.includes('message.output_text.logprobs'),
  ),
  store: toBoth(omitted('nothing is stored, whatever is asked')),
  user: toBoth(mapped()),
  safety_identifier: toBoth(mapped('the user')),
  metadata: toBoth(omitted('a label of stored responses')),
  service_tier: toChat(mapped(), refused('tiers differ'), isOneOf('auto', 'default')),
  prompt_cache_key: toBoth(omitted('a hint to the cache')),
  prompt_cache_retention: toBoth(omitted('a hint to the cache')),
  truncation: toBoth(refused('conversations are not cut'), isOneOf('disabled')),
  background: toBoth(STATE, isFalse),
  previous_response_id: toBoth(STATE),
  conversation: toBoth(STATE),
  prompt: toBoth(refused('stored prompts belong to that provider')),
  max_tool_calls: toBoth(refused('there is no such limit')),
  top_logprobs: toBoth(refused('probabilities are not reported'), isZero),
  moderation: toBoth(refused('moderation is asked for differently')),
  'input.item': toBoth(refused('this kind of item is not known')),
  'input.item_reference': toBoth(STATE),
  'input.content': toBoth(refused('this kind of content is not known')),
  'tools.server': toBoth(SERVER_SIDE),
  'text.json_object': toChat(mapped(), refused('ask for a JSON schema instead')),
  'text.verbosity': toBoth(refused('there is no such setting')),
};
