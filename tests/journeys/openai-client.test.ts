import OpenAI, { AuthenticationError, BadRequestError, InternalServerError, RateLimitError } from 'openai';
import { beforeAll, describe, expect, it } from 'vitest';
import { connectKey, useProduct } from '../kit/product.ts';
import { mintKey } from '../kit/sandbox-keys.ts';

const product = useProduct();

const TOOLS: OpenAI.Chat.ChatCompletionTool[] = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Weather of a city',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
  {
    type: 'function',
    function: {
      name: 'get_time',
      description: 'Time in a city',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];

function client(): OpenAI {
  const dev = product.dev();
  return new OpenAI({ baseURL: `${dev.gateway_url}/v1`, apiKey: dev.companies[0]?.gateway_token ?? '', maxRetries: 0 });
}

const modelOf = (provider: string) => `${provider}/${product.dev().sandbox.providers[provider]?.model}`;
const says = (content: string): OpenAI.Chat.ChatCompletionMessageParam[] => [{ role: 'user', content }];

/** One provider that speaks the caller's wire, one that is translated, one whose answers are repaired. */
const PROVIDERS = ['openai', 'anthropic', 'gemini'];

beforeAll(async () => {
  for (const provider of PROVIDERS) {
    const { status, body } = await connectKey(product, provider, mintKey(provider, 'valid'));
    expect({ provider, status, body }).toMatchObject({ status: 201, body: { status: 'valid' } });
  }
});

describe.each(PROVIDERS)('the official openai client against %s', (provider) => {
  it('gets a whole answer with usage, and headers that say whose key paid', async () => {
    const { data, response } = await client()
      .chat.completions.create({ model: modelOf(provider), messages: says('Hello') })
      .withResponse();
    expect(data.choices[0]?.message.content).toContain('lighthouse');
    expect(data.choices[0]?.finish_reason).toBe('stop');
    expect(data.usage?.prompt_tokens).toBeGreaterThan(0);
    expect(data.usage?.total_tokens).toBeGreaterThanOrEqual(
      (data.usage?.prompt_tokens ?? 0) + (data.usage?.completion_tokens ?? 0),
    );
    expect(response.headers.get('x-ownkey-key-source')).toBe('own');
    expect(response.headers.get('x-ownkey-key-last4')).toMatch(/^.{4}$/);
    expect(response.headers.get('x-ownkey-provider')).toBe(provider);
    expect(response.headers.get('x-ownkey-request-id')).toMatch(/^req_/);
  });

  it('gets the same text streamed as whole, with one finish and no usage it did not ask for', async () => {
    const whole = await client().chat.completions.create({ model: modelOf(provider), messages: says('Hello') });
    const stream = await client().chat.completions.create({
      model: modelOf(provider),
      messages: says('Hello'),
      stream: true,
    });
    let text = '';
    const finishes: string[] = [];
    let usages = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      if (chunk.choices[0]?.finish_reason) finishes.push(chunk.choices[0].finish_reason);
      if (chunk.usage && chunk.choices.length === 0) usages++;
    }
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(finishes).toEqual(['stop']);
    expect(usages).toBe(0);
  });

  it('gets usage at the end of a stream when it asks for it', async () => {
    const stream = await client().chat.completions.create({
      model: modelOf(provider),
      messages: says('Hello'),
      stream: true,
      stream_options: { include_usage: true },
    });
    const reported: OpenAI.CompletionUsage[] = [];
    for await (const chunk of stream) if (chunk.usage) reported.push(chunk.usage);
    expect(reported.at(-1)?.prompt_tokens).toBeGreaterThan(0);
    expect(reported.at(-1)?.completion_tokens).toBeGreaterThan(0);
  });

  it('holds a conversation with parallel tools to its end', async () => {
    const messages = says('sandbox:parallel-tools Please ask both tools about Oslo.');
    const first = await client().chat.completions.create({ model: modelOf(provider), messages, tools: TOOLS });
    const calls = (first.choices[0]?.message.tool_calls ?? []).filter((call) => call.type === 'function');
    expect(first.choices[0]?.finish_reason).toBe('tool_calls');
    expect(calls.map((call) => call.function.name).sort()).toEqual(['get_time', 'get_weather']);
    expect(new Set(calls.map((call) => call.id)).size).toBe(2);
    for (const call of calls) expect(JSON.parse(call.function.arguments)).toHaveProperty('city');
    messages.push(first.choices[0]?.message ?? { role: 'assistant', content: '' });
    for (const call of calls)
      messages.push({ role: 'tool', tool_call_id: call.id, content: `${call.function.name}: fine` });
    const second = await client().chat.completions.create({ model: modelOf(provider), messages, tools: TOOLS });
    expect(second.choices[0]?.finish_reason).toBe('stop');
    expect(second.choices[0]?.message.content).toContain('get_weather: fine');
  });

  it('assembles streamed tool calls with ids, names and whole arguments', async () => {
    const runner = client().chat.completions.stream({
      model: modelOf(provider),
      messages: says('sandbox:parallel-tools Please ask both tools about Oslo.'),
      tools: TOOLS,
    });
    const final = await runner.finalChatCompletion();
    const calls = (final.choices[0]?.message.tool_calls ?? []).filter((call) => call.type === 'function');
    expect(final.choices[0]?.finish_reason).toBe('tool_calls');
    expect(calls.map((call) => call.function.name).sort()).toEqual(['get_time', 'get_weather']);
    for (const call of calls) expect(JSON.parse(call.function.arguments)).toHaveProperty('city');
  });

  it.each([
    ['sandbox:error-429', RateLimitError, 429],
    ['sandbox:error-500', InternalServerError, null],
    ['sandbox:error-400', BadRequestError, 400],
  ])('raises the class of the error for %s', async (scenario, kind, status) => {
    const call = client().chat.completions.create({ model: modelOf(provider), messages: says(scenario) });
    const error: unknown = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(kind);
    if (status !== null) expect(error).toMatchObject({ status });
  });
});

describe('the official openai client and errors of ours', () => {
  it('raises AuthenticationError for a token that is not one', async () => {
    const dev = product.dev();
    const stranger = new OpenAI({ baseURL: `${dev.gateway_url}/v1`, apiKey: 'oky_nobody', maxRetries: 0 });
    await expect(stranger.chat.completions.create({ model: 'openai/x', messages: says('Hi') })).rejects.toBeInstanceOf(
      AuthenticationError,
    );
  });

  it('raises BadRequestError with our code for a model nobody has', async () => {
    await expect(
      client().chat.completions.create({ model: 'no-such-model', messages: says('Hi') }),
    ).rejects.toMatchObject({
      status: 400,
      code: 'model.unknown',
    });
  });

  it('lists the models of the connected providers as provider/model', async () => {
    const ids: string[] = [];
    for await (const model of client().models.list()) ids.push(model.id);
    for (const provider of PROVIDERS) expect(ids).toContain(modelOf(provider));
  });

  it('is cut off cleanly when it goes: the provider call is ended', async () => {
    const stream = await client().chat.completions.create({
      model: modelOf('openai'),
      messages: says('sandbox:hostile-endless'),
      stream: true,
    });
    for await (const _ of stream) break;
    stream.controller.abort();
    const { sandboxCalls } = await import('../kit/sandbox-keys.ts');
    await expect
      .poll(async () => (await sandboxCalls(product.dev().sandbox.url)).at(-1)?.aborted, { timeout: 10_000 })
      .toBe(true);
  });
});
