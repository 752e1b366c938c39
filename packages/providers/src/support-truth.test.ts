import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { Wire } from '@ownkey/contract/provider';
import { describe, expect, test } from 'vitest';
import type { Json } from './json.ts';
import { type Rule, SUPPORT } from './support.ts';
import { CLAUDE_TOOL, HI, TOOL, tell } from './translate/requests.test-kit.ts';

const SCHEMA = { type: 'object', properties: { a: { type: 'integer' } }, additionalProperties: false };
const RESPONSES_TOOL = { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true };
/** Every quirk that lets a provider take what it can. */
const QUIRKS = { effort_models: [''], cache_control: true, adaptive_thinking: [''] };

const BASE: Readonly<Record<Wire, Json>> = {
  'openai-chat': { messages: HI, tools: [TOOL] },
  'anthropic-messages': { messages: HI, max_tokens: 2_000, tools: [CLAUDE_TOOL] },
  'openai-responses': { input: 'Hi', tools: [RESPONSES_TOOL] },
};

/** A value of each top-level field that asks for something other than what happens anyway. */
const SAMPLES: Readonly<Record<Wire, Json>> = {
  'openai-chat': {
    model: 'other/m-2',
    messages: [{ role: 'system', content: 'Be brief.' }, ...HI],
    stream: true,
    max_tokens: 7,
    max_completion_tokens: 7,
    temperature: 0.5,
    top_p: 0.5,
    stop: ['END'],
    tools: [TOOL, { ...TOOL, function: { ...TOOL.function, name: 'g' } }],
    tool_choice: 'required',
    parallel_tool_calls: false,
    response_format: { type: 'json_schema', json_schema: { name: 's', schema: SCHEMA, strict: true } },
    reasoning_effort: 'low',
    user: 'u-1',
    safety_identifier: 'u-1',
    metadata: { a: 'b' },
    service_tier: 'flex',
    seed: 7,
    frequency_penalty: 0.5,
    presence_penalty: 0.5,
    logit_bias: { 1: 2 },
    top_k: 5,
    n: 2,
    logprobs: true,
    top_logprobs: 2,
    store: true,
    prompt_cache_key: 'k',
    prompt_cache_retention: '24h',
    verbosity: 'low',
    modalities: ['audio'],
    audio: { voice: 'a' },
    prediction: { type: 'content', content: 'a' },
    web_search_options: {},
    functions: [{ name: 'f' }],
    function_call: 'auto',
  },
  'anthropic-messages': {
    model: 'other/m-2',
    messages: [...HI, { role: 'assistant', content: 'Yes' }, ...HI],
    system: 'Be brief.',
    max_tokens: 7,
    stream: true,
    temperature: 0.5,
    top_p: 0.5,
    top_k: 5,
    stop_sequences: ['END'],
    tools: [CLAUDE_TOOL, { ...CLAUDE_TOOL, name: 'g' }],
    tool_choice: { type: 'any' },
    thinking: { type: 'enabled', budget_tokens: 1_024 },
    output_config: { effort: 'low' },
    metadata: { user_id: 'u-1' },
    service_tier: 'priority',
    context_management: { edits: [] },
    container: 'c',
    mcp_servers: [{ type: 'url', url: 'https://mcp.example' }],
    inference_geo: 'eu',
    betas: ['b-1'],
    cache_control: { type: 'ephemeral' },
  },
  'openai-responses': {
    model: 'other/m-2',
    input: [{ role: 'user', content: 'Hello' }],
    instructions: 'Be brief.',
    stream: true,
    stream_options: { include_obfuscation: false },
    max_output_tokens: 77,
    temperature: 0.5,
    top_p: 0.5,
    tools: [RESPONSES_TOOL, { ...RESPONSES_TOOL, name: 'g' }],
    tool_choice: 'required',
    parallel_tool_calls: false,
    text: { format: { type: 'json_schema', name: 's', schema: SCHEMA, strict: true } },
    reasoning: { effort: 'low' },
    include: ['message.output_text.logprobs'],
    store: true,
    user: 'u-1',
    safety_identifier: 'u-1',
    metadata: { a: 'b' },
    service_tier: 'flex',
    prompt_cache_key: 'k',
    prompt_cache_retention: '24h',
    truncation: 'auto',
    background: true,
    previous_response_id: 'resp_1',
    conversation: 'conv_1',
    prompt: { id: 'p' },
    max_tool_calls: 3,
    top_logprobs: 2,
    moderation: {},
  },
};

/** What is said by being asked for elsewhere: usage in streams is always read, whoever asks. */
const SAID_ELSEWHERE = ['stream_options'];

interface Row {
  from: Wire;
  to: Wire;
  name: string;
  rule: Rule;
}

const wires: readonly Wire[] = ['openai-chat', 'anthropic-messages', 'openai-responses'];
const rows: Row[] = wires.flatMap((from) =>
  Object.entries(SUPPORT[from])
    .filter(([name]) => !name.includes('.') && !(from === 'openai-chat' && SAID_ELSEWHERE.includes(name)))
    .flatMap(([name, field]) =>
      wires.flatMap((to) => {
        const rule = field.to[to];
        return rule ? [{ from, to, name, rule }] : [];
      }),
    ),
);

describe('the table of fields tells the truth', () => {
  test.each(rows)('of $from $name, to $to: $rule.kind', ({ from, to, name, rule }) => {
    const sample = SAMPLES[from][name];
    expect(sample, 'a value to try').toBeDefined();
    const said = { ...BASE[from], [name]: sample };
    if (rule.kind === 'refused') {
      expect(() => tell(from, to, said, QUIRKS)).toThrow(UnsupportedFeature);
      return;
    }
    const same = expect(tell(from, to, said, QUIRKS));
    const without = tell(from, to, BASE[from], QUIRKS);
    if (rule.kind === 'mapped') same.not.toEqual(without);
    else same.toEqual(without);
  });
});
