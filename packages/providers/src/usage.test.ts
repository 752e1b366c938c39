import type { Usage } from '@ownkey/contract/usage';
import { describe, expect, test } from 'vitest';
import { readMessagesUsage, writeMessagesUsage } from './dialects/anthropic-messages/read-usage.ts';
import { readChatUsage, writeChatUsage } from './dialects/openai-chat/read-usage.ts';
import { readResponsesUsage, writeResponsesUsage } from './dialects/openai-responses/read-usage.ts';

const none = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 };

describe('usage of chat completions', () => {
  test.each<[string, object, object, Partial<Usage>]>([
    [
      'cached tokens are inside the prompt',
      {},
      { prompt_tokens: 10, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } },
      { input: 10, cacheRead: 4, output: 2 },
    ],
    [
      'cache hits by another name',
      {},
      { prompt_tokens: 10, completion_tokens: 2, prompt_cache_hit_tokens: 6 },
      { input: 10, cacheRead: 6, output: 2 },
    ],
    [
      'cache hits beside the counts',
      {},
      { prompt_tokens: 10, completion_tokens: 2, prompt_tokens_details: null, cached_tokens: 6 },
      { input: 10, cacheRead: 6, output: 2 },
    ],
    [
      'cache writes',
      {},
      { prompt_tokens: 10, completion_tokens: 2, prompt_tokens_details: { cache_write_tokens: 9 } },
      { input: 10, cacheWrite5m: 9, output: 2 },
    ],
    [
      'reasoning is inside',
      {},
      { prompt_tokens: 1, completion_tokens: 9, total_tokens: 10, completion_tokens_details: { reasoning_tokens: 7 } },
      { input: 1, output: 9, reasoning: 7 },
    ],
    [
      'reasoning is on top',
      { reasoning_on_top: true },
      { prompt_tokens: 1, completion_tokens: 2, total_tokens: 10, completion_tokens_details: { reasoning_tokens: 7 } },
      { input: 1, output: 9, reasoning: 7 },
    ],
    [
      'reasoning shows in the total alone',
      { reasoning_on_top: true },
      { prompt_tokens: 35, completion_tokens: 12, total_tokens: 126 },
      { input: 35, output: 91, reasoning: 79 },
    ],
    [
      'the quirk does no harm where reasoning is inside after all',
      { reasoning_on_top: true },
      { prompt_tokens: 1, completion_tokens: 9, total_tokens: 10, completion_tokens_details: { reasoning_tokens: 7 } },
      { input: 1, output: 9, reasoning: 7 },
    ],
    [
      'more cached than sent',
      {},
      { prompt_tokens: 3, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 9 } },
      { input: 3, cacheRead: 3, output: 2 },
    ],
    [
      'a price in ticks',
      {},
      { prompt_tokens: 1, completion_tokens: 1, cost_in_usd_ticks: 3693500 },
      { input: 1, output: 1, providerCostUsd: '0.00036935' },
    ],
    [
      'a price',
      {},
      { prompt_tokens: 1, completion_tokens: 1, cost: 5.37e-6 },
      { input: 1, output: 1, providerCostUsd: '0.00000537' },
    ],
    [
      "the upstream's price on a key of one's own",
      {},
      {
        prompt_tokens: 1,
        completion_tokens: 1,
        cost: 0,
        is_byok: true,
        cost_details: { upstream_inference_cost: 0.5 },
      },
      { input: 1, output: 1, providerCostUsd: '0.5' },
    ],
    [
      'a price in parts',
      {},
      { prompt_tokens: 1, completion_tokens: 1, cost: { total_cost: 0.00502 } },
      { input: 1, output: 1, providerCostUsd: '0.00502' },
    ],
    ['zero', {}, { prompt_tokens: 0, completion_tokens: 0 }, {}],
  ])('%s', (_, quirks, usage, wanted) => {
    expect(readChatUsage(usage, quirks)).toEqual({ ...none, ...wanted });
  });
});

describe('usage of messages', () => {
  test.each<[string, object, object | null, Partial<Usage>]>([
    [
      'cache counts are outside the input',
      { input_tokens: 3, cache_read_input_tokens: 4, cache_creation_input_tokens: 5, output_tokens: 6 },
      null,
      { input: 12, cacheRead: 4, cacheWrite5m: 5, output: 6 },
    ],
    [
      'writes by how long they live',
      {
        input_tokens: 3,
        cache_creation_input_tokens: 5,
        cache_creation: { ephemeral_1h_input_tokens: 2, ephemeral_5m_input_tokens: 3 },
        output_tokens: 6,
      },
      null,
      { input: 8, cacheWrite5m: 3, cacheWrite1h: 2, output: 6 },
    ],
    [
      'the end of a stream has the output alone',
      { output_tokens: 9 },
      { input_tokens: 3, cache_read_input_tokens: 4, output_tokens: 1 },
      { input: 7, cacheRead: 4, output: 9 },
    ],
    [
      'the end of a stream says all again',
      { input_tokens: 5, output_tokens: 9, output_tokens_details: { thinking_tokens: 8 } },
      { input_tokens: 3, output_tokens: 1 },
      { input: 5, output: 9, reasoning: 8 },
    ],
    [
      'null at the end means as before',
      { input_tokens: null, output_tokens: 9 },
      { input_tokens: 3, output_tokens: 1 },
      { input: 3, output: 9 },
    ],
  ])('%s', (_, usage, before, wanted) => {
    expect(readMessagesUsage(usage, before)).toEqual({ ...none, ...wanted });
  });
});

test.each([
  null,
  undefined,
  'x',
  5,
  [],
  {},
  { prompt_tokens: -1 },
  { input_tokens: 1.5 },
  { output_tokens: Number.NaN },
])('%j is no usage', (value) => {
  expect([readChatUsage(value, {}), readMessagesUsage(value), readResponsesUsage(value)]).toEqual([null, null, null]);
});

test('usage is read back as it was written, as far as a wire has places for it', () => {
  const usage = { input: 100, cacheRead: 30, cacheWrite5m: 20, cacheWrite1h: 0, output: 50, reasoning: 40 };
  expect(readChatUsage(writeChatUsage(usage), {})).toEqual(usage);
  expect(readResponsesUsage(writeResponsesUsage(usage))).toEqual(usage);
  expect(readMessagesUsage(writeMessagesUsage({ ...usage, cacheWrite1h: 10 }))).toEqual({ ...usage, cacheWrite1h: 10 });
});
