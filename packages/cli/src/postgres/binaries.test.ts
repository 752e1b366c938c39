import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeCopy, readLinks } from './binaries.ts';

let folder = '';
let packageDirectory = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ownkey-binaries-'));
  packageDirectory = join(folder, 'package');
  for (const name of ['bin', 'lib/pkgconfig', 'share'])
    mkdirSync(join(packageDirectory, 'native', name), { recursive: true });
  for (const name of ['initdb', 'pg_ctl', 'postgres']) writeFileSync(join(packageDirectory, 'native/bin', name), name);
  writeFileSync(join(packageDirectory, 'native/lib/libx.so.1.2'), 'library');
  writeFileSync(join(packageDirectory, 'native/lib/libx.a'), 'static');
  writeLinks([{ source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so.1' }]);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeLinks(links: unknown): void {
  writeFileSync(join(packageDirectory, 'native/pg-symlinks.json'), JSON.stringify(links));
}

test('the copy has the library links although no install script made them, and no static libraries', () => {
  const copy = join(folder, 'copy');
  makeCopy(packageDirectory, readLinks(packageDirectory), copy);
  expect(readFileSync(join(copy, 'lib/libx.so.1'), 'utf8')).toBe('library');
  expect(existsSync(join(copy, 'lib/libx.a'))).toBe(false);
  expect(readdirSync(folder).sort()).toEqual(['copy', 'package']);
});

test('a link that the install script made already is made again, inside the copy', () => {
  symlinkSync('libx.so.1.2', join(packageDirectory, 'native/lib/libx.so.1'));
  const copy = join(folder, 'copy');
  makeCopy(packageDirectory, readLinks(packageDirectory), copy);
  rmSync(packageDirectory, { recursive: true });
  expect(readFileSync(join(copy, 'lib/libx.so.1'), 'utf8')).toBe('library');
});

test('a link that leads outside the package is refused and no copy is left', () => {
  writeLinks([{ source: '../outside', target: 'native/lib/libx.so.1' }]);
  expect(() => makeCopy(packageDirectory, readLinks(packageDirectory), join(folder, 'copy'))).toThrow('leads outside');
  expect(readdirSync(folder)).toEqual(['package']);
});

test.each([{}, [{ source: 'x' }], ['x']])('a list of links of another shape (%j) is refused', (links) => {
  writeLinks(links);
  expect(() => readLinks(packageDirectory)).toThrow('pg-symlinks.json');
});
