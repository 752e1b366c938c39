import { describe, expect, it } from 'vitest';
import { checkKeyShape, lastFour, maskOf, type ShapeOwner } from './shape.ts';

const owner = (
  id: string,
  name: string,
  prefixes: string[],
  min_length: number,
  shared_prefixes: string[] = [],
): ShapeOwner => ({
  id,
  name,
  key: { prefixes, shared_prefixes, min_length },
});
const ant = owner('ant', 'Ant', ['sk-ant-'], 40);
const oak = owner('oak', 'Oak', ['sk-proj-', 'sk-svc-'], 40, ['sk-']);
const sea = owner('sea', 'Sea', [], 32, ['sk-']);
const groot = owner('groot', 'Groot', ['gsk_'], 40);
const bare = owner('bare', 'Bare', [], 32);
const all = [ant, oak, sea, groot, bare];
const TAIL = 'aB3'.repeat(16);
const bytes = (text: string) => new TextEncoder().encode(text);

describe('the form check of a pasted key', () => {
  const accepted: [string, ShapeOwner | null, string, boolean][] = [
    ['its own prefix', ant, `sk-ant-${TAIL}`, true],
    ['one of several own prefixes', oak, `sk-svc-${TAIL}`, true],
    ['an own prefix that others share', oak, `sk-${TAIL}`, true],
    ['the shared prefix at the other provider that has it', sea, `sk-${TAIL}`, true],
    ['an unknown form at a provider with prefixes', ant, `zz${TAIL}`, false],
    ['a prefix that several providers share, at a third', ant, `sk-${TAIL}`, false],
    ['a provider whose keys have no form', bare, TAIL, false],
    ['any form at a custom endpoint', null, `sk-ant-${TAIL}`, false],
    ['a short password at a custom endpoint', null, 'x', false],
  ];
  it.each(accepted)('accepts %s', (_name, provider, key, recognised) => {
    const result = checkKeyShape(key, provider, all);
    expect(result).toMatchObject({ ok: true, recognised, trimmed: false });
    expect(result.ok && new TextDecoder().decode(result.clearKey)).toBe(key);
  });

  it.each([
    ['double quotes', `"sk-ant-${TAIL}"`],
    ['single quotes', `'sk-ant-${TAIL}'`],
    ['back-ticks', `\`sk-ant-${TAIL}\``],
    ['typographic quotes', `“sk-ant-${TAIL}”`],
    ['a line feed', `sk-ant-${TAIL}\n`],
    ['carriage return and line feed, twice', `\r\nsk-ant-${TAIL}\r\n\r\n`],
    ['blanks and tabs', ` \t sk-ant-${TAIL} \t`],
    ['quotes within white space within quotes', `" 'sk-ant-${TAIL}' "\n`],
    ['a no-break space and a byte order mark', `\ufeff\u00a0sk-ant-${TAIL}\u00a0`],
    ['zero-width characters', `\u200bsk-ant-${TAIL}\u200b\u2060`],
  ])('takes away %s around a key, and says so', (_name, pasted) => {
    for (const form of [pasted, bytes(pasted)]) {
      const result = checkKeyShape(form, ant, all);
      expect(result).toMatchObject({ ok: true, trimmed: true, recognised: true });
      expect(result.ok && new TextDecoder().decode(result.clearKey)).toBe(`sk-ant-${TAIL}`);
    }
  });

  it('gives a view into the bytes it was given, so that erasing those erases the key', () => {
    const pasted = bytes(`"sk-ant-${TAIL}"`);
    const result = checkKeyShape(pasted, ant, all);
    pasted.fill(0);
    expect(result.ok && result.clearKey.every((byte) => byte === 0)).toBe(true);
  });

  const refused: [string, ShapeOwner | null, string | Uint8Array, string, string | null][] = [
    ['nothing', ant, '', 'empty', null],
    ['nothing but quotes and blanks', ant, ' ""\n', 'empty', null],
    ['4097 characters', null, 'k'.repeat(4097), 'too_long', null],
    ['ten megabytes', ant, 'k'.repeat(10_000_000), 'too_long', null],
    ['ten megabytes of blanks', ant, ' '.repeat(10_000_000), 'too_long', null],
    ['a blank inside', ant, `sk-ant-${TAIL} ${TAIL}`, 'bad_character', null],
    ['a line break inside', null, 'abc\ndef', 'bad_character', null],
    ['a header smuggled behind it', null, 'abc\r\nx-evil: 1', 'bad_character', null],
    ['a NUL', null, 'abc\u0000def', 'bad_character', null],
    ['a NUL at its end', null, 'abcdef\u0000', 'bad_character', null],
    ['a delete character', null, 'abc\u007fdef', 'bad_character', null],
    ['an accent', null, 'clé-secrète', 'bad_character', null],
    ['the ellipsis of a shortened key', ant, `sk-ant-…${TAIL}`, 'bad_character', null],
    ['an emoji', null, 'key😀', 'bad_character', null],
    ['bytes that are no text', null, Uint8Array.of(0x41, 0xff, 0x41), 'bad_character', null],
    ['half of a trimmed character', null, Uint8Array.of(0x41, 0xe2, 0x80), 'bad_character', null],
    ['a token of Ownkey', ant, `oky_${TAIL}`, 'ownkey_token', null],
    ['a token of Ownkey at a custom endpoint', null, `oky_${TAIL}`, 'ownkey_token', null],
    ['the key of another provider', groot, `sk-ant-${TAIL}`, 'other_provider', 'ant'],
    ['the key of another provider, longer match than the own prefix', oak, `sk-ant-${TAIL}`, 'other_provider', 'ant'],
    [
      'the key of another provider, longer match than the shared prefix',
      sea,
      `sk-proj-${TAIL}`,
      'other_provider',
      'oak',
    ],
    ['the key of another provider where keys have no form', bare, `gsk_${TAIL}`, 'other_provider', 'groot'],
    ['the cut-off key of another provider', ant, 'gsk_ab', 'other_provider', 'groot'],
    ['the first part of its own key', ant, 'sk-ant-abcdefghijklmn', 'cut_off', null],
    ['too few characters where keys have no form but a length', bare, 'abcdef', 'cut_off', null],
  ];
  it.each(refused)('refuses %s', (_name, provider, pasted, problem, other) => {
    expect(checkKeyShape(pasted, provider, all)).toMatchObject({ ok: false, problem, provider: other });
  });

  it('says how much is there and how much there should be when a key is cut off', () => {
    const result = checkKeyShape('sk-ant-abcdefghijklmn', ant, all);
    expect(result.hint).toBe("This key looks cut off: 21 characters, Ant's have 40 or more. Copy it again.");
  });

  it('accepts exactly 4096 characters with a line break behind them', () => {
    expect(checkKeyShape(`${'k'.repeat(4096)}\n`, null, all).ok).toBe(true);
  });

  it('never repeats a part of the key in what it says', () => {
    for (const [, provider, pasted] of [...accepted, ...refused]) {
      const text = typeof pasted === 'string' ? pasted.slice(0, 200) : '';
      const secret = /[A-Za-z0-9]{12,}/.exec(text.replace(/^sk-ant-|^gsk_/, ''))?.[0];
      if (secret !== undefined) expect(checkKeyShape(pasted, provider, all).hint).not.toContain(secret.slice(0, 8));
    }
    expect(checkKeyShape(`sk-ant-${TAIL}`, groot, all).hint).toBe('This looks like a key of Ant (sk-ant-…).');
  });
});

describe('the last four', () => {
  it.each([
    ['abcdefghijklmno', null],
    ['abcdefghijklmnop', 'mnop'],
    ['', null],
  ])('of %j are %j', (key, expected) => {
    expect(lastFour(bytes(key))).toBe(expected);
  });

  it('are shown behind the prefix of the catalogue, and nothing is when there are none', () => {
    expect(maskOf({ prefixes: ['sk-'] }, 'abcd')).toBe('sk-...abcd');
    expect(maskOf({ prefixes: ['sk-proj-', 'sk-svcacct-'], shared_prefixes: ['sk-'] }, 'abcd')).toBe('sk-...abcd');
    expect(maskOf({ prefixes: [] }, 'abcd')).toBe('...abcd');
    expect(maskOf(null, null)).toBe('...');
  });
});
