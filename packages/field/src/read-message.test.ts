import { describe, expect, it } from 'vitest';
import { readCommand, readHello } from './read-message.ts';

const place = { company: 'co_1', user: null, provider: 'acme', destination: 'catalogue:acme' };
const hello = { ownkey: 'field', v: 1, label: 'API key', look: { scheme: 'light' }, place };

describe('the first message', () => {
  it('is taken as it is described', () => {
    expect(readHello(hello)).toEqual(hello);
    expect(readHello({ ...hello, place: null })).not.toBeNull();
    expect(readHello({ ...hello, look: { scheme: 'dark', tokens: { '--oky-ink': '#000000' } } })).not.toBeNull();
  });

  it.each([
    ['nothing', null],
    ['a text', 'field'],
    ['a list', [hello]],
    ['another version', { ...hello, v: 2 }],
    ['a member more', { ...hello, texts: {} }],
    ['a member less', { ownkey: 'field', v: 1, label: 'API key', look: { scheme: 'light' } }],
    ['an endless label', { ...hello, label: 'x'.repeat(81) }],
    ['a label of two lines', { ...hello, label: 'API\nkey' }],
    ['no look', { ...hello, look: {} }],
    ['a look with style', { ...hello, look: { scheme: 'light', css: 'body{}' } }],
    ['a token that is no text', { ...hello, look: { scheme: 'light', tokens: { '--oky-ink': {} } } }],
    ['a place without a destination', { ...hello, place: { ...place, destination: undefined } }],
    ['a destination with a path', { ...hello, place: { ...place, destination: 'https://a.example/path' } }],
    ['a destination of another kind', { ...hello, place: { ...place, destination: 'javascript:alert(1)' } }],
    ['a place by inheritance', Object.create(hello)],
  ])('is nothing when it is %s', (_, value) => expect(readHello(value)).toBeNull());
});

describe('a command', () => {
  const seal = { type: 'seal', id: 1, place, key_id: 'key_0123456789', version: 1 };
  it.each([
    { type: 'focus' },
    { type: 'clear' },
    { type: 'invalid' },
    { type: 'accept-form' },
    { type: 'disable', disabled: true },
    { type: 'label', label: 'Key' },
    { type: 'check', id: 0 },
    { type: 'place', place: null },
    seal,
  ])('%j is taken', (value) => expect(readCommand(value)).toEqual(value));

  it.each([
    { type: 'value' },
    { type: 'constructor' },
    { type: 'toString' },
    { type: 'focus', and: 'read' },
    { ...seal, nonce: 'of-the-page-0123456789' },
    { ...seal, place: null },
    { ...seal, version: 0 },
    { ...seal, id: -1 },
    { ...seal, key_id: 'key_' },
    { type: 'check', id: '1' },
    {},
    7,
  ])('%j is not', (value) => expect(readCommand(value)).toBeNull());
});
