/** Writes the documentation pages that are made from code and data. `--check` writes nothing and fails when one is not current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configurationPage } from './docs/configuration-page.ts';
import { errorsPage } from './docs/errors-page.ts';
import { providersPage } from './docs/providers-page.ts';
import { routesPage } from './docs/routes-page.ts';

/** File in `docs/` → what makes it. */
export const GENERATED_PAGES: Readonly<Record<string, () => string>> = {
  'errors.md': () => errorsPage(),
  'configuration.md': () => configurationPage(),
  'providers.md': () => providersPage(),
  'routes.md': () => routesPage(),
};

/** The page as it is checked in; empty when it is missing. */
export function readPage(name: string): string {
  try {
    return readFileSync(pathOf(name), 'utf8');
  } catch {
    return '';
  }
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
}

function main(check: boolean): number {
  const stale = Object.entries(GENERATED_PAGES).flatMap(([name, make]) => {
    const page = make();
    return page === readPage(name) ? [] : [{ name, page }];
  });
  for (const { name, page } of stale) {
    if (!check) writeFileSync(pathOf(name), page);
    process.stdout.write(check ? `docs/${name} is not current; run \`npm run docs\`.\n` : `Wrote docs/${name}.\n`);
  }
  if (stale.length === 0) process.stdout.write('The generated pages are current.\n');
  return check && stale.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.includes('--check'));
