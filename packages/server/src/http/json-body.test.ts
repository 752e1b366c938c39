import { expect, test } from 'vitest';
import { parseJsonBody } from './json-body.ts';

const codeOf = (text: string, levelsMax?: number): unknown => {
  try {
    return parseJsonBody(Buffer.from(text), levelsMax);
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
};

test('a string without an end is refused at once, however many quotes are escaped in it', () => {
  expect(codeOf(`{"a": "${'\\"'.repeat(130_000)}`)).toBe('request.invalid_json');
});

test.each([
  ['{"a": 1, "a": 2}', 'request.duplicate_key'],
  ['{"b": {"a": 1, "\\u0061": 2}}', 'request.duplicate_key'],
  ['{"__proto__": {}}', 'request.invalid'],
  ['{"a": ', 'request.invalid_json'],
  ['['.repeat(33) + ']'.repeat(33), 'request.too_deep'],
])('%s is refused', (text, code) => {
  expect(codeOf(text)).toBe(code);
});

test('a route may take deeper bodies', () => {
  const deep = '['.repeat(33) + ']'.repeat(33);
  expect(codeOf(deep, 33)).toEqual(JSON.parse(deep));
});
