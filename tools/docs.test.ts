import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERRORS } from '@ownkey/contract/errors';
import { ROUTES } from '@ownkey/contract/routes';
import { SETTINGS } from '@ownkey/contract/settings';
import { expect, test } from 'vitest';
import { GENERATED_PAGES, readPage } from './docs.ts';

test.each(Object.keys(GENERATED_PAGES))(
  'docs/%s says what code and catalogue say (else run `npm run docs`)',
  (name) => {
    expect(readPage(name)).toBe(GENERATED_PAGES[name]?.());
  },
);

test('every error has the anchor that problem bodies link to', () => {
  const page = readPage('errors.md');
  for (const code of Object.keys(ERRORS)) expect(page).toContain(`<a id="${code}"></a>`);
});

test('no setting and no route is left out', () => {
  const settings = readPage('configuration.md');
  for (const name of Object.keys(SETTINGS)) expect(settings).toContain(`\`${name}\``);
  const routes = readPage('routes.md');
  for (const { summary } of Object.values(ROUTES)) expect(routes).toContain(summary);
});

const DOCS = new URL('../docs/', import.meta.url);
const pages = readdirSync(DOCS).filter((name) => name.endsWith('.md'));

test.each(pages)('docs/%s links to files and sections that are there', (name) => {
  const targets = [...readPage(name).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)];
  for (const [link, file = '', anchor] of targets) {
    const target = file === '' ? name : file;
    expect(existsSync(fileURLToPath(new URL(target, DOCS))), link).toBe(true);
    if (anchor !== undefined && pages.includes(target)) expect(anchorsOf(readPage(target)), link).toContain(anchor);
  }
});

/** Explicit ids, and the names that headings get. */
function anchorsOf(page: string): string[] {
  const ids = [...page.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id ?? '');
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
  return [...ids, ...headings];
}
