import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Json, type JsonObject, listOf, objectOf, objectsOf, textOf } from './json.ts';
import { loadScenarios } from './scenario.ts';
import type { Sandbox } from './start.ts';
import { at, CATALOGUE, eventsOf, openSandbox, SandboxClient } from './test-client.ts';
import { tokensOf } from './tokens.ts';

const ids = readdirSync(CATALOGUE).map((file) => file.replace('.json', ''));
const chatIds = ids.filter((id) => id !== 'anthropic');
const toolIds = chatIds.filter((id) => id !== 'perplexity');
const scenarios = loadScenarios(new URL('../scenarios', import.meta.url).pathname);
const parameters: JsonObject = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } };
const tools: JsonObject[] = ['get_weather', 'get_time'].map((name) => ({
  type: 'function',
  function: { name, parameters },
}));
const claudeTools: JsonObject[] = ['get_weather', 'get_time'].map((name) => ({ name, input_schema: parameters }));

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());
const clientOf = (id: string): SandboxClient => new SandboxClient(sandbox, id);
const toolsOf = (client: SandboxClient): JsonObject => ({ tools: client.messages ? claudeTools : tools });
const stream: JsonObject = { stream: true, stream_options: { include_usage: true } };

/** The text of a chat stream, and the last usage in it. */
function readChat(text: string): { said: string; usage: Json | undefined } {
  let said = '';
  let usage: Json | undefined;
  for (const event of eventsOf(text)) {
    const content = at(event, 'choices', 0, 'delta', 'content');
    if (typeof content === 'string') said += content;
    const found = event.usage ?? at(event, 'x_groq', 'usage');
    if (found) usage = found;
  }
  return { said, usage };
}

describe.each(chatIds)('%s', (id) => {
  it('says the same text, and counts the same, streaming and not', async () => {
    const client = clientOf(id);
    const whole = (await client.say('Hello')).json;
    const streamed = readChat((await client.say('Hello', stream)).text);
    expect(streamed.said).toBe(at(whole, 'choices', 0, 'message', 'content'));
    expect(streamed.usage).toEqual(at(whole, 'usage'));
  });

  it('counts one token per 4 bytes', async () => {
    const whole = (await clientOf(id).say('Hello, sandbox!')).json;
    const said = textOf(at(whole, 'choices', 0, 'message', 'content'));
    expect(at(whole, 'usage', 'prompt_tokens')).toBe(4);
    expect(at(whole, 'usage', 'completion_tokens')).toBe(tokensOf(said));
    expect(Buffer.byteLength(said)).toBeGreaterThan(said.length);
  });

  it('keeps to the token limit and to stop sequences', async () => {
    const client = clientOf(id);
    const short = (await client.say('Hello', { max_tokens: 3 })).json;
    expect(at(short, 'choices', 0, 'finish_reason')).toBe('length');
    expect(at(short, 'usage', 'completion_tokens')).toBe(3);
    const stopped = (await client.say('Hello', { stop: ['height'] })).json;
    expect(at(stopped, 'choices', 0, 'message', 'content')).toBe('A lighthouse needs three things: ');
    expect(at(stopped, 'choices', 0, 'finish_reason')).toBe('stop');
  });

  it('answers with the schema it is given', async () => {
    const schema = { type: 'object', properties: { colour: { type: 'string', enum: ['red', 'blue'] } } };
    const format = { type: 'json_schema', json_schema: { name: 'colour', schema } };
    const whole = (await clientOf(id).say('A colour', { response_format: format })).json;
    expect(at(whole, 'choices', 0, 'message', 'content')).toBe('{"colour":"red"}');
  });

  it.each([...scenarios.values()].filter((scenario) => scenario.error))(
    'refuses in its own way: $name',
    async (scenario) => {
      const heard = await clientOf(id).say(`sandbox:${scenario.name}`);
      expect(heard.status).toBeGreaterThanOrEqual(400);
      if (scenario.error?.kind === 'rate_limited')
        expect(heard.headers.get('retry-after')).toBe(scenario.error.retryAfter === 2 ? '2' : null);
    },
  );
});

