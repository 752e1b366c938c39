import { describe, expect, test } from 'vitest';
import type { Json } from '../json.ts';
import { CHAT, CLAUDE_TOOL, call, HI, MESSAGES, TOOL, tell } from './requests.test-kit.ts';

describe('chat completions told as messages', () => {
  test.each<[string, Json, Json]>([
    ['a limit is sent though none is asked', { messages: HI }, { max_tokens: 64000, messages: HI }],
    ['a limit', { messages: HI, max_completion_tokens: 7 }, { max_tokens: 7 }],
    [
      'system and developer messages',
      { messages: [{ role: 'system', content: 'a' }, { role: 'developer', content: 'b' }, ...HI] },
      {
        system: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
        messages: HI,
      },
    ],
    [
      'marks for the cache',
      {
        messages: [
          { role: 'system', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] },
          ...HI,
        ],
      },
      { system: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] },
    ],
    [
      'neighbours of one role',
      { messages: [...HI, { role: 'user', content: 'there' }] },
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Hi' },
              { type: 'text', text: 'there' },
            ],
          },
        ],
      },
    ],
    [
      'images by address and by data',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image_url', image_url: { url: 'https://a.example/b.png', detail: 'low' } },
              { type: 'image_url', image_url: { url: 'data:image/png;base64,AAA=' } },
            ],
          },
        ],
      },
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image', source: { type: 'url', url: 'https://a.example/b.png' } },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAA=' } },
            ],
          },
        ],
      },
    ],
    [
      'files',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAA=' } }],
          },
        ],
      },
      {
        messages: [
          {
            role: 'user',
            content: [
              {
                type: 'document',
                source: { type: 'base64', media_type: 'application/pdf', data: 'AAA=' },
                title: 'a.pdf',
              },
            ],
          },
        ],
      },
    ],
    [
      'parallel calls and their results, before what the user says next',
      {
        messages: [
          ...HI,
          { role: 'assistant', content: null, tool_calls: [call('a'), call('b', '')] },
          { role: 'tool', tool_call_id: 'a', content: '1' },
          { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: '2' }] },
          { role: 'user', content: 'and?' },
        ],
      },
      {
        messages: [
          ...HI,
          {
            role: 'assistant',
            content: [
              { type: 'tool_use', id: 'a', name: 'f', input: { a: 1 } },
              { type: 'tool_use', id: 'b', name: 'f', input: {} },
            ],
          },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 'a', content: '1' },
              { type: 'tool_result', tool_use_id: 'b', content: '2' },
              { type: 'text', text: 'and?' },
            ],
          },
        ],
      },
    ],
    [
      'ids with characters that are not taken',
      {
        messages: [
          ...HI,
          { role: 'assistant', tool_calls: [call('f.x:0')] },
          { role: 'tool', tool_call_id: 'f.x:0', content: '1' },
        ],
      },
      {
        messages: [
          ...HI,
          { role: 'assistant', content: [{ type: 'tool_use', id: 'f_x_0', name: 'f', input: { a: 1 } }] },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'f_x_0', content: '1' }] },
        ],
      },
    ],
    [
      'tools',
      { messages: HI, tools: [TOOL], tool_choice: 'required', parallel_tool_calls: false },
      { tools: [CLAUDE_TOOL], tool_choice: { type: 'any', disable_parallel_tool_use: true } },
    ],
    [
      'one tool',
      { messages: HI, tools: [TOOL], tool_choice: { type: 'function', function: { name: 'f' } } },
      { tool_choice: { type: 'tool', name: 'f' } },
    ],
    [
      'settings',
      { messages: HI, temperature: 0.5, top_p: 0.9, stop: 'x', user: 'u', stream: true },
      { temperature: 0.5, top_p: 0.9, stop_sequences: ['x'], metadata: { user_id: 'u' }, stream: true },
    ],
    [
      'a schema',
      {
        messages: HI,
        response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } },
      },
      { output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } },
    ],
    [
      'an effort as a budget',
      { messages: HI, reasoning_effort: 'low' },
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
    ],
    [
      'an effort as an effort, for models that take one',
      { model: 'claude-opus-5', messages: HI, reasoning_effort: 'high' },
      { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } },
    ],
    [
      'signed thinking',
      {
        messages: [
          ...HI,
          {
            role: 'assistant',
            content: 'x',
            reasoning_content: 't',
            reasoning_details: [{ type: 'reasoning.text', text: 't', signature: 's', format: 'anthropic-claude-v1' }],
          },
        ],
      },
      {
        messages: [
          ...HI,
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 't', signature: 's' },
              { type: 'text', text: 'x' },
            ],
          },
        ],
      },
    ],
    [
      'asks for what happens anyway',
      {
        messages: HI,
        n: 1,
        frequency_penalty: 0,
        logprobs: false,
        seed: null,
        store: false,
        service_tier: 'auto',
        modalities: ['text'],
      },
      { messages: HI },
    ],
  ])('%s', (_, body, wanted) => {
    expect(tell(CHAT, MESSAGES, body)).toMatchObject(wanted);
  });

  test('unsigned thinking of earlier turns is left out, and so is a budget that would need it', () => {
    const messages = [
      ...HI,
      { role: 'assistant', reasoning_content: 't', tool_calls: [call('a')] },
      { role: 'tool', tool_call_id: 'a', content: '1' },
    ];
    const told = tell(CHAT, MESSAGES, { messages, reasoning_effort: 'high', tools: [TOOL] });
    expect(JSON.stringify(told)).not.toContain('thinking');
  });

  test('a budget leaves room for the answer, or thinking is left out', () => {
    expect(tell(CHAT, MESSAGES, { messages: HI, reasoning_effort: 'high', max_tokens: 4096 }).thinking).toEqual({
      type: 'enabled',
      budget_tokens: 3072,
    });
    expect(tell(CHAT, MESSAGES, { messages: HI, reasoning_effort: 'high', max_tokens: 100 }).thinking).toBeUndefined();
  });
});
