import { SHIPPED_POLICIES } from '@ownkey/contract/policies';
import type { PriceRates, Rates } from '@ownkey/contract/price';
import type { Wire } from '@ownkey/contract/provider';
import { array, assert, double, integer, property, record, string, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BoundInput, boundCost, tokensWithin } from './bound-cost.ts';
import { costOf } from './price.ts';
import { readFeatures } from './request-features.ts';

const MTOK = 1_000_000_000;
const rates = (more: Partial<Rates> = {}): Rates => ({
  input: MTOK,
  cache_read: MTOK / 10,
  cache_write_5m: 1.25 * MTOK,
  cache_write_1h: 2 * MTOK,
  output: 5 * MTOK,
  request: 0,
  ...more,
});
const price = (more: Partial<PriceRates> = {}): PriceRates => ({
  base: rates(),
  tiers: [],
  windows: [],
  unbounded: [],
  ...more,
});

function input(body: object | string, more: Partial<BoundInput> = {}, wire: Wire = 'openai-chat'): BoundInput {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return {
    model: 'acme-1',
    rates: price(),
    provider: 'acme',
    bodyBytes: bytes.length,
    features: readFeatures(bytes, wire),
    generates: true,
    maxTokens: 100,
    modelMaxTokens: null,
    choices: 1,
    policies: SHIPPED_POLICIES,
    ...more,
  };
}

const amount = integer({ min: 0, max: 100 * MTOK });
const anyRates = record({
  input: amount,
  cache_read: amount,
  cache_write_5m: amount,
  cache_write_1h: amount,
  output: amount,
  request: amount,
});
const anyTiers = array(record({ above: integer({ min: 0, max: 5_000 }), rates: anyRates }), { maxLength: 3 });
const anyTime = tuple(integer({ min: 0, max: 23 }), integer({ min: 0, max: 59 })).map(
  ([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`,
);
const byAbove = <Tier extends { above: number }>(tiers: Tier[]) => tiers.toSorted((a, b) => a.above - b.above);

describe('a bound', () => {
  test('is never below what any usage within it costs, whatever tiers, windows and caches apply', () => {
    assert(
      property(
        anyRates,
        anyTiers,
        array(record({ from: anyTime, to: anyTime, base: anyRates, tiers: anyTiers }), { maxLength: 2 }),
        string({ maxLength: 4_000, unit: 'binary' }),
        integer({ min: 1, max: 10_000 }),
        integer({ min: 1, max: 4 }),
        array(double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
        integer({ min: 0, max: 2_000_000_000 }),
        (base, tiers, windows, text, maxTokens, choices, shares, at) => {
          const anyPrice: PriceRates = {
            base,
            tiers: byAbove(tiers),
            windows: windows.map((window) => ({ ...window, tiers: byAbove(window.tiers) })),
            unbounded: [],
          };
          const asked = input({ messages: [{ role: 'user', content: text }] }, { rates: anyPrice, maxTokens, choices });
          const part = (share: number | undefined, whole: number): number => Math.floor((share ?? 0) * whole);
          // No provider counts more tokens of a text than it has bytes.
          const tokens = part(shares[0], asked.bodyBytes);
          const cacheRead = part(shares[1], tokens);
          const cacheWrite5m = part(shares[2], tokens - cacheRead);
          const cacheWrite1h = part(shares[3], tokens - cacheRead - cacheWrite5m);
          const output = part(shares[4], maxTokens * choices);
          const usage = { input: tokens, cacheRead, cacheWrite5m, cacheWrite1h, output, reasoning: 0 };
          expect(boundCost(asked).worst >= costOf(anyPrice, usage, at * 1_000)).toBe(true);
        },
      ),
    );
  });

  test('of a million spaces is their bytes, and read at once', () => {
    const bound = boundCost(input({ messages: [{ role: 'user', content: ' '.repeat(1_000_000) }] }, { maxTokens: 1 }));
    expect(bound.worst).toBeGreaterThan(2_000_000_000n);
    expect(bound.unbounded).toEqual([]);
  });

  test('takes the dearest tier that the input can reach, for all of it', () => {
    const tiered = price({ tiers: [{ above: 1_000, rates: rates({ input: 3 * MTOK, cache_write_1h: 3 * MTOK }) }] });
    const short = boundCost(input({ a: 1 }, { rates: tiered, maxTokens: 1 }));
    const long = boundCost(input({ a: 'x'.repeat(2_000) }, { rates: tiered, maxTokens: 1 }));
    expect(short.fixed).toBeLessThan(1_100_000n);
    expect(long.fixed).toBeGreaterThan(2_500n * 3_000n);
  });

  test('counts images by the ceiling of their provider, and not by their bytes', () => {
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(400_000)}` } };
    const body = { messages: [{ role: 'user', content: [image, image] }] };
    const ceilings = { ...SHIPPED_POLICIES.ceilings, image_tokens: { default: 40_000, acme: 1_600 } };
    const declared = boundCost(input(body, { policies: { ...SHIPPED_POLICIES, ceilings } }));
    expect(declared.fixed).toBeLessThan(2n * 5_000n * 1_000n * 2n);
    expect(declared.fixed).toBeGreaterThanOrEqual(2n * 1_600n * 2_000n);
    const shipped = boundCost(input(body));
    expect(shipped.fixed).toBeGreaterThanOrEqual(2n * 50_000n * 2_000n);
  });

  test('with the limit left open can be lowered, and what is granted buys exactly that many tokens', () => {
    const open = boundCost(input({ a: 1 }, { maxTokens: null, modelMaxTokens: 8_000 }));
    expect(open).toMatchObject({ maxTokens: 8_000, limitMustBeSent: false });
    expect(open.least).not.toBeNull();
    expect(tokensWithin(open, open.worst)).toBe(8_000);
    expect(tokensWithin(open, open.least ?? 0n)).toBe(SHIPPED_POLICIES.min_max_tokens);
    const halfway = (open.worst + open.fixed) / 2n;
    expect(tokensWithin(open, halfway)).toBe(4_000);
    expect(boundCost(input({ a: 1 }, { maxTokens: null })).limitMustBeSent).toBe(true);
    expect(boundCost(input({ a: 1 }, { maxTokens: 7 })).least).toBeNull();
  });

  test('of vectors has no answer to pay for', () => {
    expect(boundCost(input({ input: 'x' }, { generates: false, maxTokens: null }))).toMatchObject({
      maxTokens: 0,
      least: null,
    });
  });
});

