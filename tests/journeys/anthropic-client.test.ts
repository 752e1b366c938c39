import Anthropic, {
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  RateLimitError,
} from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { errorOf, modelOf, ROUTES, tokenOf, useKeys } from '../kit/clients.ts';
import { useProduct } from '../kit/product.ts';
import { clearSandboxCalls, sandboxCalls } from '../kit/sandbox-keys.ts';

const product = useProduct();
useKeys(product, [...ROUTES, 'deepseek']);

const client = (apiKey = tokenOf(product)): Anthropic =>
  new Anthropic({ baseURL: product.dev().gateway_url, apiKey, maxRetries: 0 });
const says = (content: string): Anthropic.MessageParam[] => [{ role: 'user', content }];
const asked = (provider: string, content: string) => ({
  model: modelOf(product, provider),
  max_tokens: 4096,
  messages: says(content),
});

const schema = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] };
const TOOLS: Anthropic.Tool[] = [
  { name: 'get_weather', description: 'Weather of a city', input_schema: schema },
  { name: 'get_time', description: 'Time in a city', input_schema: schema },
];
const BOTH = 'sandbox:parallel-tools Please ask both tools about Oslo.';

const textOf = (message: Anthropic.Message): string =>
  message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
const callsOf = (message: Anthropic.Message): Anthropic.ToolUseBlock[] =>
  message.content.filter((block) => block.type === 'tool_use');

describe.each(ROUTES)('the official anthropic client against %s', (provider) => {
  it('gets a whole message with usage, and headers that say whose key paid', async () => {
    const { data, response } = await client().messages.create(asked(provider, 'Hello')).withResponse();
    expect(data).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'end_turn' });
    expect(textOf(data)).toContain('lighthouse');
    expect(data.usage.input_tokens).toBeGreaterThan(0);
    expect(data.usage.output_tokens).toBeGreaterThan(0);
    expect(response.headers.get('x-ownkey-key-source')).toBe('own');
    expect(response.headers.get('x-ownkey-provider')).toBe(provider);
  });

  it('gets the same text streamed as whole, with one start, one stop and usage', async () => {
    const whole = await client().messages.create(asked(provider, 'Hello'));
    const types: string[] = [];
    const stream = client().messages.stream(asked(provider, 'Hello'));
    stream.on('streamEvent', (event) => types.push(event.type));
    const final = await stream.finalMessage();
    expect(textOf(final)).toBe(textOf(whole));
    expect(final.stop_reason).toBe('end_turn');
    expect(final.usage.output_tokens).toBeGreaterThan(0);
    expect(types[0]).toBe('message_start');
    expect(types.at(-1)).toBe('message_stop');
    expect(types.filter((type) => type === 'message_start' || type === 'message_stop')).toHaveLength(2);
    const opened = types.filter((type) => type === 'content_block_start').length;
    expect(types.filter((type) => type === 'content_block_stop')).toHaveLength(opened);
  });

  it.each([false, true])('holds a conversation with parallel tools to its end, streamed: %s', async (streamed) => {
    const request = { ...asked(provider, BOTH), tools: TOOLS };
    const ask = (messages: Anthropic.MessageParam[]): Promise<Anthropic.Message> =>
      streamed
        ? client()
            .messages.stream({ ...request, messages })
            .finalMessage()
        : client().messages.create({ ...request, messages });
    const first = await ask(request.messages);
    const calls = callsOf(first);
    expect(first.stop_reason).toBe('tool_use');
    expect(calls.map(({ name }) => name).sort()).toEqual(['get_time', 'get_weather']);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    for (const { input } of calls) expect(input).toHaveProperty('city');
    const second = await ask([
      ...request.messages,
      { role: 'assistant', content: first.content },
      {
        role: 'user',
        content: calls.map(({ id, name }) => ({ type: 'tool_result', tool_use_id: id, content: `${name}: fine` })),
      },
    ]);
    expect(second.stop_reason).toBe('end_turn');
    expect(textOf(second)).toContain('get_weather: fine');
    expect(textOf(second)).toContain('get_time: fine');
  });

  it.each([
    ['sandbox:error-429', RateLimitError, 429],
    ['sandbox:error-500', InternalServerError, null],
    ['sandbox:error-400', BadRequestError, 400],
  ])('raises the class of the error for %s', async (scenario, kind, status) => {
    for (const stream of [false, true]) {
      const error = await errorOf(client().messages.create({ ...asked(provider, scenario), stream }));
      expect(error).toBeInstanceOf(kind);
      expect(error).toMatchObject({ error: { type: 'error', error: { message: expect.any(String) } } });
      if (status !== null) expect(error).toMatchObject({ status });
    }
  });

  it('is cut off cleanly when it goes: the provider call is ended', async () => {
    await clearSandboxCalls(product.dev().sandbox.url);
    const stream = await client().messages.create({ ...asked(provider, 'sandbox:hostile-endless'), stream: true });
    for await (const _ of stream) break;
    stream.controller.abort();
    await expect
      .poll(async () => (await sandboxCalls(product.dev().sandbox.url)).at(-1)?.aborted, { timeout: 10_000 })
      .toBe(true);
  });
});

