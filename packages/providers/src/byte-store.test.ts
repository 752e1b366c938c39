import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteStore } from './byte-store.ts';

test('gives back what was put in, in order, and is empty then', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.uint8Array({ maxLength: 2_000 }))), (rounds) => {
      const store = new ByteStore();
      for (const chunks of rounds) {
        const buffers = chunks.map((chunk) => Buffer.from(chunk));
        for (const buffer of buffers) store.push(buffer);
        const wanted = Buffer.concat(buffers);
        expect(store.length).toBe(wanted.length);
        expect(store.take().equals(wanted)).toBe(true);
        expect(store.length).toBe(0);
      }
    }),
  );
});

test('never writes into a chunk it was given', () => {
  const store = new ByteStore();
  const first = Buffer.from('abc');
  store.push(first);
  store.push(Buffer.from('defg'));
  expect(first.toString()).toBe('abc');
  expect(store.take().toString()).toBe('abcdefg');
});
