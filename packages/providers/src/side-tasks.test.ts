import { type CallerRequest, UnsupportedFeature } from '@ownkey/contract/dialect';
import type { Quirks } from '@ownkey/contract/provider';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prepareExchange } from './exchange.ts';
import { LIMITS, requestOf, targetWith } from './native/native-kit.test-kit.ts';

const VECTORS = [
  [0.5, -0.25, 3],
  [1e-3, 2, -7.125],
];
const answerOf = (embeddings: unknown[], extra: object = {}): string =>
  JSON.stringify({
    object: 'list',
    data: embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    model: 'm-1',
    ...extra,
  });
const pack = (vector: number[]): string => Buffer.from(new Float32Array(vector).buffer).toString('base64');
const REPORTED = { usage: { prompt_tokens: 9, total_tokens: 9 } };

function embed(answer: string, fields = '', { sizes = [answer.length], status = 200, quirks = {} as Quirks } = {}) {
  const request: CallerRequest = { ...requestOf(`{"model":"a/b","input":"x"${fields}}`), task: 'embeddings' };
  const reader = prepareExchange(targetWith(quirks), request, LIMITS).reader();
  reader.head(status, { 'content-type': 'application/json' });
  const bytes = Buffer.from(answer);
  let out = '';
  for (let at = 0, nth = 0; at < bytes.length; nth++) {
    const size = sizes[nth % sizes.length] ?? 1;
    out += reader.push(Buffer.from(bytes.subarray(at, at + size)))?.toString() ?? '';
    at += size;
  }
  out += reader.end()?.toString() ?? '';
  return { out, reader };
}

describe('a request besides answers', () => {
  test.each([
    ['embeddings', 'openai-chat', '/embeddings'],
    ['count-tokens', 'anthropic-messages', '/messages/count_tokens'],
  ] as const)('for %s goes out as it is but for the model', (task, wire, path) => {
    const body = '{ "x":1.0, "model" : "a/b", "max_tokens": 5, "stream_options": null }';
    const request: CallerRequest = { ...requestOf(body, { wire }), task };
    const sent = prepareExchange(targetWith({ token_limit_field: 'max_completion_tokens' }, wire), request, LIMITS);
    expect(sent.request).toMatchObject({ method: 'POST', path });
    expect(sent.request.body.toString()).toBe(body.replace('"a/b"', '"m-1"'));
  });

  test.each([
    ['embeddings', 'anthropic-messages'],
    ['count-tokens', 'openai-chat'],
    ['count-tokens', 'openai-responses'],
  ] as const)('for %s is refused by a provider of %s, by the name of the provider', (task, wire) => {
    const request: CallerRequest = { ...requestOf('{"model":"a/b"}'), task };
    expect(() => prepareExchange(targetWith({}, wire), request, LIMITS)).toThrow(UnsupportedFeature);
    expect(() => prepareExchange(targetWith({}, wire), request, LIMITS)).toThrow(/^acme /);
  });
});

describe('an answer of embeddings', () => {
  test('passes as it is, whatever quirks the provider has for chats', () => {
    const answer = answerOf(VECTORS, REPORTED).replace('"model"', '\n "model"');
    const quirks = { content_parts: true, repair_tool_calls: true, repair_finish_reason: true };
    const { out, reader } = embed(answer, '', { quirks });
    expect(out).toBe(answer);
    expect(reader.usage()).toMatchObject({ usage: { input: 9, output: 0 }, basis: 'reported', partial: false });
  });

  test('without usage counts its input, and nothing as generated', () => {
    const { reader } = embed(answerOf(VECTORS));
    expect(reader.usage()).toMatchObject({ usage: { input: 7, output: 0 }, basis: 'counted', partial: false });
    expect(reader.generatedCharacters()).toBe(0);
  });

  test('is packed where base64 was asked and numbers came, whatever the pieces', () => {
    const wanted = JSON.parse(answerOf(VECTORS.map(pack), REPORTED));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }), (sizes) => {
        const { out, reader } = embed(answerOf(VECTORS, REPORTED), ',"encoding_format":"base64"', { sizes });
        expect(JSON.parse(out)).toEqual(wanted);
        expect(reader.usage()?.usage.input).toBe(9);
      }),
    );
  });

  test.each([
    ['base64 came', answerOf(VECTORS.map(pack), REPORTED)],
    ['there is no vector', answerOf([], REPORTED)],
    ['a vector is none', answerOf([['x']], REPORTED)],
  ])('passes where base64 was asked and %s', (_, answer) => {
    expect(embed(answer, ',"encoding_format":"base64"', { sizes: [3, 11] }).out).toBe(answer);
  });

  test('stays numbers where numbers were asked', () => {
    const answer = answerOf(VECTORS, REPORTED);
    expect(embed(answer, ',"encoding_format":"float"').out).toBe(answer);
  });

  test('that has to be packed is bounded', () => {
    const answer = answerOf([Array(600_000).fill(0)]);
    expect(() => embed(answer, ',"encoding_format":"base64"', { sizes: [65_536] })).toThrow('more than 1000000 bytes');
  });

  test.each(['<html>busy</html>', '{"data":[{"embedding":[1,2'])('that cannot be read is a failure: %s', (answer) => {
    for (const fields of ['', ',"encoding_format":"base64"']) {
      const { reader } = embed(answer, fields);
      expect(reader.failure()?.kind).toBe('unreadable');
      expect(reader.usage()).toBeNull();
    }
  });
});