describe.each(toolIds)('tools at %s', (id) => {
  it('are called alone, in parallel and as named, with arguments after their schema; then their answers are used', async () => {
    const client = clientOf(id);
    const one = objectsOf(
      at((await client.say('sandbox:tools', { tools })).json, 'choices', 0, 'message', 'tool_calls'),
    );
    expect(one.map((call) => objectOf(call.function))).toEqual([
      { name: 'get_weather', arguments: '{"city":"Lisbon","days":7}' },
    ]);
    const both = (await client.say('sandbox:parallel-tools', { tools })).json;
    expect(
      objectsOf(at(both, 'choices', 0, 'message', 'tool_calls')).map((call) => at(call, 'function', 'name')),
    ).toEqual(['get_weather', 'get_time']);
    expect(at(both, 'choices', 0, 'finish_reason')).toBe('tool_calls');
    const choice = { type: 'function', function: { name: 'get_time' } };
    const named = (await client.say('Hello', { tools, tool_choice: choice })).json;
    expect(at(named, 'choices', 0, 'message', 'tool_calls', 0, 'function', 'name')).toBe('get_time');
    const turn = [
      { role: 'user', content: 'sandbox:tools' },
      { role: 'assistant', tool_calls: one },
      { role: 'tool', tool_call_id: textOf(one[0]?.id), content: '21 degrees' },
    ];
    const after = (await client.post('/chat/completions', { model: client.example.model, messages: turn, tools })).json;
    expect(at(after, 'choices', 0, 'message', 'content')).toBe('The tool answered: 21 degrees');
  });

  it('are streamed whole', async () => {
    const events = eventsOf((await clientOf(id).say('sandbox:tools', { tools, ...stream })).text);
    const calls = events.flatMap((event) => objectsOf(at(event, 'choices', 0, 'delta', 'tool_calls')));
    const said = calls.map((call) => textOf(at(call, 'function', 'arguments'))).join('');
    expect(said).toBe('{"city":"Lisbon","days":7}');
  });
});

describe('the Messages wire', () => {
  const client = (): SandboxClient => clientOf('anthropic');

  it('says the same, and counts the same, streaming and not', async () => {
    const whole = (await client().say('Hello')).json;
    const events = eventsOf((await client().say('Hello', { stream: true })).text);
    const said = events.map((event) => textOf(at(event, 'delta', 'text'))).join('');
    expect(said).toBe(at(whole, 'content', 0, 'text'));
    const end = events.find((event) => event.type === 'message_delta');
    expect(at(end, 'usage', 'output_tokens')).toBe(at(whole, 'usage', 'output_tokens'));
    expect(events.map((event) => event.type).slice(0, 3)).toEqual(['message_start', 'content_block_start', 'ping']);
    expect(events.at(-1)?.type).toBe('message_stop');
  });

  it('leaves cache reads and writes out of input_tokens and splits writes by lifetime', async () => {
    const five = at((await client().say('sandbox:cache-mixed and forty bytes of text.....')).json, 'usage');
    expect(at(five, 'cache_read_input_tokens')).toBe(6);
    expect(at(five, 'cache_creation', 'ephemeral_5m_input_tokens')).toBe(3);
    expect(at(five, 'input_tokens')).toBe(3);
    const content = [{ type: 'text', text: 'sandbox:cache-write', cache_control: { type: 'ephemeral', ttl: '1h' } }];
    const hour = (await client().post('/messages', { ...client().request(''), messages: [{ role: 'user', content }] }))
      .json;
    expect(at(hour, 'usage', 'cache_creation', 'ephemeral_1h_input_tokens')).toBe(2);
  });

  it('thinks only when asked, signs it, and takes only its own signature back', async () => {
    const thinking = { type: 'enabled', budget_tokens: 1024 };
    expect(at((await client().say('Hello')).json, 'content', 0, 'type')).toBe('text');
    const whole = (await client().say('Hello', { thinking })).json;
    expect(at(whole, 'content', 0, 'type')).toBe('thinking');
    const again = (signature: Json): JsonObject => ({
      messages: [
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: [{ ...objectOf(at(whole, 'content', 0)), signature }] },
        { role: 'user', content: 'And?' },
      ],
    });
    expect((await client().say('', again(at(whole, 'content', 0, 'signature') ?? null))).status).toBe(200);
    expect((await client().say('', again('forged'))).status).toBe(400);
  });

  it('calls tools, stops at sequences, declines, and counts tokens as a generation does', async () => {
    const called = (await client().say('sandbox:parallel-tools', toolsOf(client()))).json;
    expect(listOf(at(called, 'content')).map((block) => at(block, 'name'))).toEqual(['get_weather', 'get_time']);
    expect(at(called, 'stop_reason')).toBe('tool_use');
    const stopped = (await client().say('Hello', { stop_sequences: ['lamp'] })).json;
    expect([at(stopped, 'stop_reason'), at(stopped, 'stop_sequence')]).toEqual(['stop_sequence', 'lamp']);
    expect(at((await client().say('sandbox:refusal')).json, 'stop_reason')).toBe('refusal');
    const counted = (
      await client().post('/messages/count_tokens', client().request('sandbox:parallel-tools', toolsOf(client())))
    ).json;
    expect(at(counted, 'input_tokens')).toBe(at(called, 'usage', 'input_tokens'));
  });
});

