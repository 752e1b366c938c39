/** The providers' own clients take the sandbox for the real thing. */
import {
  Anthropic,
  AuthenticationError as ClaudeAuthenticationError,
  BadRequestError as ClaudeBadRequestError,
  RateLimitError as ClaudeRateLimitError,
} from '@anthropic-ai/sdk';
import {
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  OpenAI,
  PermissionDeniedError,
  RateLimitError,
} from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from './keys.ts';
import type { Sandbox } from './start.ts';
import { openSandbox } from './test-client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

const parameters = { type: 'object' as const, properties: { city: { type: 'string' } } };
const messages = [{ role: 'user' as const, content: 'sandbox:tools' }];

function openai(id: string, outcome: Outcome = 'valid'): { client: OpenAI; model: string } {
  const { base_url, keys, model } = sandbox.keys.providers[id] ??
    sandbox.keys.custom[id] ?? { base_url: '', keys: null, model: '' };
  return { client: new OpenAI({ baseURL: base_url, apiKey: keys?.[outcome] ?? '', maxRetries: 0 }), model };
}

function anthropic(outcome: Outcome = 'valid'): { client: Anthropic; model: string } {
  const { base_url, keys, model } = sandbox.keys.providers.anthropic ?? { base_url: '', keys: null, model: '' };
  // This client writes the version into its paths itself.
  const client = new Anthropic({
    baseURL: base_url.replace(/\/v1$/, ''),
    apiKey: keys?.[outcome] ?? '',
    maxRetries: 0,
  });
  return { client, model };
}

describe('the openai client', () => {
  it.each(['openai', 'groq', 'mistral', 'deepseek', 'xai', 'together', 'openrouter', 'nvidia', 'custom', 'ollama'])(
    'streams a tool call of %s, goes on with its answer, and lists models',
    async (id) => {
      const { client, model } = openai(id);
      const tools = [{ type: 'function' as const, function: { name: 'get_weather', parameters } }];
      const first = await client.chat.completions.stream({ model, messages, tools }).finalChatCompletion();
      const message = first.choices[0]?.message;
      const [call] = message?.tool_calls ?? [];
      expect(call?.type === 'function' && call.function.arguments).toBe('{"city":"Lisbon"}');
      expect(first.choices[0]?.finish_reason).toBe('tool_calls');
      const turn = [...messages, message, { role: 'tool' as const, tool_call_id: call?.id ?? '', content: '21' }];
      const second = await client.chat.completions.create({
        model,
        tools,
        messages: turn.filter((item) => item !== undefined),
      });
      expect(second.choices[0]?.message.content).toBe('The tool answered: 21');
    },
  );

  it('throws its own classes for what providers refuse', async () => {
    const ask = (outcome: Outcome, content = 'Hello'): Promise<unknown> => {
      const { client, model } = openai('openai', outcome);
      return client.chat.completions.create({ model, messages: [{ role: 'user', content }] });
    };
    await expect(ask('invalid')).rejects.toBeInstanceOf(AuthenticationError);
    await expect(ask('rate_limited')).rejects.toBeInstanceOf(RateLimitError);
    await expect(ask('outage')).rejects.toBeInstanceOf(InternalServerError);
    await expect(ask('valid', 'sandbox:error-400')).rejects.toBeInstanceOf(BadRequestError);
    await expect(ask('valid', 'sandbox:error-404')).rejects.toBeInstanceOf(NotFoundError);
    await expect(openai('openai', 'restricted').client.models.list()).rejects.toBeInstanceOf(PermissionDeniedError);
  });

  it('streams responses and reads embeddings', async () => {
    const { client, model } = openai('openai');
    const response = await client.responses.stream({ model, input: 'Hello' }).finalResponse();
    expect(response.output_text).toContain('lighthouse');
    const made = await client.embeddings.create({ model: 'text-embedding-3-small', input: 'Hello', dimensions: 4 });
    expect(made.data[0]?.embedding).toHaveLength(4);
  });
});

describe('the Anthropic client', () => {
  it('streams thinking, text and a tool call, and goes on with its answer', async () => {
    const { client, model } = anthropic();
    const request = {
      model,
      max_tokens: 2000,
      thinking: { type: 'enabled' as const, budget_tokens: 1024 },
      tools: [{ name: 'get_weather', input_schema: parameters }],
    };
    const first = await client.messages
      .stream({ ...request, messages: [{ role: 'user', content: 'sandbox:tools-with-text' }] })
      .finalMessage();
    expect(first.content.map((block) => block.type)).toEqual(['thinking', 'text', 'tool_use']);
    const call = first.content.find((block) => block.type === 'tool_use');
    expect(call?.input).toEqual({ city: 'Lisbon' });
    const second = await client.messages.create({
      ...request,
      messages: [
        { role: 'user', content: 'sandbox:tools' },
        { role: 'assistant', content: first.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: call?.id ?? '', content: '21' }] },
      ],
    });
    expect(second.content.map((block) => block.type === 'text' && block.text)).toContain('The tool answered: 21');
  });

  it('throws its own classes, counts tokens and lists models', async () => {
    const ask = (outcome: Outcome, content = 'Hello'): Promise<unknown> => {
      const { client, model } = anthropic(outcome);
      return client.messages.create({ model, max_tokens: 10, messages: [{ role: 'user', content }] });
    };
    await expect(ask('invalid')).rejects.toBeInstanceOf(ClaudeAuthenticationError);
    await expect(ask('rate_limited')).rejects.toBeInstanceOf(ClaudeRateLimitError);
    await expect(ask('no_credit')).rejects.toBeInstanceOf(ClaudeBadRequestError);
    const { client, model } = anthropic();
    expect(
      (await client.messages.countTokens({ model, messages: [{ role: 'user', content: 'Hello' }] })).input_tokens,
    ).toBe(2);
    expect((await client.models.list()).data.map((item) => item.id)).toContain(model);
  });
});
