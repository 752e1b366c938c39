import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { modelOf, ROUTES, tokenOf, useKeys } from '../kit/clients.ts';
import { useProduct } from '../kit/product.ts';
import { sandboxCalls } from '../kit/sandbox-keys.ts';

const product = useProduct();
useKeys(product, ROUTES);

/** One black pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';

describe.each(ROUTES)('an image sent to %s', (provider) => {
  it('by the openai client is seen by the model and counted as input', async () => {
    const client = new OpenAI({ baseURL: `${product.dev().gateway_url}/v1`, apiKey: tokenOf(product), maxRetries: 0 });
    const answer = await client.chat.completions.create({
      model: modelOf(product, provider),
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is in this picture?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
          ],
        },
      ],
    });
    expect(answer.choices[0]?.message.content).toContain('The image shows a lighthouse');
    // The sandbox counts 100 tokens for an image: it arrived as one.
    expect(answer.usage?.prompt_tokens).toBeGreaterThanOrEqual(100);
    expect((await sandboxCalls(product.dev().sandbox.url)).at(-1)).toMatchObject({ provider, status: 200 });
  });

  it('by the Anthropic client is seen by the model and counted as input', async () => {
    const client = new Anthropic({ baseURL: product.dev().gateway_url, apiKey: tokenOf(product), maxRetries: 0 });
    const answer = await client.messages.create({
      model: modelOf(product, provider),
      max_tokens: 200,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
            { type: 'text', text: 'What is in this picture?' },
          ],
        },
      ],
    });
    expect(answer.content.map((block) => (block.type === 'text' ? block.text : '')).join('')).toContain(
      'The image shows a lighthouse',
    );
    expect(answer.usage.input_tokens).toBeGreaterThanOrEqual(100);
  });
});