describe('what is peculiar', () => {
  it('Gemini shows thinking in the total alone, streams calls without index and id, and ends them with "stop"', async () => {
    const client = clientOf('gemini');
    const usage = objectOf(at((await client.say('sandbox:reasoning')).json, 'usage'));
    expect(Number(usage.total_tokens)).toBeGreaterThan(Number(usage.prompt_tokens) + Number(usage.completion_tokens));
    const events = eventsOf((await client.say('sandbox:tools', { tools, ...stream })).text);
    const call = objectOf(at(events[0], 'choices', 0, 'delta', 'tool_calls', 0));
    expect(call.index).toBeUndefined();
    expect(call.id).toBe('');
    expect(at(events.at(-1), 'choices', 0, 'finish_reason')).toBe('stop');
  });

  it('newer Gemini models refuse a turn whose call came back without its signature', async () => {
    const client = clientOf('gemini');
    const model = 'gemini-3.5-flash';
    const first = (await client.say('sandbox:tools', { model, tools })).json;
    const calls = objectsOf(at(first, 'choices', 0, 'message', 'tool_calls'));
    expect(textOf(at(calls[0], 'extra_content', 'google', 'thought_signature'))).not.toBe('');
    const turn = (sent: JsonObject[]): JsonObject => ({
      model,
      tools,
      messages: [
        { role: 'user', content: 'sandbox:tools' },
        { role: 'assistant', tool_calls: sent },
        { role: 'tool', tool_call_id: 'a', content: '21' },
      ],
    });
    expect((await client.post('/chat/completions', turn(calls))).status).toBe(200);
    const stripped = calls.map(({ extra_content: _dropped, ...call }) => call);
    const refused = await client.post('/chat/completions', turn(stripped));
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('thought_signature');
  });

  it('reasoning stands on top of the completion tokens at xAI and inside them at DeepSeek', async () => {
    const count = (usage: Json | undefined): number[] =>
      ['prompt_tokens', 'completion_tokens', 'total_tokens'].map((name) => Number(at(usage, name)));
    const onTop = at((await clientOf('xai').say('Hello', { model: 'grok-4.3' })).json, 'usage');
    const [xIn = 0, xOut = 0, xAll = 0] = count(onTop);
    expect(xAll).toBe(xIn + xOut + Number(at(onTop, 'completion_tokens_details', 'reasoning_tokens')));
    const inside = at((await clientOf('deepseek').say('Hello', { model: 'deepseek-reasoner' })).json, 'usage');
    const [dIn = 0, dOut = 0, dAll = 0] = count(inside);
    expect(dAll).toBe(dIn + dOut);
    expect(Number(at(inside, 'completion_tokens_details', 'reasoning_tokens'))).toBeGreaterThan(0);
  });

  it('OpenRouter comments first, tells the cost last, and proves a key at its own endpoint', async () => {
    const client = clientOf('openrouter');
    const text = (await client.say('Hello', stream)).text;
    expect(text.startsWith(': OPENROUTER PROCESSING\n\n')).toBe(true);
    const usage = readChat(text).usage;
    const [input, output] = [Number(at(usage, 'prompt_tokens')), Number(at(usage, 'completion_tokens'))];
    expect(at(usage, 'cost')).toBeCloseTo((input * 0.15 + output * 0.6) / 1e6, 9);
    expect((await client.get('/key')).status).toBe(200);
    expect((await client.get('/key', client.keyOf('invalid'))).status).toBe(401);
  });

  it('OpenAI sends usage in streams only when asked, and its reasoning models take no max_tokens', async () => {
    const client = clientOf('openai');
    expect(readChat((await client.say('Hello', { stream: true })).text).usage).toBeUndefined();
    expect((await client.say('Hello', { model: 'gpt-5-mini', max_tokens: 20 })).status).toBe(400);
    expect((await client.say('Hello', { model: 'gpt-5-mini', max_completion_tokens: 20 })).status).toBe(200);
  });

  it('Mistral puts thinking into content parts', async () => {
    const whole = (await clientOf('mistral').say('Hello', { reasoning_effort: 'high' })).json;
    expect(listOf(at(whole, 'choices', 0, 'message', 'content')).map((part) => at(part, 'type'))).toEqual([
      'thinking',
      'text',
    ]);
  });
});
