import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { Wire } from '@ownkey/contract/provider';
import { describe, expect, test } from 'vitest';
import type { Json } from '../json.ts';
import { CHAT, call, HI, MESSAGES, RESPONSES, tell } from './requests.test-kit.ts';

describe('what a target cannot say is refused by name', () => {
  const user = (part: Json) => ({ messages: [{ role: 'user', content: [part] }] });
  test.each<[Wire, Wire, Json, string]>([
    [CHAT, MESSAGES, { messages: HI, seed: 1 }, 'seed'],
    [CHAT, MESSAGES, { messages: HI, n: 2 }, 'n'],
    [CHAT, MESSAGES, { messages: HI, logit_bias: { 1: 2 } }, 'logit_bias'],
    [CHAT, MESSAGES, { messages: HI, frequency_penalty: 1 }, 'frequency_penalty'],
    [CHAT, MESSAGES, { messages: HI, unheard_of: 1 }, 'unheard_of'],
    [CHAT, MESSAGES, { messages: HI, temperature: 1.5 }, 'temperature'],
    [CHAT, MESSAGES, { messages: HI, response_format: { type: 'json_object' } }, 'response_format'],
    [CHAT, MESSAGES, { messages: HI, tools: [{ type: 'custom', custom: {} }] }, 'tools[0].type'],
    [CHAT, MESSAGES, user({ type: 'input_audio' }), 'messages[0].content[0]'],
    [CHAT, MESSAGES, user({ type: 'hologram' }), 'messages[0].content[0]'],
    [CHAT, MESSAGES, { messages: [{ role: 'function', content: 'x' }] }, 'messages[0].role'],
    [CHAT, MESSAGES, { messages: [{ role: 'assistant', tool_calls: [call('a', '[1]')] }] }, 'messages'],
    [CHAT, MESSAGES, { messages: 'x' }, 'messages'],
    [CHAT, RESPONSES, { messages: HI, stop: 'x' }, 'stop'],
    [CHAT, RESPONSES, { messages: HI, max_tokens: '7' }, 'max_tokens'],
    [CHAT, MESSAGES, { messages: HI, stop: [1] }, 'stop'],
    [CHAT, MESSAGES, { messages: HI, tools: 'x' }, 'tools'],
    [CHAT, MESSAGES, { messages: HI, reasoning_effort: 'extreme' }, 'reasoning_effort'],
    [CHAT, RESPONSES, { messages: HI, verbosity: 3 }, 'verbosity'],
    [MESSAGES, CHAT, { messages: HI, max_tokens: 'x' }, 'max_tokens'],
    [MESSAGES, CHAT, { messages: HI, thinking: { type: 'weird' } }, 'thinking'],
    [MESSAGES, CHAT, { messages: HI, output_config: { effort: 'extreme' } }, 'output_config.effort'],
    [MESSAGES, CHAT, { messages: HI, output_config: { task_budget: { total: 5 } } }, 'output_config.task_budget'],
    [MESSAGES, CHAT, { messages: HI, output_config: { format: { type: 'grammar' } } }, 'output_config.format'],
    [RESPONSES, CHAT, { input: 'x', reasoning: { effort: 'extreme' } }, 'reasoning.effort'],
    [RESPONSES, CHAT, { input: 'x', reasoning: { context: 'all' } }, 'reasoning.context'],
    [RESPONSES, CHAT, { input: 'x', text: { format: { type: 'grammar' } } }, 'text.format'],
    [RESPONSES, CHAT, { input: 'x', include: ['message.output_text.logprobs'] }, 'include'],
    [MESSAGES, CHAT, { messages: HI, top_k: 5 }, 'top_k'],
    [MESSAGES, CHAT, { messages: HI, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools[0].type'],
    [MESSAGES, CHAT, { messages: HI, mcp_servers: [{}] }, 'mcp_servers'],
    [
      MESSAGES,
      CHAT,
      user({ type: 'document', source: { type: 'text', data: 'x' }, citations: { enabled: true } }),
      'messages[0].content[0]',
    ],
    [MESSAGES, CHAT, user({ type: 'server_tool_use' }), 'messages[0].content[0]'],
    [MESSAGES, CHAT, user({ type: 'document', source: { type: 'url', url: 'https://a.example/b.pdf' } }), 'messages'],
    [RESPONSES, CHAT, { input: 'x', previous_response_id: 'r' }, 'previous_response_id'],
    [RESPONSES, CHAT, { input: 'x', background: true }, 'background'],
    [RESPONSES, CHAT, { input: 'x', tools: [{ type: 'web_search' }] }, 'tools[0].type'],
    [RESPONSES, CHAT, { input: [{ type: 'item_reference', id: 'x' }] }, 'input[0]'],
    [RESPONSES, CHAT, { input: 'x', text: { verbosity: 'low' } }, 'text.verbosity'],
    [RESPONSES, MESSAGES, { input: 'x', service_tier: 'flex' }, 'service_tier'],
  ])('%s to %s: %j', (from, to, body, param) => {
    let refusal: unknown;
    try {
      tell(from, to, body);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(UnsupportedFeature);
    expect(refusal).toMatchObject({ param });
  });
});
