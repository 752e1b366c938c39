import type { FieldSupport, Rule } from '../support.ts';
import { both, isEmpty, isOneOf, mapped, omitted, refused } from './rules.ts';

const toBoth = (rule: Rule, harmless?: (value: unknown) => boolean): FieldSupport =>
  both('openai-chat', 'openai-responses', rule, harmless);
const toChat = (rule: Rule, responses: Rule, harmless?: (value: unknown) => boolean): FieldSupport => ({
  to: { 'openai-chat': rule, 'openai-responses': responses },
  ...(harmless ? { harmless } : {}),
});

const SERVER_SIDE = refused('tools the provider runs itself are not translated');
const CACHE = omitted('a hint to the cache; kept for providers that know it');

/** Fields of a request of the Messages API: platform.claude.com/docs/en/api/messages */
export const MESSAGES_FIELDS: Readonly<Record<string, FieldSupport>> = {
  model: toBoth(mapped()),
  messages: toBoth(mapped()),
  system: toBoth(mapped('a system message')),
  max_tokens: toBoth(mapped()),
  stream: toBoth(mapped()),
  temperature: toBoth(mapped()),
  top_p: toBoth(mapped()),
  top_k: toBoth(refused('there is no such setting')),
  stop_sequences: toChat(mapped('stop'), refused('there are no stop sequences'), isEmpty),
  tools: toBoth(mapped()),
  tool_choice: toBoth(mapped()),
  thinking: toBoth(mapped('an effort, for models known to take one; left out for others: a budget obliges to nothing')),
  output_config: toBoth(mapped('effort, and the schema as response_format or text.format')),
  metadata: toBoth(mapped('user_id becomes user')),
  service_tier: toBoth(refused('tiers differ'), isOneOf('auto', 'standard_only')),
  cache_control: toBoth(CACHE),
  context_management: toBoth(refused('the provider does not edit contexts'), isEmpty),
  container: toBoth(SERVER_SIDE),
  mcp_servers: toBoth(SERVER_SIDE, isEmpty),
  inference_geo: toBoth(refused('places are chosen differently')),
  betas: toBoth(refused('betas belong to that provider'), isEmpty),
  'messages.content.cache_control': toBoth(CACHE),
  'messages.content.server_tool': toBoth(SERVER_SIDE),
  'messages.content.thinking': toBoth(
    omitted('thinking of earlier turns goes back with its signature, to where it came from'),
  ),
  'messages.content.search_result': toBoth(refused('search results have no counterpart')),
  'messages.content.citations': toBoth(refused('citations are not made there')),
  'messages.content.file_id': toChat(mapped('the id must be one of the other provider'), mapped()),
  'messages.content.document_text': toBoth(mapped('as text')),
  'messages.content.other': toBoth(refused('this kind of content is not known')),
  'tools.server': toBoth(SERVER_SIDE),
  'tools.defer_loading': toBoth(omitted('the tool is offered from the start')),
  'tools.input_examples': toBoth(omitted('examples of arguments have no place there')),
};
