import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embedMany, generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { describe, expect, it } from 'vitest';
import { errorOf, modelOf, ROUTES, tokenOf, useKeys } from '../kit/clients.ts';
import { useProduct } from '../kit/product.ts';

const product = useProduct();
useKeys(product);

/** The two providers of the SDK that are pointed at a gateway. */
const WIRES = {
  'openai-compatible': (id: string) =>
    createOpenAICompatible({
      name: 'ownkey',
      baseURL: `${product.dev().gateway_url}/v1`,
      apiKey: tokenOf(product),
      includeUsage: true,
      supportsStructuredOutputs: true,
    })(id),
  anthropic: (id: string) =>
    createAnthropic({ baseURL: `${product.dev().gateway_url}/v1`, apiKey: tokenOf(product) })(id),
};

const city = jsonSchema<{ city: string }>({
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
});
const CASES = Object.entries(WIRES).flatMap(([wire, model]) => ROUTES.map((provider) => ({ wire, provider, model })));

describe.each(CASES)('the ai SDK, $wire against $provider', ({ provider, model }) => {
  const asked = (prompt: string) => ({
    model: model(modelOf(product, provider)),
    prompt,
    maxRetries: 0,
    maxOutputTokens: 2048,
  });

  it('streams the text it also gets whole, with usage', async () => {
    const whole = await generateText(asked('Hello'));
    const result = streamText(asked('Hello'));
    let text = '';
    for await (const piece of result.textStream) text += piece;
    expect(text).toBe(whole.text);
    expect(text).toContain('lighthouse');
    expect(await result.finishReason).toBe('stop');
    expect((await result.usage).inputTokens).toBeGreaterThan(0);
    expect((await result.usage).outputTokens).toBeGreaterThan(0);
  });

  it('runs parallel tools, streamed, and goes on with their results', async () => {
    const ran: string[] = [];
    const answering = (name: string) =>
      tool({
        description: name,
        inputSchema: city,
        execute: (input) => {
          expect(input.city).toEqual(expect.any(String));
          ran.push(name);
          return `${name}: fine`;
        },
      });
    const result = streamText({
      ...asked('sandbox:parallel-tools Please ask both tools about Oslo.'),
      tools: { get_weather: answering('get_weather'), get_time: answering('get_time') },
      stopWhen: stepCountIs(2),
    });
    expect(await result.text).toContain('get_weather: fine');
    expect(ran.sort()).toEqual(['get_time', 'get_weather']);
    expect((await result.steps).map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'stop']);
  });

  it('gets an object that follows the schema', async () => {
    const { object } = await generateObject({ ...asked('Where?'), schema: city });
    expect(object).toEqual({ city: expect.any(String) });
  });

  it('raises an error with the status and the code of the failure', async () => {
    const error = await errorOf(generateText(asked('sandbox:error-429')));
    expect(error).toBeInstanceOf(APICallError);
    expect(error).toMatchObject({ statusCode: 429 });
  });
});

describe('the ai SDK', () => {
  it('embeds a batch', async () => {
    const provider = createOpenAICompatible({
      name: 'ownkey',
      baseURL: `${product.dev().gateway_url}/v1`,
      apiKey: tokenOf(product),
    });
    const { embeddings, usage } = await embedMany({
      model: provider.textEmbeddingModel('openai/text-embedding-3-small'),
      values: ['one', 'two'],
    });
    expect(embeddings.map(({ length }) => length)).toEqual([1536, 1536]);
    expect(usage.tokens).toBeGreaterThan(0);
  });
});
