import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import type { NeutralAnswer } from '@ownkey/contract/neutral';
import type { Wire } from '@ownkey/contract/provider';
import { readBody } from '@ownkey/policy/read-body';
import { loadCatalogue, targetFor } from '@ownkey/providers/catalogue';
import { prepareExchange } from '@ownkey/providers/exchange';
import { answerEvents } from '@ownkey/providers/translate/answer-events';
import { DIALECTS } from '@ownkey/providers/translate/dialects';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';

/** The official clients read what comes out of a translation, streamed and not, without a network in between. */
const WIRES: readonly Wire[] = ['openai-chat', 'anthropic-messages', 'openai-responses'];
const base = loadCatalogue(join(import.meta.dirname, '../../catalogue')).entries.get('openrouter')!;
const ANSWER: NeutralAnswer = {
  id: 'a1',
  model: 'm',
  created: 1_700_000_000,
  parts: [
    { type: 'thinking', text: 'Let me see.', signature: 'c2ln', format: 'anthropic-claude-v1' },
    { type: 'text', text: 'Höchstens „zwei“.' },
    { type: 'tool-call', id: 'call_1', name: 'add', arguments: '{"a":1,"b":[2]}' },
    { type: 'tool-call', id: 'call_2', name: 'now', arguments: '{}' },
  ],
  stop: 'tool-calls',
  usage: { input: 20, cacheRead: 5, cacheWrite5m: 0, cacheWrite1h: 0, output: 9, reasoning: 4 },
};
const context = { model: 'm', created: 1, includeUsage: true, inputEstimate: 1, request: {} };

/** A `fetch` that is a provider of the wire `from`, spoken to through a translation from the caller's wire. */
function through(
  caller: Wire,
  from: Wire,
  bytes: (isStream: boolean) => string = (isStream) => answerOf(from, isStream),
): typeof fetch {
  return async (_, init) => {
    const body = Buffer.from(String(init?.body));
    const { model, modelRange, stream } = readBody(body, caller);
    const target = targetFor(base);
    const abilities = { ...base.abilities, responses: from === 'openai-responses' };
    const exchange = prepareExchange(
      { ...target, entry: { ...base, dialect: from, abilities } },
      { wire: caller, body, modelRange, stream, upstreamModel: 'm', callerModel: model, headers: {} },
      { answerBytesMax: 1e6 },
    );
    const reader = exchange.reader();
    const head = reader.head(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
    const answer = Buffer.from(bytes(stream));
    const out: Buffer[] = [];
    for (let at = 0; at < answer.length; at += 11)
      out.push(reader.push(answer.subarray(at, at + 11)) ?? Buffer.alloc(0));
    out.push(reader.end() ?? Buffer.alloc(0));
    return new Response(Buffer.concat(out), { status: head.status, headers: head.headers });
  };
}

function answerOf(wire: Wire, isStream: boolean): string {
  const dialect = DIALECTS[wire];
  if (!isStream) return JSON.stringify(dialect.buildAnswer(ANSWER, context));
  const writer = dialect.streamWriter(context);
  return [...answerEvents(ANSWER)].map((event) => writer.write(event)).join('');
}

const openAi = (from: Wire) =>
  new OpenAI({
    apiKey: 'x',
    baseURL: 'https://gateway.example/v1',
    fetch: through('openai-chat', from),
    maxRetries: 0,
  });
const others = (wire: Wire) => WIRES.filter((other) => other !== wire);

describe.each(others('openai-chat'))('the openai client reads chat completions of a provider of %s', (from) => {
  const ask = { model: 'x/m', messages: [{ role: 'user' as const, content: 'Hi' }] };
  const calls = [
    { id: 'call_1', function: { name: 'add', arguments: '{"a":1,"b":[2]}' } },
    { id: 'call_2', function: { name: 'now', arguments: '{}' } },
  ];

  test('whole', async () => {
    const answer = await openAi(from).chat.completions.create(ask);
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: 'Höchstens „zwei“.', reasoning_content: 'Let me see.', tool_calls: calls },
    });
    expect(answer.usage).toMatchObject({ prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 });
  });

  test('streamed', async () => {
    const stream = openAi(from).chat.completions.stream({ ...ask, stream_options: { include_usage: true } });
    const answer = await stream.finalChatCompletion();
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: 'Höchstens „zwei“.', tool_calls: calls },
    });
    expect(answer.usage).toMatchObject({ prompt_tokens: 20, completion_tokens: 9 });
  });
});

