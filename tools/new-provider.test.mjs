import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalogue, resolveProvider } from '@ownkey/providers/catalogue';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeProvider } from './new-provider.mjs';

let root;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'new-provider-'));
  cpSync(join(import.meta.dirname, '../catalogue'), join(root, 'catalogue'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

test('a new provider is one file that the strict loader takes', () => {
  writeProvider(root, 'newcomer', 'https://api.newcomer.example/v1/', '2026-01-31');
  const entry = resolveProvider(loadCatalogue(join(root, 'catalogue')), 'NEWCOMER');
  expect(entry).toMatchObject({ id: 'newcomer', base_url: 'https://api.newcomer.example/v1', read_on: '2026-01-31' });
});

test.each([
  ['Upper', 'https://a.example'],
  ['../x', 'https://a.example'],
  ['', 'https://a.example'],
  ['groq', 'https://a.example'],
  ['newcomer', 'http://a.example'],
  ['newcomer', 'nowhere'],
])('%j at %j is refused and writes nothing', (id, baseUrl) => {
  const before = loadCatalogue(join(root, 'catalogue')).entries.get('groq');
  expect(() => writeProvider(root, id, baseUrl, '2026-01-31')).toThrow();
  const after = loadCatalogue(join(root, 'catalogue'));
  expect(after.entries.size).toBe(loadCatalogue(join(import.meta.dirname, '../catalogue')).entries.size);
  expect(after.entries.get('groq')).toEqual(before);
});
