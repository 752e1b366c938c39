import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const MODULE = new URL('./close-threads.ts', import.meta.url).href;
const COUNTER = new URL('../domain/estimate/token-counter.ts', import.meta.url).href;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ownkey-threads-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What a process of its own prints that closed the way to threads first, as the server does. */
async function print(script: string): Promise<string> {
  const program = join(folder, 'program.mjs');
  await writeFile(program, `await import(${JSON.stringify(MODULE)});\n${script}`);
  return (await run(process.execPath, ['--conditions=source', '--import', 'tsx', program])).stdout.trim();
}

test.each([
  ['an import', "const { Worker } = await import('node:worker_threads');"],
  [
    'require',
    "const { createRequire } = await import('node:module'); const { Worker } = createRequire('/x.js')('worker_threads');",
  ],
  ['the process', "const { Worker } = process.getBuiltinModule('worker_threads');"],
])(
  'once the way to threads is closed, %s leads to none',
  async (_, find) => {
    const start = "new Worker('', { eval: true, execArgv: [] })";
    expect(
      await print(`${find} try { ${start}; console.log('started'); } catch (error) { console.log(error.message); }`),
    ).toBe('The server starts no threads but its own.');
  },
  20_000,
);

test('tokens are still counted', async () => {
  const script = `const { createTokenCounter } = await import(${JSON.stringify(COUNTER)});
    const counter = createTokenCounter({ countMs: 20000, waitMs: 20000 });
    console.log(await counter.count(['Hello, world!'])); await counter.close();`;
  expect(await print(script)).toBe('4');
}, 20_000);
