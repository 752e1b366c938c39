import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { createTokenCounter, type TokenCounter, type TokenCounterOptions } from './token-counter.ts';

const made: TokenCounter[] = [];
const create = (options?: TokenCounterOptions): TokenCounter => {
  const counter = createTokenCounter(options);
  made.push(counter);
  return counter;
};
/** Waits for nothing but the test's own limit. */
const PATIENT = { countMs: 60_000, waitMs: 60_000 };
/** A megabyte of which no two pieces are alike, each of the kind that takes a tokenizer longest. */
const HOSTILE = Array.from({ length: 2048 }, (_, i) => `${i % 10}${' '.repeat(400)}${'a'.repeat(100 + (i % 11))}`).join(
  '',
);

afterEach(async () => {
  for (const counter of made.splice(0)) await counter.close();
});

test('texts are counted by o200k', async () => {
  const counter = create(PATIENT);
  expect(await counter.count(['Hello, world!'])).toBe(4);
  expect(await counter.count(['Hello, world!', 'Hello, world!'])).toBe(8);
  expect(await counter.count([])).toBe(0);
  expect(await counter.count([''])).toBe(0);
});

test('marks of the tokenizer are text like any other', async () => {
  expect(await create(PATIENT).count(['<|endoftext|>'])).toBeGreaterThan(1);
});

test('no character is cut in two: emoji over the border of a piece count like emoji within', async () => {
  const counter = create(PATIENT);
  const one = await counter.count(['😀']);
  expect(await counter.count([`${'😀'.repeat(600)}`])).toBe(600 * (one ?? 0));
  expect(await counter.count([`a${'😀'.repeat(600)}`])).toBe(600 * (one ?? 0) + 1);
});

test.each([
  ['a million spaces', ' '.repeat(1_000_000)],
  ['a megabyte of one letter', 'a'.repeat(1_048_576)],
  ['a megabyte of line ends', '\n'.repeat(1_048_576)],
])(
  '%s is counted',
  async (_, text) => {
    expect(await create(PATIENT).count([text])).toBeGreaterThan(1000);
  },
  30_000,
);

test('the event loop turns while hostile text is counted', async () => {
  const counting = create(PATIENT).count([HOSTILE]);
  const state = { done: false, turns: 0 };
  void counting.finally(() => {
    state.done = true;
  });
  while (!state.done) {
    await turn();
    state.turns += 1;
  }
  expect(state.turns).toBeGreaterThan(50);
  expect(await counting).toBeGreaterThan(1000);
}, 60_000);

test('a count ends when its time is over, and the next is made', async () => {
  const counter = create({ countMs: 0, waitMs: 60_000 });
  expect(await counter.count([HOSTILE])).toBeNull();
  expect(await counter.count([])).toBe(0);
});

test('nobody waits longer than allowed, whatever the thread does', async () => {
  expect(await create({ countMs: 60_000, waitMs: 0 }).count([HOSTILE])).toBeNull();
});

test('what comes while too much is waiting is not counted', async () => {
  const counter = create(PATIENT);
  const counts = Array.from({ length: 17 }, () => counter.count(['Hello']));
  expect(await counts.at(-1)).toBeNull();
  expect(await Promise.all(counts.slice(0, 16))).toEqual(Array(16).fill(1));
});

test('closing answers those who wait, and nothing is counted afterwards', async () => {
  const counter = create(PATIENT);
  const waiting = counter.count([HOSTILE]);
  await counter.close();
  expect(await waiting).toBeNull();
  expect(await counter.count(['Hello'])).toBeNull();
});
