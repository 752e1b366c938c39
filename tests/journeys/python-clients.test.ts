/**
 * The official Python clients against the product. OWNKEY_PYTHON names an interpreter that can import `openai` and `anthropic`
 * (versions: python-clients.txt beside this file, with those of the importer's vectors); without it only that list is checked.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { modelOf, ROUTES, tokenOf, useKeys } from '../kit/clients.ts';
import { useProduct } from '../kit/product.ts';
import { sandboxCalls } from '../kit/sandbox-keys.ts';

const run = promisify(execFile);
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const python = process.env.OWNKEY_PYTHON;

interface Conversation {
  whole: string;
  streamed: string;
  usage: number;
  tools: string[];
  arguments: string[][];
  after: string;
  response?: string;
  error: { class: string; status: number } | null;
}

interface Found {
  openai: Record<string, Conversation>;
  anthropic: Record<string, Conversation>;
  embeddings: { count: number; dimensions: number; far: number };
  count: number;
  count_refused: unknown;
  stranger: unknown;
  models: { openai: string[]; anthropic: string[] };
}

describe('the Python clients', () => {
  it('are named with their versions', () => {
    const lines = readFileSync(here('python-clients.txt'), 'utf8').trim().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^anthropic==\d+\.\d+\.\d+$/),
      expect.stringMatching(/^cryptography==\d+\.\d+\.\d+$/),
      expect.stringMatching(/^openai==\d+\.\d+\.\d+$/),
      expect.stringMatching(/^PyNaCl==\d+\.\d+\.\d+$/),
    ]);
  });
});

if (python) {
  describe('the official Python clients against the product', () => {
    const product = useProduct();
    useKeys(product);

    it('hold conversations with every provider, embed, count, list, and raise the classes of errors', async () => {
      const { stdout } = await run(python, [here('python-clients.py')], {
        timeout: 100_000,
        env: {
          PATH: process.env.PATH,
          GATEWAY: product.dev().gateway_url,
          TOKEN: tokenOf(product),
          MODELS: JSON.stringify(Object.fromEntries(ROUTES.map((provider) => [provider, modelOf(product, provider)]))),
        },
      });
      const found: Found = JSON.parse(stdout);
      for (const conversations of [found.openai, found.anthropic]) {
        expect(Object.keys(conversations).sort()).toEqual([...ROUTES].sort());
        for (const [provider, told] of Object.entries(conversations)) {
          expect({ provider, ...told }).toMatchObject({
            streamed: told.whole,
            tools: ['get_time', 'get_weather'],
            arguments: [['city'], ['city']],
            error: { class: 'RateLimitError', status: 429 },
          });
          expect(told.whole).toContain('lighthouse');
          expect(told.usage).toBeGreaterThan(0);
          expect(told.after).toContain('get_weather: fine');
          expect(told.after).toContain('get_time: fine');
        }
      }
      for (const { response } of Object.values(found.openai)) expect(response).toContain('lighthouse');
      expect(found.embeddings).toMatchObject({ count: 2, dimensions: 16 });
      expect(found.embeddings.far).toBeLessThan(1e-7);
      expect(found.count).toBeGreaterThan(3);
      expect(found.count_refused).toEqual({ class: 'BadRequestError', status: 400 });
      expect(found.stranger).toEqual({ class: 'AuthenticationError', status: 401 });
      expect(found.models.anthropic).toEqual(found.models.openai);
      expect(found.models.openai).toContain(modelOf(product, 'gemini'));
      // The stream it left in the middle.
      await expect
        .poll(async () => (await sandboxCalls(product.dev().sandbox.url)).at(-1)?.aborted, { timeout: 10_000 })
        .toBe(true);
    });
  });
}
