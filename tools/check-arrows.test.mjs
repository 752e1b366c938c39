import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkArrow, findCycles, findProviderLiterals, readImports } from './check-arrows.mjs';
import { ROOT } from './process.mjs';

function problemsOf(file, specifier, typeOnly = false) {
  const problems = [];
  checkArrow(join(ROOT, 'packages', file), specifier, typeOnly, (what) => problems.push(what));
  return problems;
}

test.each([
  ['worker/src/a.ts', '@ownkey/vault/open'],
  ['worker/src/a.ts', 'undici'],
  ['server/src/a.ts', '@ownkey/vault/seal'],
  ['server/src/a.ts', '@ownkey/providers/catalogue'],
  ['server/src/a.ts', 'fastify'],
  ['contract/src/api/a.ts', 'zod'],
  ['sandbox/src/a.ts', '@ownkey/guard/child-control'],
  ['guard/src/a.ts', './b.ts'],
])('%s may import %s', (file, specifier) => {
  expect(problemsOf(file, specifier)).toEqual([]);
});

test.each([
  ['server/src/a.ts', '@ownkey/vault/open'],
  ['server/src/a.ts', '@ownkey/vault/kek-file'],
  ['server/src/a.ts', '@ownkey/worker/main'],
  ['server/src/a.ts', '@ownkey/providers/dialects'],
  ['console/src/a.ts', '@ownkey/server/main'],
  ['sdk/src/a.ts', '@ownkey/vault/envelope'],
  ['cli/src/a.ts', '@ownkey/server/storage/migrate'],
  ['guard/src/a.ts', '@ownkey/policy/x'],
  ['worker/src/a.ts', 'zod'],
  ['vault/src/a.ts', 'pg-boss'],
  ['contract/src/a.ts', 'zod'],
  ['contract/src/a.ts', 'node:fs'],
  ['worker/src/a.ts', '@ownkey/contract'],
  ['worker/src/a.ts', '../../vault/src/open.ts'],
])('%s may not import %s', (file, specifier) => {
  expect(problemsOf(file, specifier)).toHaveLength(1);
});

test('imports are read in every form, and text in comments is not one', () => {
  const text = [
    "import 'a';",
    "import { b } from 'b';",
    "import type { c } from 'c';",
    "import {\n  d,\n  type e,\n} from 'd';",
    "export { f } from 'f';",
    "export * from 'g';",
    "const h = await import('h');",
    "// import { i } from 'i';",
    "/* import 'j' */",
  ].join('\n');
  expect(readImports(text).map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' type' : ''}`)).toEqual([
    'a',
    'b',
    'c type',
    'd',
    'f',
    'g',
    'h',
  ]);
});

test('a provider named in a literal is found, its name inside other words is not', () => {
  const ids = new Set(['acme']);
  expect(findProviderLiterals('if (id === \'acme\') f(`acme`, "acme")', ids)).toHaveLength(3);
  expect(findProviderLiterals("f('acme-chat', 'the acme company') // 'acme'", ids)).toEqual([]);
});

test('a cycle is found and a diamond is none', () => {
  expect(
    findCycles(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['a']],
      ]),
    ),
  ).toEqual([['a', 'b', 'c', 'a']]);
  expect(
    findCycles(
      new Map([
        ['a', ['b', 'c']],
        ['b', ['d']],
        ['c', ['d']],
        ['d', []],
      ]),
    ),
  ).toEqual([]);
});
