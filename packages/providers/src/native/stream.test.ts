import type { Quirks, Wire } from '@ownkey/contract/provider';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prepareExchange } from '../exchange.ts';
import { DONE, delta, LIMITS, requestOf, SSE, stream, targetWith, USAGE, USAGE_CHUNK } from './native-kit.test-kit.ts';

describe('a stream of the same wire', () => {
  const START = [': comment\n\n', delta({ role: 'assistant', content: '' }), delta({ content: 'Hi "usage": {}' })].join(
    '',
  );
  const WHOLE = START + delta({}, 'stop') + USAGE_CHUNK + DONE;
  const asked = '{"model":"a/b","stream":true,"stream_options":{"include_usage":true}}';

  test('is the same bytes where the caller asked for usage', () => {
    expect(stream({}, WHOLE, { body: asked }).out).toBe(WHOLE);
  });

  test('loses the chunk that only we asked for, whatever the chunks', () => {
    const wanted = WHOLE.replace(USAGE_CHUNK, '');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 }), (sizes) => {
        const { out, reader } = stream({}, WHOLE, { sizes });
        expect(out).toBe(wanted);
        expect(reader.usage()).toMatchObject({ usage: { input: 5, output: 3 }, basis: 'reported', partial: false });
      }),
    );
  });

  const nulls = (extra: object) => delta({ content: 'a "usage":null b' }, null, extra);
  test.each([
    ['at the end', nulls({ usage: null }), nulls({})],
    ['before the end', nulls({ usage: null, obfuscation: 'x' }), nulls({ obfuscation: 'x' })],
    ['before the choices', 'data: {"usage": null, "choices":[]}\n\n', 'data: { "choices":[]}\n\n'],
    ['beside spaces', 'data: {"choices":[], "usage" : null }\n\n', 'data: {"choices":[] }\n\n'],
    ['many in one piece', nulls({ usage: null }).repeat(3), nulls({}).repeat(3)],
    ['inside the choices, where it is not ours', nulls({}).replace('"delta"', '"usage":null,"delta"'), ''],
  ])('loses the empty usage of chunks that only we asked for: %s', (_, given, wanted) => {
    const end = delta({}, 'stop') + DONE;
    for (const sizes of [[given.length + end.length], [1], [7, 50]]) {
      const { out } = stream({}, given + USAGE_CHUNK + end, { sizes });
      expect(out).toBe((wanted || given) + end);
    }
    expect(stream({}, given + end, { body: asked }).out).toBe(given + end);
  });

  test('with CRLF line ends loses that chunk too', () => {
    const crlf = WHOLE.replaceAll('\n', '\r\n');
    expect(stream({}, crlf).out).toBe(crlf.replace(USAGE_CHUNK.replaceAll('\n', '\r\n'), ''));
  });

  test.each<[string, Quirks, string, number]>([
    ['on the chunk with the finish reason', {}, delta({}, 'stop', { usage: USAGE }), 3],
    ['under x_groq', {}, delta({}, 'stop', { x_groq: { usage: USAGE } }), 3],
    [
      'on every chunk, the last one counts',
      {},
      delta({}, 'stop', { usage: { ...USAGE, completion_tokens: 1 } }) + delta({}, 'stop', { usage: USAGE }),
      3,
    ],
    ['with null before', {}, delta({}, null, { usage: null }) + delta({}, 'stop', { usage: USAGE }), 3],
    [
      'with reasoning on top',
      { reasoning_on_top: true },
      delta({}, 'stop', { usage: { ...USAGE, total_tokens: 20 } }),
      15,
    ],
  ])('finds usage %s', (_, quirks, end, output) => {
    expect(stream(quirks, START + end + DONE).reader.usage()?.usage.output).toBe(output);
  });

  test.each([
    ['absurd', { prompt_tokens: 1e15, completion_tokens: -3 }],
    ['text', { prompt_tokens: '5' }],
    ['empty', {}],
  ])('does not believe %s usage', (_, usage) => {
    expect(stream({}, START + delta({}, 'stop', { usage }) + DONE).reader.usage()).toBeNull();
  });

  test('counts about what was generated, for want of usage', () => {
    const { reader } = stream(
      {},
      delta({ content: 'x'.repeat(400) }) + delta({ reasoning_content: 'y'.repeat(100) }) + delta({}, 'stop') + DONE,
    );
    expect(reader.generatedCharacters()).toBeGreaterThanOrEqual(500);
    expect(reader.generatedCharacters()).toBeLessThan(520);
    expect(reader.usage()).toBeNull();
  });

  test('is completed where the provider forgot its last event', () => {
    expect(stream({}, START + delta({}, 'stop'), { body: asked }).out).toBe(START + delta({}, 'stop') + DONE);
  });

  test('ends as an error where it breaks off', () => {
    const { out, reader } = stream({}, START);
    expect(out.slice(START.length)).toMatch(/^data: \{"error":\{.*"code":"provider.cut"/);
    expect(reader.failure()?.kind).toBe('unreadable');
  });

  test('ends half a line before the error of a lost connection', () => {
    const reader = prepareExchange(targetWith({}), requestOf(asked), LIMITS).reader();
    reader.head(200, SSE);
    reader.push(Buffer.from(`${START}data: {"id"`));
    expect(reader.cut({ code: 'provider.cut', message: 'It broke.' })?.toString()).toBe(
      '\n\ndata: {"error":{"message":"It broke.","type":"api_error","param":null,"code":"provider.cut"}}\n\n',
    );
    expect(reader.usage()).toBeNull();
  });

  test.each<[string, string, Wire, string]>([
    [
      'a named event',
      'event: error\ndata: {"error":{"message":"No","type":"t","status_code":400}}\n\n',
      'openai-chat',
      'bad_request',
    ],
    ['a chunk', delta({}, null, { error: { code: 429, message: 'Slow down' } }), 'openai-chat', 'rate_limited'],
    [
      'overload',
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
      'anthropic-messages',
      'outage',
    ],
    [
      'a failed response',
      'event: response.failed\ndata: {"type":"response.failed","response":{"error":{"code":"server_error","message":"No"}}}\n\n',
      'openai-responses',
      'outage',
    ],
    [
      'an error event',
      'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"No"}\n\n',
      'openai-responses',
      'rate_limited',
    ],
  ])('tells an error inside: %s', (_, event, wire, kind) => {
    const { out, reader } = stream({}, event, { wire });
    expect(reader.failure()?.kind).toBe(kind);
    expect(out.startsWith(event)).toBe(true);
  });

  test('does not take the words of an answer for an error or for usage', () => {
    const words = delta({ content: '{"error":{"message":"x"},"usage":{"prompt_tokens":9}}' });
    const { reader } = stream({}, words + delta({}, 'stop') + USAGE_CHUNK + DONE);
    expect(reader.failure()).toBeNull();
    expect(reader.usage()?.usage.input).toBe(5);
  });

  test('carries a line of 5 MB and refuses one of 9 MB', () => {
    const line = (size: number) => delta({ content: 'x'.repeat(size) });
    const big = line(5_000_000) + delta({}, 'stop') + DONE;
    expect(stream({}, big, { sizes: [65_536] }).out).toBe(big);
    expect(() => stream({}, line(9_000_000), { sizes: [65_536] })).toThrow('more than');
  });
});
