import type { Quirks } from '@ownkey/contract/provider';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prepareExchange } from '../exchange.ts';
import { DONE, delta, LIMITS, requestOf, stream, targetWith, USAGE } from './native-kit.test-kit.ts';

interface Chunk {
  choices: { delta: { tool_calls?: { index: number; id: string }[] }; finish_reason: string | null }[];
}

describe('repairs the quirks declare', () => {
  const gemini: Quirks = { stream_usage: 'always', repair_tool_calls: true, repair_finish_reason: true };
  const chunks = (out: string): Chunk[] =>
    out
      .split('\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line): Chunk => JSON.parse(line.slice(6)));

  test('give every tool call its own index and an id, and one finish reason at the end', () => {
    const call = (id: string, name: string) => ({
      tool_calls: [{ index: 0, id, function: { name, arguments: '{}' } }],
    });
    const { out } = stream(
      gemini,
      delta(call('', 'f'), 'stop') + delta(call('b', 'g'), 'stop') + delta({}, 'stop', { usage: USAGE }) + DONE,
    );
    const all = chunks(out);
    const calls = all.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(calls.map((item) => item.index)).toEqual([0, 1]);
    expect(calls[0]?.id).toMatch(/^call_\w{32}$/);
    expect(all.map((chunk) => chunk.choices[0]?.finish_reason)).toEqual([null, null, null, 'tool_calls']);
    expect(out.endsWith(DONE)).toBe(true);
  });

  test('keep signatures of tool calls', () => {
    const signed = {
      tool_calls: [
        {
          index: null,
          id: 'a',
          function: { name: 'f', arguments: '{}' },
          extra_content: { google: { thought_signature: 's' } },
        },
      ],
    };
    const [first] = chunks(stream(gemini, delta(signed) + delta({}, 'stop') + DONE).out);
    expect(first?.choices[0]?.delta.tool_calls?.[0]).toMatchObject({
      index: 0,
      extra_content: { google: { thought_signature: 's' } },
    });
  });

  test('leave chunks without anything to repair as they are', () => {
    const words = delta({ content: 'Hello' });
    expect(stream(gemini, words + delta({}, 'stop') + DONE).out.startsWith(words)).toBe(true);
  });

  test('turn a list of parts into text and reasoning', () => {
    const parts = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
      { type: 'text', text: 'yes' },
    ];
    const { out } = stream(
      { content_parts: true, stream_usage: 'always' },
      delta({ content: parts }) + delta({}, 'stop') + DONE,
    );
    expect(chunks(out)[0]?.choices[0]?.delta).toEqual({ content: 'yes', reasoning_content: 'hm' });
  });

  test('mend whole answers', () => {
    const reader = prepareExchange(targetWith(gemini), requestOf('{"model":"a/b"}'), LIMITS).reader();
    reader.head(200, { 'content-type': 'application/json' });
    const message = { tool_calls: [{ id: '', function: { name: 'f', arguments: '' } }] };
    reader.push(Buffer.from(JSON.stringify({ choices: [{ message, finish_reason: 'stop' }], usage: USAGE })));
    const answer = JSON.parse(reader.end()?.toString() ?? '');
    expect(answer.choices[0].finish_reason).toBe('tool_calls');
    expect(answer.choices[0].message.tool_calls[0]).toMatchObject({ type: 'function', function: { arguments: '{}' } });
    expect(reader.usage()?.usage.input).toBe(5);
  });
});

describe('a whole answer of the same wire', () => {
  const whole = (
    answer: string | Buffer,
    headers: Record<string, string> = { 'content-type': 'application/json' },
    size = 1e9,
  ) => {
    const reader = prepareExchange(targetWith({}), requestOf('{"model":"a/b"}'), LIMITS).reader();
    const head = reader.head(200, headers);
    const bytes = Buffer.from(answer as string);
    let out = '';
    for (let at = 0; at < bytes.length; at += size)
      out += reader.push(Buffer.from(bytes.subarray(at, at + size)))?.toString() ?? '';
    out += reader.end()?.toString() ?? '';
    return { head, out, reader };
  };
  const tools = { tools: [{ parameters: { properties: { usage: { type: 'object' } } } }] };

  test('passes as it is, its usage found wherever it stands and however it is cut', () => {
    const answers = [
      JSON.stringify(
        { choices: [{ message: { content: '"usage":{"prompt_tokens":1}' } }], usage: USAGE, ...tools },
        null,
        1,
      ),
      JSON.stringify({ usage: USAGE, choices: [] }),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...answers), fc.integer({ min: 1, max: 40 }), (answer, size) => {
        const { out, reader } = whole(answer, undefined, size);
        expect(out).toBe(answer);
        expect(reader.usage()).toMatchObject({ usage: { input: 5, output: 3 }, partial: false });
        expect(reader.failure()).toBeNull();
      }),
    );
  });

  test('is an error where it holds one', () => {
    const { out, reader } = whole('{"error":{"message":"Provider returned error","code":503}}');
    expect(reader.failure()).toMatchObject({ kind: 'outage', status: 503 });
    expect(out).toContain('Provider returned error');
  });

  test.each([
    ['a web page', '<html><title>Hello</title></html>', { 'content-type': 'text/html' }],
    ['nothing', '', { 'content-type': 'application/json' }],
    ['cut JSON', '{"choices":[', { 'content-type': 'application/json' }],
    ['a packed answer', 'xx', { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('is a failure where it is %s', (_, answer, headers) => {
    expect(whole(answer, headers).reader.failure()).toMatchObject({ kind: 'unreadable', status: 502 });
  });

  test('shows no header that names an organisation or its limits', () => {
    const { head } = whole('{}', {
      'content-type': 'application/json',
      'openai-organization': 'org-1',
      'x-ratelimit-limit-requests': '9',
      'x-request-id': 'r1',
      'set-cookie': 'a=b',
    });
    expect(head.headers).toEqual({ 'content-type': 'application/json', 'x-request-id': 'r1' });
  });
});
