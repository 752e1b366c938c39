import type { Quirks } from '@ownkey/contract/provider';
import { describe, expect, test } from 'vitest';
import type { Json } from '../json.ts';
import { CHAT, CLAUDE_TOOL, call, HI, MESSAGES, TOOL, tell } from './requests.test-kit.ts';

describe('messages told as chat completions', () => {
  const quirks: Quirks = {
    stream_usage: 'yes',
    effort_models: ['gpt-5'],
    reasoning_models: ['gpt-5'],
    token_limit_field: 'both',
    no_developer_role: true,
  };
  test.each<[string, Json, Json]>([
    [
      'system prompt and limit',
      { system: 's', max_tokens: 5, messages: HI },
      { messages: [{ role: 'system', content: 's' }, ...HI], max_tokens: 5 },
    ],
    ['the limit of a reasoning family', { model: 'gpt-5', max_tokens: 5, messages: HI }, { max_completion_tokens: 5 }],
    [
      'streams ask for usage',
      { messages: HI, stream: true },
      { stream: true, stream_options: { include_usage: true } },
    ],
    [
      'tool results before the rest of the turn, their images after them',
      {
        messages: [
          ...HI,
          {
            role: 'assistant',
            content: [
              { type: 'text', text: 't' },
              { type: 'tool_use', id: 'a', name: 'f', input: { b: 2 } },
            ],
          },
          {
            role: 'user',
            content: [
              {
                type: 'tool_result',
                tool_use_id: 'a',
                is_error: true,
                content: [
                  { type: 'text', text: 'r' },
                  { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A' } },
                ],
              },
              { type: 'text', text: 'go on' },
            ],
          },
        ],
      },
      {
        messages: [
          ...HI,
          { role: 'assistant', content: 't', tool_calls: [call('a', '{"b":2}')] },
          { role: 'tool', tool_call_id: 'a', content: 'r\n[The image follows.]' },
          {
            role: 'user',
            content: [
              { type: 'image_url', image_url: { url: 'data:image/png;base64,A' } },
              { type: 'text', text: 'go on' },
            ],
          },
        ],
      },
    ],
    [
      'tools',
      {
        messages: HI,
        tools: [{ ...CLAUDE_TOOL, cache_control: { type: 'ephemeral' } }],
        tool_choice: { type: 'any', disable_parallel_tool_use: true },
      },
      { tools: [TOOL], tool_choice: 'required', parallel_tool_calls: false },
    ],
    [
      'settings',
      { messages: HI, stop_sequences: ['x'], temperature: 1, metadata: { user_id: 'u' } },
      { stop: ['x'], temperature: 1, user: 'u' },
    ],
    [
      'a budget as an effort',
      { model: 'gpt-5', messages: HI, thinking: { type: 'enabled', budget_tokens: 5000 } },
      { reasoning_effort: 'medium' },
    ],
    [
      'an effort',
      { model: 'gpt-5', messages: HI, thinking: { type: 'adaptive' }, output_config: { effort: 'max' } },
      { reasoning_effort: 'xhigh' },
    ],
    [
      'text documents',
      { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'text', data: 'doc' } }] }] },
      { messages: [{ role: 'user', content: 'doc' }] },
    ],
  ])('%s', (_, body, wanted) => {
    expect(tell(MESSAGES, CHAT, body, quirks)).toMatchObject(wanted);
  });

  test('thinking is not asked of models that are not known to take an effort', () => {
    expect(
      tell(
        MESSAGES,
        CHAT,
        { model: 'gpt-4o', messages: HI, thinking: { type: 'enabled', budget_tokens: 5000 } },
        quirks,
      ).reasoning_effort,
    ).toBeUndefined();
  });

  test.each<[string, Quirks, Json]>([
    ['under the name the provider gives it', { reasoning_field: 'reasoning_content' }, { reasoning_content: 't' }],
    [
      'with its signature where there is a place for it',
      { reasoning_details: true },
      { reasoning_details: [{ type: 'reasoning.text', text: 't', signature: 's', format: 'anthropic-claude-v1' }] },
    ],
    [
      'as a part',
      { content_parts: true },
      {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 't' }] },
          { type: 'text', text: 'x' },
        ],
      },
    ],
    ['nowhere', {}, { role: 'assistant', content: 'x' }],
  ])('thinking of earlier turns goes back %s', (_, given, wanted) => {
    const messages = [
      ...HI,
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 't', signature: 's' },
          { type: 'text', text: 'x' },
        ],
      },
    ];
    const [, told] = tell(MESSAGES, CHAT, { messages }, given).messages as Json[];
    expect(told).toEqual({ role: 'assistant', content: 'x', ...wanted });
  });

  test('a tool call gets back the signature that travelled before it', () => {
    const carrier = { type: 'redacted_thinking', data: 'google-gemini-v1:a:SIG' };
    const messages = [
      ...HI,
      { role: 'assistant', content: [carrier, { type: 'tool_use', id: 'a', name: 'f', input: {} }] },
    ];
    const told = JSON.stringify(tell(MESSAGES, CHAT, { messages }, { tool_signature_filler: 'skip' }));
    expect(told).toContain('"thought_signature":"SIG"');
    expect(told).not.toContain('google-gemini-v1');
  });

  test('a tool call that lost its signature gets the filler', () => {
    const messages = [...HI, { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }] }];
    expect(JSON.stringify(tell(MESSAGES, CHAT, { messages }, { tool_signature_filler: 'skip' }))).toContain(
      '"thought_signature":"skip"',
    );
  });
});
