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