describe('the official anthropic client and thinking', () => {
  it('gets thinking with its signature, streamed as whole, and sends it back unchanged', async () => {
    const request = {
      ...asked('anthropic', 'sandbox:reasoning How many?'),
      thinking: { type: 'enabled' as const, budget_tokens: 1024 },
    };
    const whole = await client().messages.create(request);
    const streamed = await client().messages.stream(request).finalMessage();
    for (const message of [whole, streamed]) {
      const [thinking] = message.content;
      expect(thinking).toMatchObject({ type: 'thinking', signature: expect.stringMatching(/./) });
      expect(thinking?.type === 'thinking' && thinking.thinking).toContain('First I write down');
      expect(textOf(message)).toContain('seven');
    }
    const next = await client().messages.create({
      ...request,
      messages: [...request.messages, { role: 'assistant', content: whole.content }, ...says('And why?')],
    });
    expect(next.stop_reason).toBe('end_turn');
  });

  it('gets the thinking of a provider of another wire as thinking', async () => {
    const message = await client().messages.create({
      ...asked('deepseek', 'sandbox:reasoning How many?'),
      thinking: { type: 'enabled', budget_tokens: 1024 },
    });
    expect(message.content.map(({ type }) => type)).toEqual(['thinking', 'text']);
  });
});

describe('the official anthropic client and counts, lists and errors of ours', () => {
  it('gets a count of tokens from the provider that can tell it', async () => {
    const { max_tokens: _, ...request } = asked('anthropic', 'How long is this sentence, in tokens?');
    expect((await client().messages.countTokens(request)).input_tokens).toBeGreaterThan(3);
  });

  it.each(['openai', 'gemini'])('raises BadRequestError for a count that %s cannot tell', async (provider) => {
    const { max_tokens: _, ...request } = asked(provider, 'How long?');
    const error = await errorOf(client().messages.countTokens(request));
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ error: { type: 'error', error: { code: 'request.unsupported' } } });
  });

  it('lists the models of the connected providers in its own shape', async () => {
    const ids: string[] = [];
    for await (const model of client().models.list()) {
      expect(model.type).toBe('model');
      ids.push(model.id);
    }
    for (const provider of ROUTES) expect(ids).toContain(modelOf(product, provider));
    const [first] = ids;
    expect(await client().models.retrieve(first ?? '')).toMatchObject({ id: first, type: 'model' });
  });

  it('raises AuthenticationError for a token that is not one', async () => {
    expect(await errorOf(client('oky_nobody').messages.create(asked('openai', 'Hi')))).toBeInstanceOf(
      AuthenticationError,
    );
  });

  it('raises BadRequestError with our code for a model nobody has', async () => {
    const error = await errorOf(
      client().messages.create({ model: 'no-such-model', max_tokens: 5, messages: says('Hi') }),
    );
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ error: { error: { type: 'invalid_request_error', code: 'model.unknown' } } });
  });
});
