import { OwnkeyError } from '@ownkey/contract/errors';
import type { Wire } from '@ownkey/contract/provider';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBody } from './read-body.ts';

const read = (text: string | Buffer, wire: Wire = 'openai-chat') => readBody(Buffer.from(text as string), wire);
const refusal = (text: string | Buffer): { code: string; param: string | null } => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof OwnkeyError) return { code: error.code, param: error.param };
    throw error;
  }
  throw new Error('was read');
};

describe('reading a request body', () => {
  test.each([
    ['{"model":"a/b","messages":[]}', { model: 'a/b', stream: false, maxTokens: null, choices: 1 }],
    [' {\n "stream" : true , "model"\t:\r"m" } \n', { model: 'm', stream: true }],
    ['{"messages":[{"content":"\\"model\\":\\"x\\""}],"model":"real"}', { model: 'real' }],
    ['{"metadata":{"model":"inner","stream":true},"model":"outer"}', { model: 'outer', stream: false }],
    ['{"model":"m","stream":null,"max_tokens":null}', { stream: false, maxTokens: null }],
    ['{"model":"m","max_tokens":5,"max_completion_tokens":9}', { maxTokens: 9 }],
    ['{"model":"m","n":3}', { choices: 3 }],
    ['{"model":"m\\u00fc\\"n"}', { model: 'mü"n' }],
    ['{"model":"m","text":"ends in slash \\\\"}', { model: 'm' }],
    ['{"model":"m","a":[],"b":{},"c":[{}],"d":[1,-2.5e+3,true,null,"x"]}', { model: 'm' }],
  ])('finds what routing needs in %s', (text, wanted) => {
    expect(read(text)).toMatchObject(wanted);
  });

  test.each<[Wire, string, number | null]>([
    ['openai-chat', '{"model":"m","max_output_tokens":1}', null],
    ['openai-responses', '{"model":"m","max_output_tokens":16,"max_tokens":1}', 16],
    ['openai-responses', '{"model":"m","max_tokens":1}', null],
    ['anthropic-messages', '{"model":"m","max_tokens":7,"max_output_tokens":9000}', 7],
    ['anthropic-messages', '{"model":"m","max_completion_tokens":1}', null],
  ])('of %s takes its own limit of an answer alone: %s', (wire, text, maxTokens) => {
    expect(read(text, wire).maxTokens).toBe(maxTokens);
  });

  test.each([
    ['1.0000000000000000000000000000000000e4', 10_000],
    ['1e00000000000000000000000000000004', 10_000],
    ['20000e-1', 2_000],
  ])('reads the whole of a number, however long it is written: %s', (number, value) => {
    expect(read(`{"model":"m","max_tokens":${number},"n":${number}}`)).toMatchObject({
      maxTokens: value,
      choices: value,
    });
  });

  test('gives the range of the model, quotes included', () => {
    const text = '{"ü":"ö","model":"a/b","x":1}';
    const { modelRange } = read(text);
    expect(Buffer.from(text).subarray(modelRange!.start, modelRange!.end).toString()).toBe('"a/b"');
    expect(read(text).parsed).toBeUndefined();
  });

  test('parses a body whose keys are written with escapes, so that it is written anew', () => {
    expect(read('{"mod\\u0065l":"m","x":1}')).toMatchObject({
      model: 'm',
      modelRange: null,
      parsed: { model: 'm', x: 1 },
    });
  });

  test.each([
    ['{"model":"a","model":"b"}', 'model'],
    ['{"model":"a","mod\\u0065l":"b"}', 'model'],
    ['{"model":"a","stream":true,"messages":[],"stream":false}', 'stream'],
    ['{"model":"a","messages":[],"messages":[]}', 'messages'],
  ])('refuses %s, which two readers could read differently', (text, param) => {
    expect(refusal(text)).toEqual({ code: 'request.duplicate_key', param });
  });

  test.each([
    '',
    '   ',
    '[]',
    '"model"',
    'null',
    '{',
    '{"model":"m"',
    '{"model":"m"}}',
    '{"model":"m"} x',
    '{"model":"m"}{"model":"n"}',
    '{"model":"m",}',
    '{"model" "m"}',
    '{model:"m"}',
    "{'model':'m'}",
    '{"model":"m","x":[1,]}',
    '{"model":"m","x":[1 2]}',
    '{"model":"m","x":{"a":}}',
    '{"model":"m","x":{"a":1]}',
    '{"model":"m","x":[}',
    '{"model":"m","x":tru}',
    '{"model":"m","x":01}',
    '{"model":"m","x":NaN}',
    '{"model":"m","x":"open',
    '{"model":"m\\x"}',
    '\ufeff{"model":"m"}',
    '{"model":"line\nbreak"}',
  ])('refuses %j as no JSON', (text) => {
    expect(refusal(text).code).toBe('request.invalid_json');
  });

  test('refuses bytes that are not UTF-8', () => {
    expect(refusal(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])).code).toBe('request.invalid_json');
  });

  test.each([
    ['{"messages":[]}', 'model'],
    ['{"model":7}', 'model'],
    ['{"model":""}', 'model'],
    ['{"model":null}', 'model'],
    ['{"model":"m","stream":"yes"}', 'stream'],
    ['{"model":"m","stream":1}', 'stream'],
    ['{"model":"m","max_tokens":0}', 'max_tokens'],
    ['{"model":"m","max_tokens":1.5}', 'max_tokens'],
    ['{"model":"m","max_tokens":"9"}', 'max_tokens'],
    ['{"model":"m","max_tokens":1e30}', 'max_tokens'],
    ['{"model":"m","n":-1}', 'n'],
  ])('names the field at fault in %s', (text, param) => {
    expect(refusal(text)).toEqual({ code: 'request.invalid', param });
  });

  test('reads 127 levels and refuses more, without running out of stack', () => {
    const nested = (levels: number) => `{"model":"m","x":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(read(nested(127)).model).toBe('m');
    expect(refusal(nested(128)).code).toBe('request.too_deep');
    expect(refusal(nested(1_000_000)).code).toBe('request.too_deep');
  });

  test('reads what JSON.parse reads, and finds the same model', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.string({ minLength: 1 }),
        fc.boolean(),
        fc.nat(3),
        (other, model, stream, indent) => {
          const { n: _n, max_tokens: _a, max_completion_tokens: _b, max_output_tokens: _c, ...rest } = other;
          const body = Buffer.from(JSON.stringify({ ...rest, model, stream }, null, indent));
          const found = readBody(body, 'openai-chat');
          expect(found).toMatchObject({ model, stream });
          if (found.modelRange) {
            expect(JSON.parse(body.subarray(found.modelRange.start, found.modelRange.end).toString())).toBe(model);
          }
        },
      ),
    );
  });

  test('never reads what JSON.parse refuses outside of texts', () => {
    const piece = fc.constantFrom('{', '}', '[', ']', ',', ':', '"model"', '"a"', '1', 'true', 'null', ' ');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = `{"model":"m","x":${pieces.join('')}}`;
        let parsed = true;
        try {
          JSON.parse(text);
        } catch {
          parsed = false;
        }
        if (!parsed) expect(() => read(text)).toThrow(OwnkeyError);
      }),
      { numRuns: 500 },
    );
  });
});
