import { join } from 'node:path';
import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { Quirks, Wire } from '@ownkey/contract/provider';
import { describe, expect, test } from 'vitest';
import { loadCatalogue } from '../catalogue.ts';
import type { Json } from '../json.ts';
import { DIALECTS } from './dialects.ts';

const catalogue = loadCatalogue(join(import.meta.dirname, '../../../../catalogue'));
const anthropic = catalogue.entries.get('anthropic')!;

/** A request told in another wire. */
function tell(from: Wire, to: Wire, body: Json, quirks: Quirks = anthropic.quirks): Json {
  const neutral = {
    ...DIALECTS[from].readRequest({ model: 'x/m', ...body }, to),
    model: String(body.model ?? 'claude-sonnet-4-5'),
  };
  return DIALECTS[to].buildRequest(neutral, { ...anthropic, dialect: to, quirks }, true);
}
const CHAT = 'openai-chat';
const MESSAGES = 'anthropic-messages';
const RESPONSES = 'openai-responses';
const HI = [{ role: 'user', content: 'Hi' }];
const TOOL = {
  type: 'function',
  function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
};
const CLAUDE_TOOL = { name: 'f', description: 'd', input_schema: { type: 'object' }, strict: true };
const call = (id: string, args = '{"a":1}') => ({ id, type: 'function', function: { name: 'f', arguments: args } });

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
