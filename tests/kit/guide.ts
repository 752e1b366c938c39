import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { useProduct } from './product.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SEPARATOR = '=== next block ===';

interface Block {
  readonly under: string;
  readonly script: string;
  /** Pieces of text that its output holds, in this order. */
  readonly prints: readonly string[];
}

/** Blocks of a page marked `sh run`, each with what the `text prints` after it promises. */
function readBlocks(markdown: string): Block[] {
  const found = markdown.matchAll(/^## (.+)$|^```sh run\n([\s\S]*?)^```$(?:\n\n```text prints\n([\s\S]*?)^```$)?/gm);
  const blocks: Block[] = [];
  let under = '';
  for (const [, heading, script, prints] of found) {
    if (heading !== undefined) under = heading;
    else if (script !== undefined)
      blocks.push({ under, script, prints: (prints ?? '').split('\n').filter((line) => line !== '') });
  }
  return blocks;
}

/** All blocks in one shell, as a reader would run them. */
function runBlocks(blocks: readonly Block[], directory: string): Promise<string> {
  const script = blocks.map((block) => block.script).join(`\necho '${SEPARATOR}'\n`);
  const shell = spawn('bash', ['-e', '-u', '-c', script], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', OWNKEY_DATA_DIR: directory },
  });
  let printed = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk) => (printed += String(chunk)));
  return new Promise((resolve, reject) => {
    shell.once('error', reject);
    shell.once('close', (code) => {
      if (code === 0) resolve(printed);
      else reject(new Error(`The guide ended with ${code}:\n${printed}`));
    });
  });
}

/** Tests of a page under docs/ whose blocks run against a product of their own: each prints what the page says. */
export function testGuide(page: string, blocksMin: number): void {
  const blocks = readBlocks(readFileSync(`${ROOT}docs/${page}`, 'utf8'));
  const product = useProduct();
  let outputs: string[] = [];

  beforeAll(async () => {
    outputs = (await runBlocks(blocks, product.directory)).split(SEPARATOR);
  });

  it('finds the blocks of the guide, each with a promise', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(blocksMin);
    for (const block of blocks) expect(block.prints.length, block.under).toBeGreaterThan(0);
  });

  describe('the guide prints what it says:', () => {
    it.each(blocks.map((block, index) => ({ ...block, index })))('$index $under', ({ prints, index }) => {
      let from = 0;
      const output = outputs[index] ?? '';
      for (const piece of prints) {
        const at = output.indexOf(piece, from);
        expect(at, `“${piece}” in:\n${output}`).toBeGreaterThanOrEqual(0);
        from = at + piece.length;
      }
    });
  });
}
