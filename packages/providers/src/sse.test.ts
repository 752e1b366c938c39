import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SSE_LINE_BYTES_MAX, type SseEvent, SseParser, sseText } from './sse.ts';

function parse(text: string | Buffer, sizes: readonly number[] = [1e9]): SseEvent[] {
  const parser = new SseParser();
  const bytes = Buffer.from(text as string);
  const events: SseEvent[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    events.push(...parser.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return [...events, ...parser.end()];
}

describe('server-sent events', () => {
  test.each<[string, string, SseEvent[]]>([
    ['data', 'data: a\n\n', [{ event: '', data: 'a' }]],
    ['data without a space', 'data:a\n\n', [{ event: '', data: 'a' }]],
    ['one space is taken, more are data', 'data:  a\n\n', [{ event: '', data: ' a' }]],
    ['a name', 'event: e\ndata: a\n\n', [{ event: 'e', data: 'a' }]],
    ['several lines', 'data: a\ndata: b\n\n', [{ event: '', data: 'a\nb' }]],
    ['comments, ids and unknown fields', ': ping\nid: 1\nretry: 5\nfoo: x\ndata: a\n\n', [{ event: '', data: 'a' }]],
    ['a name without data is no event', 'event: e\n\ndata: a\n\n', [{ event: '', data: 'a' }]],
    ['CRLF', 'event: e\r\ndata: a\r\n\r\n', [{ event: 'e', data: 'a' }]],
    ['CR', 'event: e\rdata: a\r\r', [{ event: 'e', data: 'a' }]],
    ['a byte order mark', '\ufeffdata: a\n\n', [{ event: '', data: 'a' }]],
    ['an end without a blank line', 'data: a', [{ event: '', data: 'a' }]],
    ['nothing', '', []],
  ])('%s', (_, text, events) => {
    expect(parse(text)).toEqual(events);
    expect(parse(text, [1])).toEqual(events);
  });

  test('are the same wherever the chunks are cut', () => {
    const line = fc.oneof(
      fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, '')),
      fc.constantFrom('', ': c', 'data: x', 'event: y', 'data'),
    );
    const text = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')))
      .map((lines) => lines.map(([content, end]) => content + end).join(''));
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (content, sizes) => {
        expect(parse(content, sizes)).toEqual(parse(content));
      }),
    );
  });

  test('written are read', () => {
    expect(parse(sseText({ a: 'x\ny' }, 'e') + sseText('[DONE]'))).toEqual([
      { event: 'e', data: '{"a":"x\\ny"}' },
      { event: '', data: '[DONE]' },
    ]);
  });

  test('may have lines of 5 MB, not of more than 8 MB, in one line or in many', () => {
    expect(parse(`data: ${'x'.repeat(5_000_000)}\n\n`, [65_536])[0]?.data).toHaveLength(5_000_000);
    expect(() => parse('x'.repeat(SSE_LINE_BYTES_MAX + 1), [65_536])).toThrow('more than');
    expect(() => parse(`data: ${'x'.repeat(99)}\n`.repeat(90_000))).toThrow('more than');
  });
});
