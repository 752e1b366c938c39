import type { CatalogueEntry, Quirks, Wire } from '@ownkey/contract/provider';
import { describe, expect, test } from 'vitest';
import { sseText } from '../sse.ts';
import { TranslatedReader } from './reader.ts';

const SSE = { 'content-type': 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };
const ANSWER = {
  id: 'a',
  model: 'm',
  choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 2, completion_tokens: 1 },
};

interface Call {
  from?: Wire;
  to?: Wire;
  stream?: boolean;
  headers?: Record<string, string>;
  status?: number;
  quirks?: Quirks;
  limit?: number;
}

/** What a caller gets of an answer. */
function read(
  answer: string,
  {
    from = 'openai-chat',
    to = 'anthropic-messages',
    stream = true,
    headers = SSE,
    status = 200,
    quirks = {},
    limit = 1e6,
  }: Call = {},
) {
  const context = { model: 'x/m', created: 1, includeUsage: false, inputEstimate: 3, request: {} };
  const entry = { id: 'acme', quirks } as CatalogueEntry;
  const reader = new TranslatedReader({ callerWire: to, wire: from, entry, stream, answerBytesMax: limit, context });
  const head = reader.head(status, headers);
  const out = [reader.push(Buffer.from(answer)), reader.end()].map((bytes) => bytes?.toString() ?? '').join('');
  return { head, out, reader };
}
const chunk = (delta: object, finish: string | null = null): string =>
  sseText({ id: 'a', model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] });
const call = (fields: object): string => chunk({ tool_calls: [fields] });
const END = chunk({}, 'stop') + sseText('[DONE]');
/** Blocks of a Messages stream, as `type:text`. */
const blocks = (out: string): string[] => {
  const found: string[] = [];
  for (const line of out.split('\n')) {
    if (!line.startsWith('data: {')) continue;
    const event = JSON.parse(line.slice(6));
    const block = event.content_block;
    if (event.type === 'content_block_start') found.push(`${block.type}:${block.name ?? block.data ?? ''}`);
    const { delta } = event;
    if (event.type === 'content_block_delta')
      found[found.length - 1] += delta.text ?? delta.partial_json ?? delta.thinking ?? '';
    if (event.type === 'message_delta') found.push(`stop:${delta.stop_reason}`);
  }
  return found;
};