describe('what has no bound', () => {
  test.each<[string, object, string[]]>([
    ['a stored conversation', { previous_response_id: 'resp_1' }, ['previous_response_id']],
    ['a stored prompt', { prompt: { id: 'pmpt_1' } }, ['prompt']],
    ['a service tier', { service_tier: 'priority' }, ['service_tier priority']],
    ['a hosted tool', { tools: [{ type: 'function', name: 'f' }, { type: 'code_interpreter' }] }, ['code_interpreter']],
    ['servers of tools', { mcp_servers: [{ url: 'https://x.example' }] }, ['mcp_servers']],
    ['generated audio', { modalities: ['text', 'audio'], audio: {} }, ['modalities']],
    ['another model to fall back to', { models: ['a', 'b'] }, ['models']],
    ['predicted text', { prediction: { type: 'content', content: 'x' } }, ['prediction']],
    [
      'a document',
      { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'base64' } }] }] },
      ['files'],
    ],
    ['sound', { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] }, ['files']],
    [
      'a document in the result of a tool',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'tool_result', content: [{ type: 'document', source: { type: 'url' } }] }],
          },
        ],
      },
      ['files'],
    ],
  ])('is named: %s', (_, body, names) => {
    expect(boundCost(input(body)).unbounded).toEqual(names);
  });

  test.each<[string, object]>([
    [
      'tools of the caller',
      {
        tools: [
          { type: 'function', function: { name: 'f' } },
          { name: 'g', input_schema: {} },
        ],
      },
    ],
    ['Anthropic tools the caller runs', { tools: [{ type: 'bash_20250124', name: 'bash' }] }],
    ['the standard tier', { service_tier: 'auto' }],
    ['fields that are null', { previous_response_id: null, prediction: null, mcp_servers: [] }],
    [
      'a document whose text is in the body',
      {
        messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'text', data: 'hello' } }] }],
      },
    ],
    ['prose about images and files', { messages: [{ role: 'user', content: 'the "image" in the "file" is "audio"' }] }],
  ])('is not seen in %s', (_, body) => {
    expect(boundCost(input(body)).unbounded).toEqual([]);
  });

  test.each<[string, object, string[]]>([
    ['a reference', { type: 'item_reference', id: 'msg_1' }, ['item_reference']],
    ['a reference without a type', { id: 'msg_1' }, ['item_reference']],
    ['a reference whose type is null', { type: null, id: 'msg_1' }, ['item_reference']],
    ['reasoning that is stored', { type: 'reasoning', id: 'rs_1', summary: [] }, ['reasoning']],
    [
      'a screenshot',
      { type: 'computer_call_output', output: { type: 'computer_screenshot' } },
      ['computer_call_output'],
    ],
    ['an image that is stored', { type: 'image_generation_call', id: 'ig_1' }, ['image_generation_call']],
    ['code that ran', { type: 'code_interpreter_call', container_id: 'c' }, ['code_interpreter_call']],
    ['a message', { role: 'user', content: 'x' }, []],
    ['a call of a tool of the caller', { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }, []],
    ['reasoning that is carried along', { type: 'reasoning', id: 'rs_1', encrypted_content: 'x' }, []],
  ])('is named or let through by item of a Responses request: %s', (_, item, names) => {
    const asked = input({ input: [{ role: 'user', content: 'x' }, item] }, {}, 'openai-responses');
    expect(boundCost(asked).unbounded).toEqual(names);
  });

  test.each<[object, string]>([
    [{ background: true }, 'background'],
    [{ deferred: true }, 'deferred'],
    [{ extra_body: { google: { cached_content: 'cachedContents/1' } } }, 'extra_body'],
    [{ preset: 'x' }, 'preset'],
    [{ provider: { order: ['dear'] } }, 'provider'],
    [{ context_management: { edits: [] } }, 'context_management'],
    [{ modalities: ['image'] }, 'modalities'],
    [{ service_tier: ['priority'] }, 'service_tier'],
    [{ tools: { type: 'web_search' } }, 'tools'],
  ])('is named where the field is %j', (body, name) => {
    expect(boundCost(input(body)).unbounded).toEqual([name]);
    expect(boundCost(input({ [name]: null })).unbounded).toEqual([]);
  });

  test.each([
    'gpt-4o-mini-search-preview',
    'google/gemini-2.5-flash-image',
    'o3-deep-research',
    'gpt-4o-audio-preview',
  ])('is what the model %s does beside text, whatever price its name is covered by', (model) => {
    expect(boundCost(input({}, { model })).unbounded).toEqual([`model ${model}`]);
  });

  test('is found however its letters are written', () => {
    expect(
      readFeatures(Buffer.from('{"messages":[{"content":[{"type":"input_\\u0061udio"}]}]}'), 'openai-chat').files,
    ).toBe(1);
    expect(
      readFeatures(Buffer.from('{"messages":[{"content":[{"\\u0074ype":"image_url"}]}]}'), 'openai-chat').images,
    ).toBe(1);
    expect(readFeatures(Buffer.from('{"previous_\\u0072esponse_id":"r"}'), 'openai-chat').unbounded).toEqual([
      'previous_response_id',
    ]);
  });

  test('has a bound once the operator declared one', () => {
    const ceilings = {
      image_tokens: {},
      file_tokens: 10_000,
      hosted_tools: { web_search: 50_000_000 },
      service_tiers: { priority: 3 },
    };
    const body = {
      service_tier: 'priority',
      tools: [{ type: 'web_search' }],
      messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }],
    };
    const policies = { ...SHIPPED_POLICIES, ceilings };
    const bound = boundCost(input(body, { policies }));
    expect(bound.unbounded).toEqual([]);
    expect(bound.fixed).toBeGreaterThanOrEqual(50_000_000n + 3n * 10_000n * 2_000n);
    expect(bound.outputRate).toBe(15 * MTOK);
  });
});
