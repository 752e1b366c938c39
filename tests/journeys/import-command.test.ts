import { rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fernetKey, fernetToken } from '../kit/fernet.ts';
import { type ImportPlace, makeImportPlace, startImport } from '../kit/import-run.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { seedCompany } from '../kit/worker-rows.ts';

const database = useTestDatabase();
const source = fernetKey();
const KEY = `sk-proj-${'A1b2C3d4'.repeat(15)}`;
let owner: Client;
let place: ImportPlace;
let company: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  place = makeImportPlace();
});
afterAll(() => rmSync(place.directory, { recursive: true }));
beforeEach(async () => {
  company = await seedCompany(owner);
});

const csv = (...rows: string[]): string =>
  place.write('keys.csv', ['company,provider,label,ciphertext,created', ...rows].join('\r\n'));
const good = (): string => `${company},openai,"a, b",${fernetToken(source, KEY)},2024`;
const WORDS = ['--from', 'fernet', '--key-fd', '3'];

async function run(words: readonly string[], key: string | null = source) {
  const running = startImport(place, database.workerUrl, key === null ? null : place.write('key', key), words);
  running.process.stdin?.end();
  const code = await running.ended;
  return { code, lines: running.lines(), stderr: running.stderr() };
}

const stored = async (): Promise<number> =>
  (await owner.query('SELECT count(*)::int AS n FROM ownkey.keys WHERE company_id = $1', [company])).rows[0].n;

describe('an import from the command line', () => {
  test('ends with 0 when every row is in, names columns it does not look at, and shows no progress without a terminal', async () => {
    const file = csv(good());
    const { code, lines, stderr } = await run([...WORDS, file]);
    expect(code).toBe(0);
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^2,,${company},openai,key_\\w{26},C3d4,stored,,`))]);
    expect(stderr).toBe('Not looked at: the column created.\n1 stored, 0 already there, 0 skipped.\n');
    expect(`${lines.join()}${stderr}`).not.toContain(KEY.slice(0, 16));
  });

  test('ends with 3 when a row is skipped, and a dry run leaves everything to the real one', async () => {
    const file = csv(good(), `nobody,openai,,${fernetToken(source, KEY)},`);
    expect(await run([...WORDS, '--dry-run', file])).toMatchObject({
      code: 3,
      lines: [expect.stringContaining(',would_store,'), expect.stringContaining(',skipped,company.unknown,')],
      stderr: expect.stringContaining('Dry run, nothing was written: 1 would be stored, 0 already there, 1 skipped.'),
    });
    expect(await stored()).toBe(0);
    expect((await run([...WORDS, file])).code).toBe(3);
    expect(await stored()).toBe(1);
  });

  test('writes its report to a new file for its owner alone, and never over one that is there', async () => {
    const file = csv(good());
    const report = join(place.directory, `report-${company}.csv`);
    expect(await run([...WORDS, '--report', report, file])).toMatchObject({ code: 0, lines: [] });
    expect(await readFile(report, 'utf8')).toMatch(
      /^line,id,company,provider,key_id,last4,result,code,reason\n2,.*,stored,/,
    );
    expect(statSync(report).mode & 0o777).toBe(0o600);
    expect(await run([...WORDS, '--report', report, file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('exists and is never overwritten'),
    });
  });

  test.each<[string, () => Parameters<typeof run>, RegExp]>([
    ['a source key of the wrong length', () => [[...WORDS, csv(good())], 'A'.repeat(22)], /has 16 bytes.*has 32/],
    [
      'a source key that is none',
      () => [[...WORDS, csv(good())], '!'],
      /Line 1 of the source key is not URL-safe base64/,
    ],
    [
      'a descriptor that nobody passed',
      () => [['--from', 'fernet', '--key-fd', '9', csv(good())]],
      /Descriptor 9 holds no key/,
    ],
    ['no source key', () => [['--from', 'fernet', csv(good())]], /--key-fd or by --key-file/],
    ['an empty export', () => [[...WORDS, place.write('empty.csv', '')]], /The export is empty/],
    [
      'an export without its columns',
      () => [[...WORDS, place.write('odd.csv', 'a,provider\n1,2\n')]],
      /no column ciphertext, company/,
    ],
    ['an export that is not there', () => [[...WORDS, 'absent.csv']], /absent\.csv cannot be opened/],
    ['a folder for an export', () => [[...WORDS, '--format', 'csv', '.']], /is a folder/],
    ['a pipe without a name', () => [[...WORDS, '--format', 'csv', '-']], /needs --name/],
    ['a layout for Fernet', () => [[...WORDS, '--layout', 'nonce-ciphertext', csv(good())]], /one layout only/],
  ])('with %s ends with 2, says why, and stores nothing', async (_, words, problem) => {
    const { code, stderr } = await run(...words());
    expect(stderr).toMatch(problem);
    expect(code).toBe(2);
    expect(await stored()).toBe(0);
  });

  test('takes the key from a file that the command opens, several keys, and rows from a pipe', async () => {
    const keys = place.write('keys.txt', `${fernetKey()}\n${source}\n`);
    const words = ['--from', 'fernet', '--key-file', keys, '--format', 'jsonl', '--name', `n-${company}`, '-'];
    const running = startImport(place, database.workerUrl, null, words);
    const row = { company, provider: 'openai', ciphertext: fernetToken(source, KEY) };
    running.process.stdin?.end(JSON.stringify(row));
    expect(await running.ended).toBe(0);
    expect(await stored()).toBe(1);
  });

  test('that loses its database ends with 1 and says that it may be run again', async () => {
    const running = startImport(place, 'postgres://ownkey_worker:x@127.0.0.1:1/none', place.write('key', source), [
      ...WORDS,
      csv(good()),
    ]);
    expect(await running.ended).toBe(1);
    expect(running.stderr()).toMatch(/ECONNREFUSED[\s\S]*run the same command again/);
  });
});
