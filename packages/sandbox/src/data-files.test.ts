import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { checkFields, DataFileError } from './json.ts';
import { makeKey, outcomeOf } from './keys.ts';
import { Mint } from './mint.ts';
import { sampleOf } from './sample.ts';
import { loadScenarios, readScenario } from './scenario.ts';
import { fill } from './template.ts';
import { cutToTokens, piecesOf, tokensOf } from './tokens.ts';

const good = { title: 'A', what: 'B', follows: ['https://example.com'], text: 'c' };

describe('scenario files', () => {
  it('are all read, and each names the reference it follows', () => {
    const scenarios = loadScenarios(new URL('../scenarios', import.meta.url).pathname);
    expect(scenarios.size).toBeGreaterThan(40);
    for (const scenario of scenarios.values()) expect(scenario.follows[0]).toMatch(/^https:\/\//);
  });

  it.each([
    ['no JSON', '{'],
    ['an unknown field', JSON.stringify({ ...good, txt: 'c' })],
    ['no reference', JSON.stringify({ ...good, follows: [] })],
    ['a reference that is no page', JSON.stringify({ ...good, follows: ['somewhere'] })],
    ['an unknown misbehaviour', JSON.stringify({ ...good, hostile: 'odd' })],
    ['an unknown error', JSON.stringify({ ...good, error: { kind: 'odd' } })],
    ['a field of another type', JSON.stringify({ ...good, text: 1 })],
  ])('are refused with %s', (_name, file) => {
    expect(() => readScenario('a', file)).toThrow(DataFileError);
  });
});

describe('fields', () => {
  it('are checked for presence, type and name', () => {
    expect(() => checkFields({ a: 'x' }, { a: 'string', 'b?': 'number' }, 'here')).not.toThrow();
    expect(() => checkFields({}, { a: 'string' }, 'here')).toThrow('here: "a" is missing');
    expect(() => checkFields({ a: 1 }, { a: 'string' }, 'here')).toThrow('"a" is not of kind string');
    expect(() => checkFields({ a: 'x', c: 1 }, { a: 'string' }, 'here')).toThrow('"c" is not a known field');
  });
});

describe('templates', () => {
  const mint = (): Mint => new Mint('seed');

  it('fill values, drop undefined ones and take the default after a bar', () => {
    const template = { a: '$a', b: '$b', c: '$b|null', d: '$b|""', e: 'x-{a}', f: ['$b', '$a'], g: 1 };
    expect(fill(template, { a: 5, b: undefined }, mint())).toEqual({ a: 5, c: null, d: '', e: 'x-5', f: [5], g: 1 });
  });

  it('mint text from a seed, each time another', () => {
    expect(fill('{hex:8}-{digits:3}', {}, mint())).toMatch(/^[0-9a-f]{8}-\d{3}$/);
    expect(fill('{hex:8}{hex:8}', {}, mint())).toBe(fill('{hex:8}{hex:8}', {}, mint()));
    const [one, two] = String(fill('{hex:8} {hex:8}', {}, mint())).split(' ');
    expect(one).not.toBe(two);
  });

  it('throw for a name nobody knows', () => {
    expect(() => fill({ a: '$nobody' }, {}, mint())).toThrow('nobody');
    expect(() => fill('{roman:3}', {}, mint())).toThrow('roman');
  });
});

describe('keys', () => {
  it.each([
    [{ prefixes: ['sk-ant-'], usual_length: 108 }, 'sk-ant-', 108],
    [{ prefixes: [], shared_prefixes: ['sk-'], usual_length: 35 }, 'sk-', 37],
    [{ prefixes: [], usual_length: 32 }, '', 34],
  ])('have prefix, outcome and the usual length: %j', (shape, prefix, length) => {
    const key = makeKey(shape, 'no_credit');
    expect(key.startsWith(`${prefix}no_credit-`)).toBe(true);
    expect(key).toHaveLength(length);
    expect(outcomeOf(shape, key)).toBe('no_credit');
    expect(makeKey(shape, 'no_credit')).not.toBe(key);
  });

  it.each([
    '',
    'sk-ant-',
    'sk-ant-valid-short',
    'sk-ant-valid_abcdefghijklmnopqrstuvwx',
    'valid-abcdefghijklmnopqrstuvwx',
    'sk-ant-valid-abcdefghijklmnopqrstuv wx',
  ])('of another form say nothing: %j', (text) => {
    expect(outcomeOf({ prefixes: ['sk-ant-'], usual_length: 108 }, text)).toBeNull();
  });
});

describe('tokens', () => {
  it('are 4 bytes each, and a cut never splits a character', () => {
    expect([tokensOf(''), tokensOf('abcd'), tokensOf('abcde'), tokensOf('🌊')]).toEqual([0, 1, 2, 1]);
    expect(cutToTokens('abc🌊', 1)).toBe('abc');
    expect(piecesOf('One two\n three ').join('')).toBe('One two\n three ');
  });
});

describe('sample values', () => {
  it('follow references, choices, lists and limits, and end in schemas that contain themselves', () => {
    const schema = {
      type: 'object',
      properties: {
        kind: { enum: ['a', 'b'] },
        count: { type: 'integer', minimum: 3 },
        list: { type: 'array', items: { $ref: '#/$defs/node' } },
      },
      $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } },
    };
    expect(sampleOf(schema)).toMatchObject({ kind: 'a', count: 3 });
    expect(sampleOf(schema, 1)).toMatchObject({ kind: 'b', count: 4 });
  });
});

describe('settings of the process', () => {
  it('have defaults, and every problem is told at once', () => {
    expect(readConfig({})).toMatchObject({ port: 8422, host: '127.0.0.1' });
    expect(() => readConfig({ OWNKEY_SANDBOX_PORT: 'x', OWNKEY_HOST: ' ' })).toThrow(
      /OWNKEY_SANDBOX_PORT.*\n.*OWNKEY_HOST/,
    );
  });
});
