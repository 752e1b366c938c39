import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { loadCatalogue } from './catalogue.ts';

/**
 * No code knows a provider by its name: what a provider needs is in its catalogue entry, or in `quirks/<id>.ts`. So a provider is
 * added by a file, and a name in a string elsewhere is a special case that nobody will find again.
 */
const ROOT = join(import.meta.dirname, '../../..');
const ids = [...loadCatalogue(join(ROOT, 'catalogue')).entries.keys()];
const literal = new RegExp(`(['"\`])(?:${ids.join('|')})\\1`, 'g');
const CODE = /\.(?:ts|tsx|mjs|js)$/;
const EXEMPT = [
  /\.test\.(?:tsx?|mjs)$/,
  /\.test-kit\.ts$/,
  /^packages\/providers\/src\/quirks\//,
  /(?:^|\/)(?:dist|node_modules)\//,
];

function* codeFiles(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    if (name === 'node_modules' || name === 'dist' || name.startsWith('.')) continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* codeFiles(path);
    else if (CODE.test(name)) yield path;
  }
}

/** Code without comments, so that a comment may name a provider. */
function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

test('no provider is known by name outside of the catalogue and its quirks', () => {
  const found = [...codeFiles(join(ROOT, 'packages')), ...codeFiles(join(ROOT, 'tools'))]
    .map((path) => relative(ROOT, path))
    .filter((path) => !EXEMPT.some((pattern) => pattern.test(path)))
    .flatMap((path) =>
      [...withoutComments(readFileSync(join(ROOT, path), 'utf8')).matchAll(literal)].map(
        ([name]) => `${path}: ${name}`,
      ),
    );
  expect(found).toEqual([]);
});

test('a name in code would be found', () => {
  expect(withoutComments(`// 'groq'\n/* "groq" */ x('groq')`).match(literal)).toEqual(["'groq'"]);
  expect('openai-chat anthropic-messages "openai-chat"'.match(literal)).toBeNull();
});
