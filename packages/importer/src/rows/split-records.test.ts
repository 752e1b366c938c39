import { expect, test } from 'vitest';
import { type RawRecord, RECORD_BYTES_MAX, splitRecords } from './split-records.ts';

async function all(chunks: Iterable<Buffer>, quoting: boolean, seen: (record: RawRecord) => void): Promise<void> {
  async function* source(): AsyncGenerator<Buffer> {
    yield* chunks;
  }
  for await (const record of splitRecords(source(), quoting)) seen(record);
}

test.each([
  ['without quotes', false, 'x'],
  ['in quotes', true, '"'],
])('a line of 100 MB %s is passed over without being kept, and the next is read', async (_, quoting, first) => {
  const piece = Buffer.alloc(65_536, 0x61);
  function* chunks(): Generator<Buffer> {
    yield Buffer.from(`before\n${first}`);
    for (let bytes = 0; bytes < 100_000_000; bytes += piece.length) yield piece;
    yield Buffer.from('\nafter');
  }
  let held = 0;
  const records: [number, string | null][] = [];
  await all(chunks(), quoting, ({ line, bytes }) => {
    records.push([line, bytes?.toString() ?? null]);
    held = Math.max(held, process.memoryUsage().arrayBuffers);
  });
  expect(records).toEqual([
    [1, 'before'],
    [2, null],
    [3, 'after'],
  ]);
  expect(held).toBeLessThan(20_000_000);
});

test('a record of the longest size is read, one byte more is too long', async () => {
  const lengths: (number | null)[] = [];
  const longest = Buffer.alloc(RECORD_BYTES_MAX, 0x61);
  await all([longest, Buffer.from('\na'), longest, Buffer.from('\n')], false, ({ bytes }) =>
    lengths.push(bytes?.length ?? null),
  );
  expect(lengths).toEqual([RECORD_BYTES_MAX, null]);
});
