import { expect, test } from 'vitest';
import { quiet } from '../../../../tests/kit/quiet-log.ts';
import { singleCheck } from './single-check.ts';

/** Work that ends when the test says so. */
function heldWork() {
  const running: { done(): void; fail(): void }[] = [];
  const work = () =>
    new Promise<void>((resolve, reject) =>
      running.push({ done: resolve, fail: () => reject(new Error('no database')) }),
    );
  return { running, work };
}

test('asked while it looks, it looks once more, and not once for each that asked', async () => {
  const { running, work } = heldWork();
  const check = singleCheck(work, quiet);
  for (let i = 0; i < 5; i++) check();
  expect(running).toHaveLength(1);
  running[0]?.done();
  await expect.poll(() => running.length).toBe(2);
  running[1]?.done();
  check();
  await expect.poll(() => running.length).toBe(3);
});

test('a look that failed is repeated by itself', async () => {
  const { running, work } = heldWork();
  singleCheck(work, quiet)();
  running[0]?.fail();
  await expect.poll(() => running.length).toBe(2);
});
