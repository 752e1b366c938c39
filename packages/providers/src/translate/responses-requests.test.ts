import { describe, expect, test } from 'vitest';
import { CHAT, call, HI, MESSAGES, RESPONSES, TOOL, tell } from './requests.test-kit.ts';

describe('responses told in the other wires, and back', () => {
  const input = [
    { role: 'developer', content: 'd' },
    {
      role: 'user',
      content: [
        { type: 'input_text', text: 'Hi' },
        { type: 'input_image', image_url: 'data:image/png;base64,A' },
      ],
    },
    { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 't' }], encrypted_content: 'E' },
    { type: 'function_call', call_id: 'a', name: 'f', arguments: '{"a":1}' },
    { type: 'function_call_output', call_id: 'a', output: 'r' },
  ];
  const tools = [{ type: 'function', name: 'f', parameters: { type: 'object' }, strict: false }];
  const body = {
    instructions: 'i',
    input,
    tools,
    max_output_tokens: 50,
    text: { format: { type: 'json_schema', name: 'n', schema: {} } },
    reasoning: { effort: 'low' },
  };

  test('as chat completions', () => {
    expect(tell(RESPONSES, CHAT, body, { effort_models: [''] })).toMatchObject({
      messages: [
        { role: 'system', content: 'i' },
        { role: 'developer', content: 'd' },
        { role: 'user', content: [{ type: 'text', text: 'Hi' }, { type: 'image_url' }] },
        { role: 'assistant', content: null, tool_calls: [call('a')] },
        { role: 'tool', tool_call_id: 'a', content: 'r' },
      ],
      max_tokens: 50,
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {} } },
    });
  });

  test('as messages', () => {
    expect(tell(RESPONSES, MESSAGES, { ...body, max_output_tokens: 5000 })).toMatchObject({
      system: [{ text: 'i' }, { text: 'd' }],
      messages: [
        { role: 'user' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'a', input: { a: 1 } }] },
        { role: 'user', content: [{ type: 'tool_result', content: 'r' }] },
      ],
      max_tokens: 5000,
    });
  });

  test('from chat completions, with the reasoning that came from there', () => {
    const details = [
      { type: 'reasoning.summary', summary: 't', id: 'rs_1', format: 'openai-responses-v1' },
      { type: 'reasoning.encrypted', data: 'E', id: 'rs_1', format: 'openai-responses-v1' },
    ];
    const messages = [
      ...HI,
      { role: 'assistant', reasoning_details: details, tool_calls: [call('a')] },
      { role: 'tool', tool_call_id: 'a', content: 'r' },
    ];
    expect(tell(CHAT, RESPONSES, { messages, max_tokens: 3, tools: [TOOL] }, { effort_models: [''] })).toMatchObject({
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 't' }], encrypted_content: 'E' },
        { type: 'function_call', call_id: 'a', name: 'f', arguments: '{"a":1}' },
        { type: 'function_call_output', call_id: 'a', output: 'r' },
      ],
      max_output_tokens: 16,
      store: false,
      include: ['reasoning.encrypted_content'],
    });
  });
});
