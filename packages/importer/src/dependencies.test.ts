import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));

/** What the file needs at run time: types vanish. */
function importsOf(file: string, late: boolean): string[] {
  const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const statements = code.matchAll(/^(?:import|export)\s+(?!type\s)(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm);
  const dynamic = late ? code.matchAll(/\bimport\('([^']+)'\)/g) : [];
  return [...statements, ...dynamic].map(([, specifier = '']) => specifier);
}

/** `late`: also what is loaded only where it is used. */
function reach(entry: string, late: boolean): { files: Set<string>; npm: Set<string> } {
  const files = new Set([entry]);
  const npm = new Set<string>();
  for (const file of files) {
    for (const specifier of importsOf(file, late)) {
      const own = /^@ownkey\/([a-z]+)\/(.+)$/.exec(specifier);
      if (own) files.add(join(PACKAGES, own[1] ?? '', 'src', `${own[2]}.ts`));
      else if (specifier.startsWith('.')) files.add(resolve(dirname(file), specifier));
      else if (!specifier.startsWith('node:')) npm.add(/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
    }
  }
  return { files, npm };
}

test('the process that holds the source key loads these packages and no other; an HTTP client only to ask a KMS', () => {
  const entry = join(PACKAGES, 'importer/src/main.ts');
  expect([...reach(entry, true).npm].sort()).toEqual(['@noble/ciphers', 'ipaddr.js', 'pg', 'undici']);
  const { files, npm } = reach(entry, false);
  expect([...files].filter((file) => !existsSync(file))).toEqual([]);
  expect(files.size).toBeGreaterThan(40);
  expect([...npm].sort()).toEqual(['@noble/ciphers', 'ipaddr.js', 'pg']);
});

test('its dependencies are frozen', () => {
  const { dependencies } = JSON.parse(readFileSync(join(PACKAGES, 'importer/package.json'), 'utf8'));
  expect(dependencies).toEqual({
    '@noble/ciphers': '2.4.0',
    '@ownkey/contract': '0.1.0',
    '@ownkey/guard': '0.1.0',
    '@ownkey/providers': '0.1.0',
    '@ownkey/vault': '0.1.0',
    '@ownkey/worker': '0.1.0',
  });
});
