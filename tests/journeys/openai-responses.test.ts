import OpenAI, { BadRequestError, RateLimitError } from 'openai';
import { describe, expect, it } from 'vitest';
import { errorOf, modelOf, tokenOf, useKeys } from '../kit/clients.ts';
import { useProduct } from '../kit/product.ts';

const product = useProduct();
/** One provider that has this API, and two that are translated. */
const PROVIDERS = ['openai', 'anthropic', 'gemini'];
useKeys(product, PROVIDERS);

const client = (): OpenAI =>
  new OpenAI({ baseURL: `${product.dev().gateway_url}/v1`, apiKey: tokenOf(product), maxRetries: 0 });
const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const TOOLS: OpenAI.Responses.FunctionTool[] = [
  { type: 'function', name: 'get_weather', description: 'Weather of a city', parameters, strict: true },
  { type: 'function', name: 'get_time', description: 'Time in a city', parameters, strict: true },
];
const BOTH = 'sandbox:parallel-tools Please ask both tools about Oslo.';

describe.each(PROVIDERS)('the Responses API of the official openai client against %s', (provider) => {
  const asked = (input: OpenAI.Responses.ResponseInput | string) => ({
    model: modelOf(product, provider),
    input,
    store: false,
  });

  it('gets a whole response with usage', async () => {
    const response = await client().responses.create(asked('Hello'));
    expect(response.status).toBe('completed');
    expect(response.output_text).toContain('lighthouse');
    expect(response.usage?.input_tokens).toBeGreaterThan(0);
    expect(response.usage?.total_tokens).toBe(
      (response.usage?.input_tokens ?? 0) + (response.usage?.output_tokens ?? 0),
    );
  });

  it('gets the same text streamed as whole, numbered in order, with one end', async () => {
    const whole = await client().responses.create(asked('Hello'));
    const stream = await client().responses.create({ ...asked('Hello'), stream: true });
    let text = '';
    const numbers: number[] = [];
    const types: string[] = [];
    for await (const event of stream) {
      types.push(event.type);
      numbers.push(event.sequence_number);
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    expect(text).toBe(whole.output_text);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(types[0]).toBe('response.created');
    expect(types.filter((type) => type === 'response.completed')).toHaveLength(1);
    expect(types.at(-1)).toBe('response.completed');
  });

  it.each([false, true])('holds a conversation with parallel tools to its end, streamed: %s', async (streamed) => {
    const ask = (input: OpenAI.Responses.ResponseInput): Promise<OpenAI.Responses.Response> => {
      const request = { ...asked(input), tools: TOOLS };
      return streamed ? client().responses.stream(request).finalResponse() : client().responses.create(request);
    };
    const first = await ask([{ role: 'user', content: BOTH }]);
    const calls = first.output.filter((item) => item.type === 'function_call');
    expect(calls.map(({ name }) => name).sort()).toEqual(['get_time', 'get_weather']);
    expect(new Set(calls.map(({ call_id }) => call_id)).size).toBe(2);
    for (const call of calls) expect(JSON.parse(call.arguments)).toHaveProperty('city');
    const second = await ask([
      { role: 'user', content: BOTH },
      ...calls.map(({ type, call_id, name, arguments: given }) => ({ type, call_id, name, arguments: given })),
      ...calls.map(({ call_id, name }) => ({
        type: 'function_call_output' as const,
        call_id,
        output: `${name}: fine`,
      })),
    ]);
    expect(second.output_text).toContain('get_weather: fine');
    expect(second.output_text).toContain('get_time: fine');
  });

  it('gets structured output that follows the schema', async () => {
    const { output_text } = await client().responses.create({
      ...asked('What is the answer?'),
      text: {
        format: {
          type: 'json_schema',
          name: 'answer',
          strict: true,
          schema: {
            type: 'object',
            properties: { answer: { type: 'integer' } },
            required: ['answer'],
            additionalProperties: false,
          },
        },
      },
    });
    expect(JSON.parse(output_text)).toEqual({ answer: expect.any(Number) });
  });

  it.each([
    ['sandbox:error-429', RateLimitError],
    ['sandbox:error-400', BadRequestError],
  ])('raises the class of the error for %s', async (scenario, kind) => {
    expect(await errorOf(client().responses.create(asked(scenario)))).toBeInstanceOf(kind);
  });
});

describe('what a provider without the Responses API cannot do', () => {
  it('is refused by the name of the field: state kept at the provider', async () => {
    const error = await errorOf(
      client().responses.create({
        model: modelOf(product, 'anthropic'),
        input: 'Hello',
        previous_response_id: 'resp_kept',
      }),
    );
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ code: 'request.unsupported', param: 'previous_response_id' });
  });
});

describe('embeddings of the official openai client', () => {
  const MODEL = 'openai/text-embedding-3-small';

  it('come as numbers for a batch, equal however they travel', async () => {
    const input = ['first text', 'second text'];
    // Without a format the client asks for base64 and unpacks it itself.
    const packed = await client().embeddings.create({ model: MODEL, input });
    const floats = await client().embeddings.create({ model: MODEL, input, encoding_format: 'float' });
    expect(packed.data.map(({ index }) => index)).toEqual([0, 1]);
    expect(packed.data.map(({ embedding }) => [...embedding])).toEqual(floats.data.map(({ embedding }) => embedding));
    expect(packed.data[0]?.embedding).not.toEqual(packed.data[1]?.embedding);
    expect(packed.usage.prompt_tokens).toBeGreaterThan(0);
  });

  it('have the dimensions asked for', async () => {
    const { data } = await client().embeddings.create({ model: MODEL, input: 'text', dimensions: 32 });
    expect(data[0]?.embedding).toHaveLength(32);
  });

  it('are refused where the provider has none', async () => {
    const error = await errorOf(client().embeddings.create({ model: modelOf(product, 'anthropic'), input: 'text' }));
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ code: 'request.unsupported', param: 'model' });
  });
});
