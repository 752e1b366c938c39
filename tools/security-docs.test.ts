import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** The threat model and the claims stand on tests that are there. */
const ROOT = new URL('../', import.meta.url);
const FOLDER = new URL('docs/security/', ROOT);
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');
const model = read('threat-model.md');
const claims = read('claims.md');

const LAST_THREAT = 25;
const NUMBERS = Array.from({ length: LAST_THREAT }, (_, index) => index + 1);
const NUMBERED_TEST = /^(\d\d)-.*\.test\.ts$/;

/** The section of each threat, by number. */
const sections = new Map(
  model
    .split(/^### /m)
    .slice(1)
    .map((section) => [Number.parseInt(section, 10), section]),
);

/** Files of a text, linked or named, as paths from the repository's root. */
function testsIn(text: string): string[] {
  return [...text.matchAll(/(?:tests|packages|tools)\/[\w./-]+\.test\.ts/g)].map(([path]) => path);
}

const rowOf = (section: string, name: string): string =>
  new RegExp(`^- \\*\\*${name}:\\*\\* (.+)$`, 'm').exec(section)?.[1] ?? '';

test('the threat model has every threat once, in order', () => {
  expect([...sections.keys()]).toEqual(NUMBERS);
});

describe.each(NUMBERS)('threat %i', (number) => {
  const section = sections.get(number) ?? '';

  test('names who and what, a control, a test and what remains', () => {
    for (const name of ['Who, what', 'Control', 'Test', 'Remains']) expect(rowOf(section, name), name).not.toBe('');
  });

  test('has a test whose file name begins with its number, or says why not', () => {
    const prefix = `tests/security/${String(number).padStart(2, '0')}-`;
    const own = testsIn(rowOf(section, 'Test')).some((path) => path.startsWith(prefix));
    const reason = rowOf(section, 'No file of its own');
    expect(own ? reason === '' : reason.length > 20).toBe(true);
  });
});

test('every test that begins with the number of a threat stands in its section', () => {
  const files = readdirSync(new URL('tests/security/', ROOT)).filter((name) => NUMBERED_TEST.test(name));
  expect(files.length).toBeGreaterThan(3);
  const missing = files.filter(
    (name) => !testsIn(sections.get(Number.parseInt(name, 10)) ?? '').includes(`tests/security/${name}`),
  );
  expect(missing).toEqual([]);
});

test('the page of claims links every test that begins with the number of a threat', () => {
  const linked = [...claims.matchAll(/\]\(\.\.\/\.\.\/tests\/security\/([^)]+)\)/g)].map(([, name]) => name);
  const files = readdirSync(new URL('tests/security/', ROOT)).filter((name) => NUMBERED_TEST.test(name));
  expect(files.filter((name) => !linked.includes(name))).toEqual([]);
});

test.each(['threat-model.md', 'claims.md'])('every file that %s names is there', (name) => {
  const page = read(name);
  for (const [link, target = ''] of page.matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)\s]*)?\)/g))
    expect(existsSync(fileURLToPath(new URL(target, FOLDER))), link).toBe(true);
  for (const path of [
    ...testsIn(page),
    ...[...page.matchAll(/`((?:packages|tests|tools)\/[^`\s]+)`/g)].map(([, path = '']) => path),
  ])
    expect(existsSync(fileURLToPath(new URL(path, ROOT))), path).toBe(true);
});

test('every claim names a test and its limit', () => {
  const rows = claims.split('\n').filter((line) => line.startsWith('| "'));
  expect(rows.length).toBeGreaterThan(2);
  for (const row of rows) {
    const limit = row.split('|').at(-2)?.trim() ?? '';
    expect(testsIn(row).length, row).toBeGreaterThan(0);
    expect(limit.length, row).toBeGreaterThan(20);
  }
});

test('what must not be said is said nowhere', () => {
  const pages = ['README.md', 'SECURITY.md', 'ARCHITECTURE.md', 'docs/guide.md', 'docs/deployment.md'];
  for (const page of pages)
    expect(readFileSync(new URL(page, ROOT), 'utf8'), page).not.toMatch(
      /HSM-grade|zero[- ]knowledge|sandboxed by Node/i,
    );
});

test('README and SECURITY lead to both pages', () => {
  for (const page of ['README.md', 'SECURITY.md']) {
    const text = readFileSync(new URL(page, ROOT), 'utf8');
    for (const name of ['threat-model.md', 'claims.md']) expect(text, page).toContain(`docs/security/${name}`);
  }
});
