import { expect, test } from 'vitest';
import { SharedLoads } from './shared-loads.ts';

function controlled() {
  const gates: { resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
  const loads = new SharedLoads<string, string>(
    () => new Promise((resolve, reject) => gates.push({ resolve, reject })),
  );
  return { loads, gates };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a question asked while a load runs is answered by a later load, never by the one that began before it', async () => {
  const { loads, gates } = controlled();
  const first = loads.get('a');
  const second = loads.get('a');
  const third = loads.get('a');
  gates[0]?.resolve('old');
  expect(await first).toBe('old');
  await turn();
  expect(gates).toHaveLength(2);
  gates[1]?.resolve('new');
  expect(await Promise.all([second, third])).toEqual(['new', 'new']);
});

test('a load that fails is not the answer of the next question', async () => {
  const { loads, gates } = controlled();
  const first = loads.get('a');
  const second = loads.get('a');
  gates[0]?.reject(new Error('down'));
  await expect(first).rejects.toThrow('down');
  await turn();
  gates[1]?.resolve('up');
  expect(await second).toBe('up');
});

test('questions about different keys do not wait for each other', async () => {
  const { loads, gates } = controlled();
  const a = loads.get('a');
  const b = loads.get('b');
  gates[1]?.resolve('b');
  expect(await b).toBe('b');
  gates[0]?.resolve('a');
  expect(await a).toBe('a');
});