describe.each(others('openai-responses'))('the openai client reads responses of a provider of %s', (from) => {
  const client = new OpenAI({
    apiKey: 'x',
    baseURL: 'https://gateway.example/v1',
    fetch: through('openai-responses', from),
    maxRetries: 0,
  });
  const items = ['reasoning', 'message', 'function_call', 'function_call'];

  test('whole', async () => {
    const answer = await client.responses.create({ model: 'x/m', input: 'Hi' });
    expect(answer.output_text).toBe('Höchstens „zwei“.');
    expect(answer.output.map(({ type }) => type)).toEqual(items);
    expect(answer).toMatchObject({
      status: 'completed',
      usage: { input_tokens: 20, output_tokens: 9, total_tokens: 29 },
    });
  });

  test('streamed', async () => {
    const answer = await client.responses.stream({ model: 'x/m', input: 'Hi' }).finalResponse();
    expect(answer.output_text).toBe('Höchstens „zwei“.');
    expect(answer.output.map(({ type }) => type)).toEqual(items);
    expect(answer.output[2]).toMatchObject({ call_id: 'call_1', arguments: '{"a":1,"b":[2]}' });
  });
});

describe.each(others('anthropic-messages'))('the anthropic client reads messages of a provider of %s', (from) => {
  const client = new Anthropic({
    apiKey: 'x',
    baseURL: 'https://gateway.example',
    fetch: through('anthropic-messages', from),
    maxRetries: 0,
  });
  const ask = { model: 'x/m', max_tokens: 50, messages: [{ role: 'user' as const, content: 'Hi' }] };
  const wanted = {
    stop_reason: 'tool_use',
    content: [
      { type: 'thinking', thinking: 'Let me see.' },
      { type: 'text', text: 'Höchstens „zwei“.' },
      { type: 'tool_use', id: 'call_1', name: 'add', input: { a: 1, b: [2] } },
      { type: 'tool_use', id: 'call_2', name: 'now', input: {} },
    ],
    usage: { input_tokens: 15, cache_read_input_tokens: 5, output_tokens: 9 },
  };

  test('whole', async () => {
    expect(await client.messages.create(ask)).toMatchObject(wanted);
  });

  test('streamed', async () => {
    expect(await client.messages.stream(ask).finalMessage()).toMatchObject(wanted);
  });
});

test('the openai client sees an error inside a stream as an error', async () => {
  const broken = () =>
    'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';
  const client = new OpenAI({
    apiKey: 'x',
    baseURL: 'https://gateway.example/v1',
    fetch: through('openai-chat', 'anthropic-messages', broken),
    maxRetries: 0,
  });
  const stream = await client.chat.completions.create({
    model: 'x/m',
    messages: [{ role: 'user', content: 'Hi' }],
    stream: true,
  });
  const readAll = async (): Promise<void> => {
    for await (const chunk of stream) expect(chunk.id).toBe('never');
  };
  await expect(readAll()).rejects.toThrow('Overloaded');
});

test('the anthropic client sees an answer that breaks off as an error', async () => {
  const broken = () => answerOf('openai-chat', true).slice(0, 400);
  const client = new Anthropic({
    apiKey: 'x',
    baseURL: 'https://gateway.example',
    fetch: through('anthropic-messages', 'openai-chat', broken),
    maxRetries: 0,
  });
  const stream = client.messages.stream({ model: 'x/m', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] });
  await expect(stream.finalMessage()).rejects.toThrow('in the middle');
});
