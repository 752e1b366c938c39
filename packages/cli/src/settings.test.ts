import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readSettings, SettingsError } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'ownkey-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readSettings(env, folder);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

test('an empty environment gives the documented defaults', () => {
  expect(readSettings({ PATH: '/bin', OWNKEY_PORT: '' }, folder)).toMatchObject({
    dataDirectory: join(folder, '.ownkey'),
    kekFile: join(folder, '.ownkey', 'kek'),
    host: '127.0.0.1',
    port: 8420,
    gatewayPort: 8421,
    sandboxPort: 8422,
    workers: 1,
    ownerUrl: null,
    controlUrl: null,
    workerUrl: null,
  });
});

test('every problem is told at once, and no secret is repeated', () => {
  const problems = problemsOf({
    OWNKEY_PORT: '80a',
    OWNKEY_WORKERS: '0',
    OWNKEY_CONTROL_DATABASE_URL: 'mysql://user:hidden-word@host/db',
    OWNKEY_AUTH_SECRET: 'hidden-word',
    OWNKEY_CONSOLE_URL: 'ftp://x',
  });
  expect(problems).toHaveLength(5);
  for (const name of [
    'OWNKEY_PORT',
    'OWNKEY_WORKERS',
    'OWNKEY_CONTROL_DATABASE_URL',
    'OWNKEY_AUTH_SECRET',
    'OWNKEY_CONSOLE_URL',
  ]) {
    expect(problems.join('\n')).toContain(name);
  }
  expect(problems.join('\n')).not.toContain('hidden-word');
});

test.each([
  ['OWNKEY_GATEWY_PORT', 'OWNKEY_GATEWAY_PORT'],
  ['OWNKEY_WORKER', 'OWNKEY_WORKERS'],
])('the unknown name %s is refused with the name that was meant', (name, meant) => {
  expect(problemsOf({ [name]: '1' })).toEqual([`${name} is not a setting; did you mean ${meant}?`]);
});

test.each([
  ['OWNKEY_PORT', '65536'],
  ['OWNKEY_PORT', '-1'],
  ['OWNKEY_PORT', '1e3'],
  ['OWNKEY_WORKERS', '65'],
  ['OWNKEY_CLEAR_KEYS', 'yes'],
  ['OWNKEY_HOST', 'a b'],
  ['OWNKEY_EGRESS_ALLOW', 'a:1,,b:2'],
  ['OWNKEY_PROVIDER_SOME_ONE_BASE_URL', 'not an address'],
])('%s=%s is a problem', (name, value) => {
  expect(problemsOf({ [name]: value })).toHaveLength(1);
});

test('a secret is read from the file its _FILE name gives, without the last newline', () => {
  const file = join(folder, 'secret');
  writeFileSync(file, 'postgres://w:p@host/db\n');
  expect(readSettings({ OWNKEY_WORKER_DATABASE_URL_FILE: file }, folder).workerUrl).toBe('postgres://w:p@host/db');
});

test.each([
  ['a missing file', { OWNKEY_AUTH_SECRET_FILE: '/nonexistent/file' }],
  ['both forms at once', { OWNKEY_AUTH_SECRET_FILE: '/dev/null', OWNKEY_AUTH_SECRET: 'x'.repeat(40) }],
  ['an empty file', { OWNKEY_AUTH_SECRET_FILE: '/dev/null' }],
])('a secret given by %s is a problem', (_what, env) => {
  expect(problemsOf(env)).toHaveLength(1);
});

test('each process is given its own settings and none of the others', () => {
  const settings = readSettings(
    {
      DATABASE_URL: 'postgres://owner@host/db',
      OWNKEY_CONTROL_DATABASE_URL: 'postgres://control@host/db',
      OWNKEY_WORKER_DATABASE_URL: 'postgres://worker@host/db',
      OWNKEY_KEK_FILE: '/keys/kek',
      OWNKEY_PROVIDER_ONE_BASE_URL: 'https://one.example.com',
      OWNKEY_TEST_ANYTHING: 'x',
    },
    folder,
  );
  expect(Object.keys(settings.givenTo('server')).sort()).toEqual([
    'OWNKEY_CONTROL_DATABASE_URL',
    'OWNKEY_PROVIDER_ONE_BASE_URL',
  ]);
  expect(Object.keys(settings.givenTo('worker')).sort()).toEqual([
    'OWNKEY_KEK_FILE',
    'OWNKEY_PROVIDER_ONE_BASE_URL',
    'OWNKEY_WORKER_DATABASE_URL',
  ]);
  expect(settings.givenTo('sandbox')).toEqual({});
});