describe('odd streams of a provider', () => {
  test.each<[string, string, string[]]>([
    [
      'empty lists of tool calls and empty texts make no blocks',
      chunk({ content: '', tool_calls: [] }) + chunk({ content: 'Hi' }) + END,
      ['text:Hi', 'stop:end_turn'],
    ],
    [
      'a second call under the index of the first',
      call({ index: 0, id: 'a', function: { name: 'f', arguments: '{"x":1}' } }) +
        call({ index: 0, id: 'b', function: { name: 'g', arguments: '{}' } }) +
        END,
      ['tool_use:f{"x":1}', 'tool_use:g{}', 'stop:tool_use'],
    ],
    [
      'no index and no id',
      call({ function: { name: 'f', arguments: '{"x"' } }) +
        call({ function: { arguments: ':1}' } }) +
        call({ index: null, id: '', function: { name: 'g', arguments: '{}' } }) +
        END,
      ['tool_use:f{"x":1}', 'tool_use:g{}', 'stop:tool_use'],
    ],
    [
      'arguments as an object',
      call({ index: 0, id: 'a', function: { name: 'f', arguments: { x: 1 } } }) + END,
      ['tool_use:f{"x":1}', 'stop:tool_use'],
    ],
    [
      '"stop" on every chunk',
      chunk({ content: 'a' }, 'stop') + chunk({ content: 'b' }, 'stop') + END,
      ['text:ab', 'stop:end_turn'],
    ],
    [
      'reasoning under two names at once',
      chunk({ reasoning: 'r', reasoning_content: 'r' }) + chunk({ content: 'x' }) + END,
      ['thinking:r', 'text:x', 'stop:end_turn'],
    ],
    ['no mark at the end', chunk({ content: 'x' }) + chunk({}, 'length'), ['text:x', 'stop:max_tokens']],
    [
      'unknown fields, other choices and comments',
      `: hi\n\n${sseText({
        id: 'a',
        foo: 1,
        choices: [
          { index: 1, delta: { content: 'no' } },
          { index: 0, delta: { content: 'x', foo: 2 } },
        ],
      })}${END}`,
      ['text:x', 'stop:end_turn'],
    ],
  ])('%s', (_, answer, wanted) => {
    const { out, reader } = read(answer);
    expect(blocks(out)).toEqual(wanted);
    expect(reader.failure()).toBeNull();
  });

  test('a signature in a piece of its own reaches its tool call', () => {
    const answer =
      call({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }) +
      call({ index: 0, extra_content: { google: { thought_signature: 'S' } } }) +
      END;
    expect(blocks(read(answer, { quirks: { tool_signature_filler: 'x' } }).out)).toEqual([
      'redacted_thinking:google-gemini-v1:a:S',
      'tool_use:f{}',
      'stop:tool_use',
    ]);
  });

  test('ids of calls that repeat become different ones', () => {
    const answer =
      call({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }) +
      call({ index: 1, id: 'a', function: { name: 'f', arguments: '{}' } }) +
      END;
    const ids = [...read(answer).out.matchAll(/"id":"(a[^"]*)","name"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(2);
  });

  test.each<[string, string, Wire]>([
    ['events that are no JSON', 'data: {"id"\n\ndata: x\n\n', 'openai-chat'],
    [
      'arguments after the end of them',
      call({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }) +
        chunk({ content: 'x' }) +
        call({ index: 0, function: { arguments: '{}' } }),
      'openai-chat',
    ],
    ['two starts', sseText({ type: 'message_start', message: {} }).repeat(2), 'anthropic-messages'],
    [
      'content before the start',
      sseText({ type: 'content_block_start', content_block: { type: 'text' } }),
      'anthropic-messages',
    ],
    ['nothing', '', 'openai-chat'],
    ['only a comment', ': hi\n\n', 'openai-responses'],
  ])('%s end as one error of the wire', (_, answer, from) => {
    const { out, reader } = read(answer, { from, to: from === 'openai-chat' ? 'anthropic-messages' : 'openai-chat' });
    expect(reader.failure()).toMatchObject({ kind: 'unreadable', status: 502 });
    expect(out.match(/"error":\{/g)).toHaveLength(1);
    expect(reader.push(Buffer.from(chunk({ content: 'more' })))).toBeNull();
  });

  test('blocks and events of unknown type are left out', () => {
    const events = [
      { type: 'message_start', message: { id: 'a', model: 'm', usage: { input_tokens: 1, output_tokens: 1 } } },
      { type: 'ping' },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'server_tool_use', id: 's', name: 'n', input: {} },
      },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"q":1}' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'citations_delta', citation: {} } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'x' } },
      { type: 'novelty' },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } },
      { type: 'message_stop' },
    ];
    const { out, reader } = read(events.map((event) => sseText(event)).join(''), {
      from: 'anthropic-messages',
      to: 'openai-chat',
    });
    expect(out).toContain('"content":"x"');
    expect(out).not.toContain('tool_calls');
    expect(reader.usage()).toMatchObject({ usage: { input: 1, output: 5 }, partial: false });
  });

  test('usage so far is known as such when the connection breaks', () => {
    const reader = read('', {}).reader;
    expect(reader.usage()).toBeNull();
    const start = sseText({
      type: 'message_start',
      message: { id: 'a', model: 'm', usage: { input_tokens: 9, output_tokens: 1 } },
    });
    const broken = new TranslatedReader({
      callerWire: 'openai-chat',
      wire: 'anthropic-messages',
      entry: { quirks: {} } as CatalogueEntry,
      stream: true,
      answerBytesMax: 1e6,
      context: { model: 'm', created: 1, includeUsage: true, inputEstimate: 1, request: {} },
    });
    broken.head(200, SSE);
    broken.push(Buffer.from(start));
    broken.cut({ code: 'provider.cut', message: 'x' });
    expect(broken.usage()).toMatchObject({ usage: { input: 9 }, partial: true });
  });
});

describe('answers of another form than asked for', () => {
  test('a whole answer to a request for a stream is streamed', () => {
    expect(blocks(read(JSON.stringify(ANSWER), { headers: JSON_TYPE }).out)).toEqual(['text:Hi', 'stop:end_turn']);
  });

  test('a stream to a request for a whole answer is put together', () => {
    const answer = JSON.parse(read(chunk({ content: 'Hi' }) + END, { stream: false }).out);
    expect(answer).toMatchObject({ type: 'message', content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn' });
  });

  test.each<[string, string, Record<string, string>]>([
    ['a web page', '<html></html>', { 'content-type': 'text/html' }],
    ['nothing', '', JSON_TYPE],
    ['another object', '{"a":1}', JSON_TYPE],
    ['packed bytes', 'x', { ...JSON_TYPE, 'content-encoding': 'br' }],
    [
      'a tool call whose arguments are no object',
      JSON.stringify({
        choices: [{ message: { tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{"x' } }] } }],
      }),
      JSON_TYPE,
    ],
  ])('%s is a failure of the provider in the wire of the caller', (_, answer, headers) => {
    const { out, reader } = read(answer, { stream: false, headers });
    expect(reader.failure()).toMatchObject({ kind: 'unreadable', status: 502 });
    expect(JSON.parse(out)).toMatchObject({ type: 'error', error: { type: 'api_error' } });
  });

  test.each([
    [301, 502],
    [418, 418],
  ])('status %i is shown as %i: redirects are not followed', (status, shown) => {
    expect(read('', { status, stream: false, headers: JSON_TYPE }).head.status).toBe(shown);
  });

  test('an answer beyond the limit is not held', () => {
    expect(() => read('x'.repeat(2_000), { stream: false, headers: JSON_TYPE, limit: 1_000 })).toThrow(
      'more than 1000 bytes',
    );
  });
});
