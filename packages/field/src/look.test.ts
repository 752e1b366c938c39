import { expect, it } from 'vitest';
import { contrast, takeLook } from './look.ts';

const taken = (tokens: Record<string, string>, scheme: 'light' | 'dark' = 'light') => {
  const look = takeLook({ scheme, tokens });
  return { ...Object.fromEntries(look.tokens), refused: look.refused };
};

it('measures contrast as WCAG does', () => {
  expect(contrast('#000000', '#ffffff')).toBe(21);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
});

it('takes colours and lengths of the list', () => {
  const tokens = {
    '--oky-surface': '#FFF8F0',
    '--oky-ink': '#203040',
    '--oky-radius': '0px',
    '--oky-text-size': '16px',
  };
  expect(taken(tokens)).toEqual({ ...tokens, refused: [] });
});

it.each([
  ['--oky-bad', '#ffffff'],
  ['--oky-own', '#123456'],
  ['background', '#123456'],
  ['--oky-ink', 'red'],
  ['--oky-ink', '#12345678'],
  ['--oky-ink', 'url(https://a.example/x.png)'],
  ['--oky-ink', 'var(--x)'],
  ['--oky-surface', '#ffffff;background:url(x)'],
  ['--oky-radius', '40px'],
  ['--oky-radius', '-1px'],
  ['--oky-text-size', '6px'],
  ['--oky-text-size', '1rem'],
])('leaves out %s: %s', (name, value) => {
  expect(
    taken({ [name]: value, '--oky-radius': '3px', ...(name === '--oky-radius' ? { [name]: value } : {}) }),
  ).toEqual({
    ...(name === '--oky-radius' ? {} : { '--oky-radius': '3px' }),
    refused: [name],
  });
});

it.each([
  ['text as bright as its ground', { '--oky-text': '#fefefe' }],
  ['a ground as dark as our text', { '--oky-surface': '#101010' }],
  ['hints that fade', { '--oky-text-2': '#c0c0c0' }],
  [
    'a ground of the colour of warnings',
    { '--oky-surface': '#c04030', '--oky-text': '#ffffff', '--oky-text-2': '#ffffff' },
  ],
])('takes no colour of a page that asks for %s', (_, colours) => {
  expect(taken({ ...colours, '--oky-radius': '3px' })).toEqual({
    '--oky-radius': '3px',
    refused: expect.arrayContaining(Object.keys(colours)),
  });
});

it('measures against the colours of the scheme in use', () => {
  expect(taken({ '--oky-text': '#ffffff', '--oky-text-2': '#dddddd' }, 'dark').refused).toEqual([]);
});
